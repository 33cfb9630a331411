"""Communicators: groups of processes whose messages do not mix with those of other communicators.

A handle refers to the rank's own `CommState`; only `COMM_WORLD` and `COMM_SELF` are shared by all
ranks and find the state of the process that is running. Making a communicator is a collective
operation that agrees on a context which is free on all of its ranks.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from functools import partial
from operator import index
from struct import Struct
from typing import Any, Final, NoReturn, Self
from zlib import crc32

from vmpp_collectives import Channel
from vmpp_mpi._attributes import Attributed
from vmpp_mpi._calls._buffers import BufferCalls
from vmpp_mpi._calls._collectives import CollectiveCalls, ScanCalls
from vmpp_mpi._calls._faults import FaultCalls
from vmpp_mpi._calls._partitioned import PartitionedCalls
from vmpp_mpi._calls._processes import ProcessCalls
from vmpp_mpi._calls._topologies import TopologyCalls
from vmpp_mpi._collectives import OwnKind
from vmpp_mpi._communicators import _between as between
from vmpp_mpi._communicators._kinds import INTER, INTRA, KINDS, class_of
from vmpp_mpi._communicators._locks import lock_of, lock_table
from vmpp_mpi._communicators._making import begin_duplicate, created, duplicated, split
from vmpp_mpi._constants import (
    ANY_SOURCE,
    APPNUM,
    COMM_TYPE_HW_GUIDED,
    COMM_TYPE_HW_UNGUIDED,
    COMM_TYPE_RESOURCE_GUIDED,
    COMM_TYPE_SHARED,
    CONGRUENT,
    IDENT,
    IO,
    LASTUSEDCODE,
    MAX_OBJECT_NAME,
    MAX_TAG,
    SIMILAR,
    TAG_UB,
    UNDEFINED,
    UNEQUAL,
    UNIVERSE_SIZE,
    WTIME_IS_GLOBAL,
)
from vmpp_mpi._dynamic._sockets import join
from vmpp_mpi._errhandler import Errhandler
from vmpp_mpi._erring import Erring
from vmpp_mpi._errors import (
    ERR_ARG,
    ERR_COMM,
    ERR_GROUP,
    ERR_RANK,
    ERR_TRUNCATE,
    last_used_code,
)
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._group import Group
from vmpp_mpi._handle import forget, predefine
from vmpp_mpi._info import INFO_NULL, HintCalls, Info
from vmpp_mpi._numbers import whole
from vmpp_mpi._requests._operation import Work
from vmpp_mpi._requests._request import Request
from vmpp_mpi._state import CommState, Predefined, mpi_state

_PAIR: Final = Struct("<qq")
_CONSTANT_ATTRIBUTES: Final = {TAG_UB: MAX_TAG, IO: ANY_SOURCE, WTIME_IS_GLOBAL: 1}
_SPLIT_TYPES: Final = (
    COMM_TYPE_SHARED,
    COMM_TYPE_HW_GUIDED,
    COMM_TYPE_HW_UNGUIDED,
    COMM_TYPE_RESOURCE_GUIDED,
)


class Comm(
    Attributed[CommState | Predefined],
    Erring[CommState | Predefined],
    HintCalls[CommState | Predefined],
    BufferCalls[CommState | Predefined],
    PartitionedCalls,
    FaultCalls,
    CollectiveCalls,
):
    """A communicator. Null when made of nothing."""

    __slots__ = ()

    def __new__(cls, comm: Comm | None = None) -> Self:
        """Make a second handle to what *comm* refers to."""
        handle: Self = cls._copy(comm)
        return handle

    @classmethod
    def _make(cls, state: CommState | None) -> Self:
        """Make a handle to *state*, through the constructor of a program's own class."""
        handle = cls.__new__(cls)
        handle._ref = handle._state = state
        return handle

    @classmethod
    def fromhandle(cls, handle: int) -> Any:
        """Return a handle to what a number stands for, of the class that it has: `Cartcomm`, say.

        Raises:
            MPIError: `ERR_COMM`: it stands for nothing of this kind.
        """
        found = super().fromhandle(handle)
        return found if found._ref is None else class_of(found._get())._wrap(found._ref)

    # -- what it is --------------------------------------------------------------------------------

    def Get_rank(self) -> int:
        """Return the rank of the process that calls."""
        return self._get().rank

    def Get_size(self) -> int:
        """Return the number of processes, in the own group if there are two."""
        return self._get().size

    def Get_group(self) -> Group:
        """Return the group of its processes, the own one if there are two."""
        state = self._get()
        own = state.library.process.address
        return Group.of(state.addresses, own, state.rank, state.session)

    @property
    def rank(self) -> int:
        """Rank of the process that calls."""
        return (self._state or self._resolve()).rank

    @property
    def size(self) -> int:
        """Number of processes."""
        return (self._state or self._resolve()).size

    @property
    def group(self) -> Group:
        """Group of its processes."""
        return self.Get_group()

    def Compare(self, comm: Comm) -> int:
        """Return `IDENT`, `CONGRUENT` (the same group), `SIMILAR` (in another order), `UNEQUAL`."""
        own, other = self._get(), comm._get()
        if own is other:
            return IDENT
        compared = [self.Get_group().Compare(comm.Get_group())]
        if own.remote is not None and other.remote is not None:
            compared.append(remote_group(own).Compare(remote_group(other)))
        elif own.remote is not other.remote:
            return UNEQUAL
        return {IDENT: CONGRUENT, SIMILAR: SIMILAR}.get(max(compared), UNEQUAL)

    def Is_inter(self) -> bool:
        """Return whether it connects two groups."""
        return self._get().remote is not None

    def Is_intra(self) -> bool:
        """Return whether it has one group."""
        return not self.Is_inter()

    @property
    def is_inter(self) -> bool:
        """Whether it connects two groups."""
        return self.Is_inter()

    @property
    def is_intra(self) -> bool:
        """Whether it has one group."""
        return self.Is_intra()

    def Get_topology(self) -> int:
        """Return the kind of its topology, `CART` say, `UNDEFINED` if it has none."""
        topology = self._get().topology
        return UNDEFINED if topology is None else topology.kind

    @property
    def topology(self) -> int:
        """Kind of its topology."""
        return self.Get_topology()

    @property
    def is_topo(self) -> bool:
        """Whether it has a topology."""
        return self._ref is not None and self.Get_topology() != UNDEFINED

    def Get_name(self) -> str:
        """Return its name, empty unless MPI or the program gave it one."""
        return "MPI_COMM_NULL" if self._ref is None else self._get().name

    def Set_name(self, name: str) -> None:
        """Give it a name, for this rank."""
        self._get().name = name[:MAX_OBJECT_NAME]

    @property
    def name(self) -> str:
        """Its name."""
        return self.Get_name()

    @name.setter
    def name(self, value: str) -> None:
        self.Set_name(value)

    # -- making others -----------------------------------------------------------------------------

    def Dup(self, info: Info | None = None) -> Self:
        """Return a communicator of the same group, with the same topology and attributes."""
        state = self._get()
        made = duplicated(state) if state.remote is None else between.duplicate(state)
        made.info = state.info if info is None or not info else info.Dup()
        self._copy_attributes(made)
        return self._make(made)

    def Dup_with_info(self, info: Info) -> Self:
        """Return a communicator of the same group, with other hints."""
        return self.Dup(info)

    def Idup(self, info: Info | None = None) -> tuple[Self, Request]:
        """Begin `Dup`: return the communicator, to be used when the request is complete."""
        state = self._get()
        if state.remote is None:
            made, body = begin_duplicate(state, _apart)
        else:
            made, body = between.begin_duplicate(state, _apart)
        made.info = state.info if info is None or not info else info.Dup()
        self._copy_attributes(made)
        return self._make(made), Request._wrap(Work(state, body))

    def Idup_with_info(self, info: Info) -> tuple[Self, Request]:
        """Begin `Dup_with_info`; see `Idup`."""
        return self.Idup(info)

    def Clone(self) -> Self:
        """Return a communicator of the same group, with the same topology and attributes."""
        return self.Dup()

    def Create(self, group: Group) -> Comm:
        """Return a communicator of *group*, a part of its own; null where that lacks the process.

        All ranks call, those that are not in the group too. Of two groups, each gives its part, and
        if one gives none, all get a null communicator.

        Raises:
            MPIError: `ERR_GROUP`: the group is null, or has other processes.
        """
        state = self._get()
        addresses = group.addresses
        if len(addresses) > state.size:
            raise state.error(ERR_GROUP, "the group is not a part of the communicator's")
        rank = group.rank
        if state.remote is not None:
            made: Comm = KINDS[INTER]._make(between.create(state, addresses, rank))
            return made
        context = state.library.agree_context(
            state.channel.begin(OwnKind.CREATE), take=rank != UNDEFINED
        )
        return Intracomm._make(created(state, context, rank, addresses))

    def Split(self, color: int = 0, key: int = 0) -> Comm:
        """Return a communicator of the ranks that give the same *color*, ordered by *key*.

        Ranks that give `UNDEFINED` get a null one; so do, where there are two groups, those whose
        colour nobody in the other group gives.

        Raises:
            MPIError: `ERR_ARG`: the colour is negative.
        """
        state = self._get()
        color, key = whole(color), whole(key)
        if color < 0 and color != UNDEFINED:
            raise state.error(ERR_ARG, f"colour {color} is negative")
        return _parted(state, color, key)

    def Split_type(self, split_type: int, key: int = 0, info: Info = INFO_NULL) -> Comm:
        """Return a communicator of the ranks that share something: memory, with `COMM_TYPE_SHARED`.

        Ranks of one job share memory if they are on one node, which takes several in some CPU modes
        only. The types that let *info* name the resource know ``mpi_shared_memory``. Other types
        get a null communicator: there is nothing that only a part of a node's processes share.

        Raises:
            MPIError: `ERR_ARG`: there is no such type.
        """
        state = self._get()
        split_type = whole(split_type)
        if split_type not in (*_SPLIT_TYPES, UNDEFINED):
            raise state.error(ERR_ARG, f"split type {split_type}")
        shared = split_type == COMM_TYPE_SHARED or (
            split_type in (COMM_TYPE_HW_GUIDED, COMM_TYPE_RESOURCE_GUIDED)
            and bool(info)
            and info.get("mpi_hw_resource_type") == "mpi_shared_memory"
        )
        process = state.library.process
        # Nodes may be shared by jobs, but the memory of one is no business of another.
        color = process.job.id << 32 | process.nid if shared else UNDEFINED
        return _parted(state, color, whole(key))

    # -- the end -----------------------------------------------------------------------------------

    def Free(self) -> None:
        """Free the communicator and make the handle null.

        Raises:
            MPIError: `ERR_COMM`: it is predefined or null.
        """
        state = self._get()
        if type(self._ref) is Predefined:
            raise state.error(ERR_COMM, f"cannot free {state.name}, which is predefined")
        self._delete_attributes()
        state.release()
        forget(self)
        self._state = None

    def Disconnect(self) -> None:
        """Free the communicator when its messages are done, and make the handle null."""
        self.Free()

    @classmethod
    def Get_parent(cls) -> Any:
        """Return the communicator with the processes that spawned this one's job.

        It is null in a job that was not spawned, and once it has been freed or disconnected.
        """
        return KINDS[INTER]._make(mpi_state().parent)

    @classmethod
    def Join(cls, fd: int) -> Any:
        """Return a communicator of this process and the one at the other end of a socket.

        Both call it. What they tell each other over the socket has been read when it returns.

        Args:
            fd: descriptor of a connected socket.

        Raises:
            MPIError: `ERR_ARG`: it is none; `ERR_OTHER`: the connection breaks.
        """
        return KINDS[INTER]._make(join(mpi_state().myself, fd))

    def free(self) -> None:
        """Free the communicator if it is one that can be; make the handle null, a constant not."""
        if self._state is not None:
            self.Free()
        else:
            forget(self)

    def Abort(self, errorcode: int = 0) -> NoReturn:
        """End the whole job; *errorcode* is its status."""
        self._get().library.process.abort(whole(errorcode))

    # -- hints, and what attributes and error handlers are about --------------------------------

    def _constant_attribute(self, keyval: int) -> int | None:
        if keyval == LASTUSEDCODE:
            return last_used_code()
        process = self._get().library.process
        if keyval == UNIVERSE_SIZE:
            return process.job.machine.universe
        if keyval == APPNUM:
            return process.job.part(process.rank)
        return _CONSTANT_ATTRIBUTES.get(keyval)

    def Set_attr(self, keyval: int, attrval: Any) -> None:
        """Attach an attribute. Those of `COMM_SELF` are removed when MPI is left.

        Raises:
            MPIError, TypeError: as for other handles.
        """
        super().Set_attr(keyval, attrval)
        if self._ref is COMM_SELF._ref:
            library = self._get().library
            if _leave not in library.endings:
                library.endings = (_leave, *library.endings)

    def _attribute_error(self, code: int, detail: str) -> MPIError:
        return self._get().error(code, detail)

    @classmethod
    def _handle_to(cls, holder: CommState) -> Comm:
        for constant in (COMM_WORLD, COMM_SELF):
            if holder is constant._get():
                return constant
        made: Comm = class_of(holder)._make(holder)
        return made


Comm._family = (Comm,)


class Intracomm(ScanCalls, TopologyCalls, ProcessCalls, Comm):
    """A communicator of one group."""

    __slots__ = ()

    def __new__(cls, comm: Comm | None = None) -> Self:
        """Make a second handle to what *comm* refers to.

        Raises:
            TypeError: it has two groups.
        """
        if isinstance(comm, Comm) and comm and comm.Is_inter():
            raise TypeError("expecting an intracommunicator")
        return super().__new__(cls, comm)

    def Create_group(self, group: Group, tag: int = 0) -> Intracomm:
        """Return a communicator of *group*; only its members call.

        Args:
            group: a part of the communicator's own; a process that is not in it gets a null one.
            tag: to be different where several are made at once.
        """
        state = self._get()
        addresses, rank = group.addresses, group.rank
        if rank == UNDEFINED:
            return Intracomm._make(None)
        channel = state.library.group_channel(
            addresses, rank, crc32(_PAIR.pack(state.context, index(tag)))
        )
        context = state.library.agree_context(channel)
        return Intracomm._make(created(state, context, rank, addresses))

    @classmethod
    def Create_from_group(
        cls,
        group: Group,
        stringtag: str = "org.mpi4py",
        info: Info = INFO_NULL,
        errhandler: Errhandler | None = None,
    ) -> Intracomm:
        """Return a communicator of *group*, made of no other; only its members call.

        Args:
            group: of the processes; a process that is not in it gets a null communicator.
            stringtag: to be different where several are made at once.
            info: hints.
            errhandler: what becomes of errors.
        """
        library = mpi_state()
        addresses, rank = group.addresses, group.rank
        if rank == UNDEFINED:
            return Intracomm._make(None)
        channel = library.group_channel(addresses, rank, crc32(stringtag.encode()))
        context = library.agree_context(channel)
        state = library.new_communicator(context, rank, addresses)
        state.session = group.session
        made = Intracomm._make(state)
        if errhandler is not None:
            made.Set_errhandler(errhandler)
        made.Set_info(info)
        return made

    def Create_intercomm(
        self, local_leader: int, peer_comm: Intracomm, remote_leader: int, tag: int = 0
    ) -> Any:
        """Return a communicator of two groups, of which this communicator's is one.

        All processes of both groups call.

        Args:
            local_leader: rank here of the process that talks to the other group's leader.
            peer_comm: a communicator that both leaders are in; of no matter to the others.
            remote_leader: rank in it of the other group's leader; likewise.
            tag: to be different where several are made at once by the same leaders.

        Raises:
            MPIError: `ERR_RANK`: there is no such leader; `ERR_COMM`: a process is in both groups.
        """
        state = self._get()
        leader = whole(local_leader)
        if not 0 <= leader < state.size:
            raise state.error(ERR_RANK, f"leader {leader} in a communicator of {state.size}")
        exchange = (
            between.by_way_of(peer_comm._get(), remote_leader, tag)
            if leader == state.rank
            else between.leave_to_leader
        )
        return KINDS[INTER]._make(between.connect(state, leader, exchange))


KINDS[INTRA] = Intracomm

COMM_NULL: Final = predefine("COMM_NULL", Comm())
COMM_WORLD: Final[Intracomm] = predefine("COMM_WORLD", Intracomm._wrap(Predefined(0)))
COMM_SELF: Final[Intracomm] = predefine("COMM_SELF", Intracomm._wrap(Predefined(1)))


def _leave() -> None:
    """Remove the attributes of `COMM_SELF`, while MPI can still be used."""
    COMM_SELF._delete_attributes()


def comm_lock_table(comm: Comm) -> dict[Hashable, threading.Lock]:
    """Return the locks of *comm*, by key, for mpi4py's own modules (``MPI._comm_lock_table``)."""
    return lock_table(comm._get())


def comm_lock(comm: Comm, key: Hashable | None = None) -> threading.Lock:
    """Return the lock of *comm* that has a *key*; for mpi4py's own modules (``MPI._comm_lock``)."""
    return lock_of(comm._get(), key)


def commctx_intra(comm: Intracomm) -> tuple[Intracomm, int]:
    """Return a communicator of the same group for a library's own messages, and a tag to use.

    A collective operation: the first call makes the communicator, and each gives the next tag. For
    mpi4py's own modules, which know it as ``MPI._commctx_intra``.
    """
    state = comm._get()
    if state.companion is None:
        state.companion = duplicated(state)
    tag = state.companion_tag
    state.companion_tag = (tag + 1) & MAX_TAG
    return Intracomm._wrap(state.companion), tag


def _apart(channel: Channel, kind: int) -> Channel:
    """Return a way for an operation that goes on beside those that follow."""
    return channel.apart(kind, partial(MPIError, ERR_TRUNCATE))


def _parted(state: CommState, color: int, key: int) -> Comm:
    if state.remote is not None:
        found: Comm = KINDS[INTER]._make(between.divide(state, color, key))
        return found
    return Intracomm._make(split(state, color, key))


def remote_group(state: CommState) -> Group:
    """Return the other group of a communicator of two."""
    assert state.remote is not None
    return Group.of(state.remote, state.library.process.address, session=state.session)
