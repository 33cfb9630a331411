"""What a rank has of MPI: its communicators, the contexts they use, and buffers.

The library is one module for all ranks, so that everything a rank owns is reached through the
process that is running: `mpi_state` gives the process's `MPIState`, and that its `CommState`s. A
communicator has two contexts, an even one for point to point and the next for collectives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from vmpp.engine import current_process
from vmpp_collectives import DEFAULT_CHOICES, Channel, Choices, Reduction, allreduce
from vmpp_mpi._collectives import CommChannel, describe
from vmpp_mpi._communicators._contexts import GROUPS, PAIRS, SELF, WORLD, Contexts, Order
from vmpp_mpi._constants import ANY_SOURCE, ANY_TAG, MAX_TAG, PROC_NULL
from vmpp_mpi._dynamic._addresses import roster
from vmpp_mpi._erring import told
from vmpp_mpi._errors import (
    ERR_BUFFER,
    ERR_COMM,
    ERR_OTHER,
    ERR_PROC_FAILED,
    ERR_RANK,
    ERR_REVOKED,
    ERR_TAG,
    ERR_TRUNCATE,
)
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._faults._failures import Faults
from vmpp_mpi._numbers import whole
from vmpp_mpi._plans import inter, intra
from vmpp_mpi._plans._crossing import Crossing
from vmpp_mpi._topologies._arrangement import arrangement
from vmpp_mpi._topologies._graph import graph, whole_graph

if TYPE_CHECKING:
    from vmpp.kernel.process import Process
    from vmpp.portals import Address
    from vmpp_collectives import Buffer
    from vmpp_mpi._buffers._send_buffer import SendBuffer
    from vmpp_mpi._errhandler import Errhandler
    from vmpp_mpi._faults._failures import Party
    from vmpp_mpi._protocol import Protocol
    from vmpp_mpi._requests._partitioned import Proposals
    from vmpp_mpi._session import SessionState
    from vmpp_mpi._topologies._graph import Graph, Neighbourhood
    from vmpp_mpi._topologies._grid import Grid


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the library needs to know of the machine beside the protocol.

    Attributes:
        eager: longest message in bytes that the protocol sends without waiting for its receiver.
        reduce_rate: time of a reduction operator, femtoseconds per byte of an operand.
        copy_rate: time of packing and unpacking data with gaps, femtoseconds per byte.
        choices: which algorithms collective operations choose.
    """

    eager: int = 0
    reduce_rate: int = 0
    copy_rate: int = 0
    choices: Choices = DEFAULT_CHOICES


_DEFAULT: Final = Tuning()
"""One object for all ranks."""


@lru_cache(maxsize=4)
def partition(table: bytes) -> Partition:
    """Return how a communicator is split; all its ranks share one."""
    return Partition(table)


class Partition:
    """How a communicator is split into others: computed once for all its ranks.

    Args:
        table: for each rank its colour and key, as 64-bit integers.
    """

    __slots__ = ("_members", "_ranks")

    def __init__(self, table: bytes) -> None:
        numbers = memoryview(table).cast("q").tolist()
        keyed: dict[int, list[tuple[int, int]]] = {}
        for rank, (colour, key) in enumerate(zip(numbers[::2], numbers[1::2], strict=True)):
            keyed.setdefault(colour, []).append((key, rank))
        self._ranks = {
            colour: [rank for _, rank in sorted(pairs)] for colour, pairs in keyed.items()
        }
        self._members: dict[tuple[Address, int], tuple[Sequence[Address], tuple[Address, ...]]] = {}

    def has(self, colour: int) -> bool:
        """Return whether anybody has the *colour*."""
        return colour in self._ranks

    def members(self, addresses: Sequence[Address], colour: int) -> tuple[Address, ...]:
        """Return those of *addresses*, which are by rank, that have a *colour*, in their order."""
        found = self._members.get((addresses[0], colour))
        if found is None or found[0] is not addresses:
            chosen = tuple([addresses[rank] for rank in self._ranks[colour]])
            found = self._members[addresses[0], colour] = addresses, chosen
        return found[1]

    def place(self, colour: int, rank: int) -> int:
        """Return the new rank of *rank* among those of its *colour*."""
        return self._ranks[colour].index(rank)


class Predefined:
    """Stands in a handle for the communicator that each rank has of that kind.

    Attributes:
        index: place in `MPIState.predefined`.
    """

    __slots__ = ("index",)

    def __init__(self, place: int) -> None:
        self.index = place


class CommState:
    """A rank's view of one communicator.

    Attributes:
        library: of the rank.
        protocol: of the rank; raises `ERR_COMM` at any use once the communicator is freed.
        context: of point-to-point messages; collectives use the next.
        rank: of the process in the communicator, in its own group if that has two.
        size: number of processes, of the own group if there are two.
        addresses: of those processes, by rank.
        peers: of the processes that messages go to and come from, by rank: those of the other
            group if there are two.
        reach: number of peers.
        unguarded: number of peers that messages need no second look for: all of them, or none once
            the communicator has a fault.
        fault: `ERR_REVOKED`, `ERR_PROC_FAILED` if one of its processes has failed; 0.
        acknowledged: how many of those that have failed the program has acknowledged.
        agreements: the last agreements of its processes, by number; None if there was none.
        remote: the peers where there are two groups, None where there is one.
        local: a communicator of the own group where there are two, for what its processes do
            among themselves; None where there is one group.
        name: as the program or MPI named it.
        errhandler: what to do about errors, as the program set it; None means to raise exceptions.
        on_error: called about an error before it is raised, None if nothing is.
        attributes: what the program attached, by key; None as long as there is nothing.
        topology: of the processes, None if it has none.
        buffer: for buffered sends on this communicator only.
        session: that it was made in, None if in none.
        proposals: partitioned messages that are being agreed on, None if there never was one.
        info: hints of the program, None if it gave none.
        companion: a communicator of the same group for libraries, None until one asks for it.
        companion_tag: the tag that a library gets next with it.
        plans: what its collective calls do: a module of `vmpp_mpi._plans`.
        locks: what the pure Python part of mpi4py keeps with a communicator, None for nothing.
    """

    __slots__ = (
        "_across", "_agreed", "_channel", "_route", "acknowledged", "addresses", "agreements",
        "attributes", "buffer", "companion", "companion_tag", "context", "errhandler", "fault",
        "info", "library", "local", "locks", "name", "on_error", "peers", "plans", "proposals",
        "protocol", "rank", "reach", "remote", "session", "size", "topology", "unguarded",
    )  # fmt: skip

    def __init__(
        self,
        library: MPIState,
        context: int,
        rank: int,
        addresses: Sequence[Address],
        name: str = "",
    ) -> None:
        self.library = library
        self.protocol = library.protocol
        self.context = context
        self.rank = rank
        self.size = len(addresses)
        self.addresses = self.peers = addresses
        self.reach = self.unguarded = self.size
        self.fault = self.acknowledged = self._agreed = 0
        self.agreements: dict[int, Party] | None = None
        self.remote: Sequence[Address] | None = None
        self.local: CommState | None = None
        self.name = name
        self.errhandler: Errhandler | None = None
        self.on_error: Callable[[CommState, MPIError], None] | None = None
        self.attributes: dict[int, Any] | None = None
        self.topology: Grid | Graph | Neighbourhood | None = None
        self.buffer: SendBuffer | None = None
        self.session: SessionState | None = None
        self.proposals: Proposals | None = None
        self.info: Any = None
        self.companion: CommState | None = None
        self.companion_tag = 0
        self.locks: dict[Any, Any] | None = None
        self.plans: Any = intra
        self._channel: Channel | None = None
        self._across: Channel | None = None
        self._route: Channel | Crossing | None = None

    def connect(self, local: CommState, remote: Sequence[Address]) -> None:
        """Make it a communicator of two groups.

        Args:
            local: a communicator of the own group that nobody else uses.
            remote: the processes of the other group, by rank.
        """
        self.local = local
        self.remote = self.peers = remote
        self.reach = self.unguarded = len(remote)
        self.plans = inter
        local.on_error = self._tell

    def settle(self, rank: int, addresses: Sequence[Address]) -> None:
        """Say who is in it, if that was not known when it was announced."""
        self.rank = rank
        self.addresses = self.peers = addresses
        self.size = self.reach = self.unguarded = len(addresses)

    def spoil(self, fault: int) -> None:
        """Give it a *fault*: whoever uses it from now on is told, or looked at twice."""
        self.fault = fault
        self.unguarded = 0
        self._channel = self._across = self._route = None
        if self.local is not None and self.local.fault != ERR_REVOKED:
            self.local.spoil(fault)

    def next_agreement(self) -> int:
        """Return the number of the next agreement of its processes."""
        self._agreed += 1
        return self._agreed

    def _sound(self) -> None:
        """Refuse what takes all processes, if the communicator has a fault.

        Raises:
            MPIError: `ERR_REVOKED` or `ERR_PROC_FAILED`.
        """
        if self.fault:
            raise self.error(self.fault)

    def _tell(self, inside: CommState, error: MPIError) -> None:
        """Tell the error handler of what has gone wrong within the own group."""
        told(self, error)

    @property
    def route(self) -> Channel | Crossing:
        """What collective calls go by: `channel`, or both `local` and `across`."""
        route = self._route
        if route is None:
            if self.local is None:
                route = self.channel
            else:
                route = Crossing(self.local.channel, self.across)
            self._route = route
        return route

    @property
    def channel(self) -> Channel:
        """The way of collective operations among the processes of a communicator of one group.

        Raises:
            MPIError: `ERR_COMM`: it has two groups.
        """
        channel = self._channel
        if channel is None:
            self._sound()
            if self.remote is not None:
                raise self.error(ERR_COMM, "not a communicator of one group")
            channel = self._channel = self._way(self.addresses)
        return channel

    @property
    def across(self) -> Channel:
        """The way of collective operations between the two groups of a communicator.

        Its peers are the other group's; its rank is the process's own, in its own group. An
        operation begins it on all processes of both groups, and goes by `local` within a group.

        Raises:
            MPIError: `ERR_COMM`: it has one group.
        """
        across = self._across
        if across is None:
            self._sound()
            if self.remote is None:
                raise self.error(ERR_COMM, "not a communicator of two groups")
            across = self._across = self._way(self.remote)
        return across

    def _way(self, peers: Sequence[Address]) -> Channel:
        tuning = self.library.tuning
        return CommChannel(
            self.protocol,
            self.context + 1,
            self.rank,
            peers,
            tuning.eager,
            tuning.choices,
            self._truncated,
        )

    def _truncated(self, text: str) -> MPIError:
        return self.error(ERR_TRUNCATE, text)

    def target(self, dest: Any, tag: Any) -> tuple[Address | None, int]:
        """Return where a message to *dest* goes, None for `PROC_NULL`, and its tag.

        Raises:
            MPIError: `ERR_RANK` or `ERR_TAG`, for numbers that are out of bounds.
            TypeError: for what is not a number.
        """
        dest, tag = whole(dest), whole(tag)
        if self.fault == ERR_REVOKED:
            raise self.error(ERR_REVOKED)
        if not 0 <= tag <= MAX_TAG:
            raise self.error(ERR_TAG, f"{tag} is not between 0 and {MAX_TAG}")
        if dest == PROC_NULL:
            return None, tag
        if not 0 <= dest < self.reach:
            raise self.error(ERR_RANK, f"{dest} in {self._whole()} of {self.reach}")
        address = self.peers[dest]
        if self.fault and address in self.library.faults.failed:
            raise self.error(ERR_PROC_FAILED, f"rank {dest}")
        return address, tag

    def origin(self, source: Any, tag: Any) -> tuple[int | None, int]:
        """Return the rank that a message may come from, None for `PROC_NULL`, and its tag.

        Both may be wild cards. Raises as `target`.
        """
        source, tag = whole(source), whole(tag)
        if self.fault == ERR_REVOKED:
            raise self.error(ERR_REVOKED)
        if tag != ANY_TAG and not 0 <= tag <= MAX_TAG:
            raise self.error(ERR_TAG, f"{tag} is not between 0 and {MAX_TAG}")
        if source == PROC_NULL:
            return None, tag
        if source != ANY_SOURCE and not 0 <= source < self.reach:
            raise self.error(ERR_RANK, f"{source} in {self._whole()} of {self.reach}")
        return source, tag

    def _whole(self) -> str:
        return "a communicator" if self.remote is None else "a remote group"

    def error(self, code: int, detail: str = "") -> MPIError:
        """Treat an error as the communicator's error handler wants it.

        Returns:
            The exception to be raised, if the handler lets the program go on at all.
        """
        return self.handled(MPIError(code, detail))

    def handled(self, error: MPIError) -> MPIError:
        """Treat an *error* that has come up elsewhere, and return it, as `error` does."""
        if not error.told:
            error.told = True
            told(self, error)
        return error

    def send_buffer(self) -> SendBuffer:
        """Return the buffer for buffered sends: the communicator's, the session's or the process's.

        Raises:
            MPIError: `ERR_BUFFER`: none is attached.
        """
        buffer = self.buffer or (self.session or self.library).buffer
        if buffer is None:
            raise self.error(ERR_BUFFER, "no buffer is attached for buffered sends")
        return buffer

    def release(self) -> None:
        """Give the contexts back; nothing may be sent or received from now on."""
        if self.buffer is not None:
            self.buffer.flush(self.protocol)
        if self.companion is not None:
            self.companion.release()
        if self.local is not None:
            self.local.release()
        self.library.give_back(self)
        if self.library.parent is self:
            self.library.parent = None
        freed: Any = _FREED
        self.protocol = freed
        self._channel = self._across = self._route = None


class _Unusable:
    """In the place of the protocol of a communicator that handles refer to but nobody can use."""

    __slots__ = ("_why",)

    def __init__(self, why: str) -> None:
        self._why = why

    def __getattr__(self, name: str) -> Any:
        raise MPIError(ERR_COMM, f"the communicator {self._why}")


_FREED: Final = _Unusable("has been freed")
_PENDING: Final = _Unusable("is being made; wait for the request first")
_NO_CONTEXT: Final = -2


class MPIState:
    """What one process has of MPI.

    Attributes:
        process: whose state it is.
        protocol: its end of the message protocol.
        tuning: of the machine.
        contexts: which of them are free.
        faults: what it knows of the failures of others.
        meetings: groups that are making a communicator, or did, by the tags of their messages.
        workers: its fibers that carry operations on for which the program will wait.
        predefined: its communicators world and self, as `Predefined.index` counts them.
        parent: its communicator with the processes that spawned its job, None if there is none.
        buffer: attached for buffered sends, None if none is.
        finalized: whether MPI has been finalized.
        endings: what is to be done when it is.
    """

    __slots__ = (
        "_communicators", "buffer", "contexts", "endings", "faults", "finalized", "meetings",
        "parent", "predefined", "process", "protocol", "tuning", "workers",
    )  # fmt: skip

    def __init__(self, process: Process, protocol: Protocol, tuning: Tuning) -> None:
        self.process = process
        self.protocol = protocol
        self.tuning = tuning
        addresses = process.job.addresses
        self.predefined = (
            CommState(self, 2 * WORLD, process.rank, addresses, "MPI_COMM_WORLD"),
            CommState(self, 2 * SELF, 0, (process.address,), "MPI_COMM_SELF"),
        )
        self.parent: CommState | None = None
        self.buffer: SendBuffer | None = None
        self.finalized = False
        self.endings: tuple[Callable[[], object], ...] = ()
        self.contexts = Contexts()
        self.faults = Faults(self)
        self.workers: set[Any] = set()
        self.meetings: dict[int, Sequence[Address]] = {}
        self._communicators: dict[int, CommState] = {}

    @property
    def world(self) -> CommState:
        """The communicator of all processes of the job."""
        return self.predefined[WORLD]

    @property
    def myself(self) -> CommState:
        """The communicator of the process alone, which errors go to that belong to no other."""
        return self.predefined[SELF]

    def group_channel(
        self, addresses: Sequence[Address], rank: int, tag: int, *, leaders: bool = False
    ) -> CommChannel:
        """Return a way between the processes of a group that has no communicator yet.

        Args:
            addresses: of the processes, by rank.
            rank: of this process: what it is known as to the others.
            tag: to be different where several communicators are made at once.
            leaders: whether the way is one between the leaders of two groups.
        """
        channel = self.side_channel(2 * GROUPS, addresses, rank).over_group(tag, leaders=leaders)
        self.meetings[channel.tag] = addresses
        return channel

    def side_channel(self, context: int, addresses: Sequence[Address], rank: int) -> CommChannel:
        """Return a way between processes on some *context*, to be told what it is for."""
        tuning = self.tuning
        return CommChannel(
            self.protocol,
            context,
            rank,
            addresses,
            tuning.eager,
            tuning.choices,
            partial(MPIError, ERR_TRUNCATE),
        )

    def agree_context(
        self,
        channel: Channel,
        *,
        take: bool = True,
        swap: Callable[[bytes], Buffer] | None = None,
        order: Order | None = None,
    ) -> int:
        """Return a context that is free on all ranks of *channel*: a collective operation.

        Args:
            channel: to the ranks, turned to the operation that needs the context.
            take: whether this rank will be in the new communicator.
            swap: gives another group's bytes for this one's, if it has to agree as well; called on
                all ranks.
            order: of the agreement among others (see `Contexts`), if that of the channel's
                operation is not known to all.

        Raises:
            MPIError: `ERR_OTHER`: all are in use on some rank.
        """

        def meet(claim: int) -> int:
            vector = bytearray(claim.to_bytes(PAIRS // 8, "little"))
            allreduce(channel, memoryview(vector), Reduction(_intersect, 8, True))
            found = int.from_bytes(vector, "little")
            return found if swap is None else found & int.from_bytes(swap(bytes(vector)), "little")

        return self.contexts.agree(meet, order or channel.operation, take, self.protocol.poll)

    def take_context(self, context: int | None = None) -> int:
        """Take a *context*, any by default, without asking anybody; raises as `agree_context`."""
        return self.contexts.take(context)

    def new_communicator(
        self, context: int, rank: int, addresses: Sequence[Address], parent: CommState | None = None
    ) -> CommState:
        """Return a new communicator on *context*, which inherits the *parent*'s error handler."""
        state = self.announce_communicator(rank, addresses, parent)
        self.open_communicator(state, context)
        return state

    def announce_communicator(
        self, rank: int, addresses: Sequence[Address], parent: CommState | None = None
    ) -> CommState:
        """Return a communicator that cannot be used before it has a context."""
        state = CommState(self, _NO_CONTEXT, rank, addresses)
        pending: Any = _PENDING
        state.protocol = pending
        if parent is not None:
            state.errhandler, state.on_error = parent.errhandler, parent.on_error
            state.session = parent.session
        return state

    def open_communicator(self, state: CommState, context: int) -> None:
        """Give a communicator its context: from now on it can be used."""
        state.context = context
        state.protocol = self.protocol
        self._communicators[context] = state
        self.faults.arrive(state)

    def communicator(self, context: int) -> CommState | None:
        """Return the communicator that has a context, the even one of its pair."""
        if context < 2 * len(self.predefined):
            return self.predefined[context // 2]
        return self._communicators.get(context)

    def communicators(self) -> list[CommState]:
        """Return all communicators of the process."""
        return [*self.predefined, *self._communicators.values()]

    def give_back(self, state: CommState) -> None:
        """Make the context of a communicator free again."""
        if self._communicators.pop(state.context, None) is not None:
            self.contexts.give_back(state.context)

    def describe(self, context: int, source: int, tag: int) -> str:
        """Return in words what a receive waits for, for reports: ``Recv(source=1, tag=7)``."""
        if context & 1 or context == 2 * GROUPS:
            what = f"{describe(tag)} (waits for rank {source})"
        else:
            wanted_source = "ANY_SOURCE" if source == ANY_SOURCE else str(source)
            wanted_tag = "ANY_TAG" if tag == ANY_TAG else str(tag)
            what = f"Recv(source={wanted_source}, tag={wanted_tag})"
        return f"{what} on {self._name_of(context & ~1)}"

    def _name_of(self, context: int) -> str:
        if context < 2 * len(self.predefined):
            return self.predefined[context // 2].name.removeprefix("MPI_")
        state = self._communicators.get(context)
        if state is None:
            return "a new communicator"
        if state.name or state.remote is None:
            return state.name or f"a communicator of {state.size}"
        return f"a communicator of {state.size} and {state.reach}"

    def finalize(self) -> None:
        """Leave MPI: buffered sends that are under way are completed first."""
        if not self.finalized:
            self.finalized = True
            for end in self.endings:
                end()
            self.protocol.finish()

    def detach(self) -> None:
        """Let go of what ranks share, when the library is unloaded from the process."""
        partition.cache_clear()
        roster.cache_clear()
        arrangement.cache_clear()
        graph.cache_clear()
        whole_graph.cache_clear()


def _intersect(one: memoryview, both: memoryview) -> None:
    bits = int.from_bytes(one, "little") & int.from_bytes(both, "little")
    both[:] = bits.to_bytes(len(both), "little")


def attach(process: Process, protocol: Protocol, tuning: Tuning | None = None) -> MPIState:
    """Make the MPI state of *process*, when the library is loaded into it."""
    state = MPIState(process, protocol, tuning or _DEFAULT)
    process.libraries["mpi"] = state
    return state


def mpi_state() -> MPIState:
    """Return the MPI state of the running process.

    Raises:
        MPIError: `ERR_OTHER`: no process of a machine is running, or it has no MPI library.
    """
    process = current_process()
    state = None if process is None else process.libraries.get("mpi")
    if state is None:
        raise MPIError(ERR_OTHER, "not in a process of a machine; start the program with vmpp run")
    found: MPIState = state
    return found
