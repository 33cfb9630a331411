"""Communicators of two groups: messages go from a process of one to processes of the other."""

from __future__ import annotations

from typing import Self
from zlib import crc32

from vmpp_mpi._communicators import _between as between
from vmpp_mpi._communicators._comm import Comm, Intracomm, remote_group
from vmpp_mpi._communicators._kinds import INTER, KINDS
from vmpp_mpi._constants import MAX_TAG
from vmpp_mpi._errhandler import Errhandler
from vmpp_mpi._errors import ERR_COMM, ERR_RANK
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._group import Group
from vmpp_mpi._info import INFO_NULL, Info
from vmpp_mpi._numbers import whole
from vmpp_mpi._state import CommState


class Intercomm(Comm):
    """A communicator of two groups."""

    __slots__ = ()

    def __new__(cls, comm: Comm | None = None) -> Self:
        """Make a second handle to what *comm* refers to.

        Raises:
            TypeError: it has one group.
        """
        if isinstance(comm, Comm) and comm and not comm.Is_inter():
            raise TypeError("expecting an intercommunicator")
        return super().__new__(cls, comm)

    @classmethod
    def Create_from_groups(
        cls,
        local_group: Group,
        local_leader: int,
        remote_group: Group,
        remote_leader: int,
        stringtag: str = "org.mpi4py",
        info: Info = INFO_NULL,
        errhandler: Errhandler | None = None,
    ) -> Intercomm:
        """Return a communicator of two groups, made of no other; the members of both call.

        Args:
            local_group: of the process that calls; who is not in it gets a null communicator.
            local_leader: rank in it of the process that talks to the other group's leader.
            remote_group: the other group; of no matter but on the leader.
            remote_leader: rank in it of its leader; likewise.
            stringtag: to be different where several are made at once.
            info: hints.
            errhandler: what becomes of errors.

        Raises:
            MPIError: `ERR_RANK`: there is no such leader; `ERR_COMM`: a process is in both groups.
        """
        local = Intracomm.Create_from_group(local_group, stringtag, info, errhandler)
        if not local:
            return Intercomm._make(None)
        leader, state = whole(local_leader), local._get()
        if not 0 <= leader < state.size:
            raise MPIError(ERR_RANK, f"leader {leader} in a group of {state.size}")
        exchange: between.Exchange = between.leave_to_leader
        if leader == state.rank:
            exchange = between.from_group(
                leader, remote_group.addresses, whole(remote_leader), crc32(stringtag.encode())
            )
        made = Intercomm._make(between.connect(state, leader, exchange))
        local.Free()
        made.Set_info(info)
        return made

    def Get_remote_group(self) -> Group:
        """Return the group that messages go to."""
        return remote_group(self._of_two())

    def Get_remote_size(self) -> int:
        """Return the number of processes of the group that messages go to."""
        return self._of_two().reach

    @property
    def remote_group(self) -> Group:
        """The group that messages go to."""
        return self.Get_remote_group()

    @property
    def remote_size(self) -> int:
        """Number of processes of the group that messages go to."""
        return self.Get_remote_size()

    def Merge(self, high: bool = False) -> Intracomm:
        """Return a communicator of the union of both groups.

        Args:
            high: whether the own group's ranks come last; if both groups say the same, the order
                is that of their first processes in their jobs.
        """
        return Intracomm._make(between.merge(self._of_two(), bool(high)))

    def _of_two(self) -> CommState:
        state = self._get()
        if state.remote is None:
            raise state.error(ERR_COMM, "not a communicator of two groups")
        return state


KINDS[INTER] = Intercomm


def commctx_inter(comm: Intercomm) -> tuple[Intercomm, int, Intracomm, bool]:
    """Return what mpi4py's own modules need beside *comm* (``MPI._commctx_inter``).

    A collective operation: the first call makes the communicators, and each gives the next tag.

    Returns:
        A communicator of the same two groups, a tag to use with it, a communicator of the own
        group, and whether that is the low one: the smaller, or the first.
    """
    state = comm._of_two()
    if state.companion is None:
        state.companion = between.duplicate(state)
    tag = state.companion_tag
    state.companion_tag = (tag + 1) & MAX_TAG
    low = between.is_low(state) if state.size == state.reach else state.size < state.reach
    local = Intracomm._wrap(state.companion.local)
    return Intercomm._wrap(state.companion), tag, local, low
