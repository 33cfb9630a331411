"""Communicators of two groups: what the groups agree on, each through its leader.

The processes of a group talk over a communicator of theirs, and its leader talks to the other
group's. So whatever joins two groups needs no more than a way for two processes to swap bytes: a
communicator that both are in, or portals if they belong to different jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NoReturn

from vmpp_collectives import Channel
from vmpp_mpi._collectives import OwnKind, broadcast_pickle
from vmpp_mpi._communicators._making import choices, duplicated, split
from vmpp_mpi._constants import UNDEFINED
from vmpp_mpi._dynamic import _addresses
from vmpp_mpi._dynamic._system import acquaint
from vmpp_mpi._errors import ERR_COMM, ERR_RANK
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._state import CommState, MPIState, mpi_state, partition

if TYPE_CHECKING:
    from vmpp.portals import Address
    from vmpp_collectives import Buffer
    from vmpp_mpi._communicators._contexts import Order

Exchange = Callable[[bytes], "Buffer"]
"""Gives the other leader's bytes for one's own; both call it equally often."""

_OPERATION: Final = Struct("<qq")

_LEADER: Final = 0
"""The rank that leads a group of a communicator that has been made."""


class Bridge:
    """A process's part in an operation of two groups.

    Args:
        channel: to the processes of the own group, turned to the operation.
        leader: rank of the one that talks to the other group.
        exchange: how it does; called on that process only.
        order: of the operation among all others, the same in both groups.

    Attributes:
        order: as given; that of the own group alone if it was not.
    """

    __slots__ = ("_channel", "_exchange", "_leader", "order")

    def __init__(
        self, channel: Channel, leader: int, exchange: Exchange, order: Order | None = None
    ) -> None:
        self.order = order or channel.operation
        self._channel = channel
        self._leader = leader
        self._exchange = exchange

    def swap(self, data: bytes) -> bytes:
        """Return the other group's data for the own: a collective operation of both groups.

        What the leaders give counts.
        """
        given: Buffer = b""
        if self._channel.rank == self._leader:
            given = self._exchange(data)
        return bytes(broadcast_pickle(self._channel, given, self._leader))

    def choices(self, colour: int, key: int) -> tuple[bytes, bytes]:
        """Return the colours and keys of the own group, and of the other."""
        own = choices(self._channel, colour, key)
        return own, self.swap(own)

    def agree_context(self, library: MPIState, *, take: bool = True) -> int:
        """Return a context that is free in both groups; raises as `MPIState.agree_context`."""
        return library.agree_context(self._channel, take=take, swap=self.swap, order=self.order)


def by_way_of(peer: CommState, rank: int, tag: int) -> Exchange:
    """Return how a leader swaps bytes with the other leader, who is *rank* in *peer*.

    Raises:
        MPIError: `ERR_RANK` or `ERR_TAG`.
    """
    target, tag = peer.target(rank, tag)
    if target is None:
        raise peer.error(ERR_RANK, "no process leads the other group")
    library = peer.library
    channel = library.side_channel(peer.context + 1, peer.peers, peer.rank)
    channel.over_group(tag, leaders=True)
    return lambda data: channel.exchange_any(rank, data, rank)


def from_group(own: int, addresses: Sequence[Address], rank: int, tag: int) -> Exchange:
    """Return how a leader swaps bytes with a process that it has no communicator with.

    Args:
        own: rank of the leader in its own group.
        addresses: of the other group.
        rank: of its leader.
        tag: of the operation.

    Raises:
        MPIError: `ERR_RANK`: there is no such leader.
    """
    if not 0 <= rank < len(addresses):
        raise MPIError(ERR_RANK, f"leader {rank} in a group of {len(addresses)}")
    channel = mpi_state().group_channel(addresses, own, tag, leaders=True)
    return lambda data: channel.exchange_any(rank, data, rank)


def leave_to_leader(data: bytes) -> NoReturn:
    """Stand for the exchange on those that do not lead their group, where nobody calls it."""
    raise RuntimeError("not the leader of the group")


def connect(state: CommState, leader: int, exchange: Exchange) -> CommState:
    """Make a communicator of two groups, neither of which knows the other yet.

    A collective operation of both groups, which may belong to different jobs.

    Args:
        state: communicator of the own group.
        leader: rank in it of the process that talks to the other group.
        exchange: gives the other leader's bytes for one's own; called on the leader, several times.

    Raises:
        MPIError: `ERR_COMM`: the process is in both groups.
    """
    library = state.library
    local = duplicated(state)
    bridge = Bridge(state.channel.begin(OwnKind.CREATE_INTERCOMM), leader, exchange)
    own = _OPERATION.pack(*bridge.order)
    data = bridge.swap(own + _addresses.pack(state.addresses) if state.rank == leader else b"")
    remote = _addresses.unpack(data[len(own) :], library.process.job)
    orders = sorted([bridge.order, _OPERATION.unpack_from(data)])
    bridge.order = (*orders[0], *orders[1])
    if library.process.address in remote:
        raise state.error(ERR_COMM, "the groups of an intercommunicator must be disjoint")
    if state.rank == leader:
        acquaint(library.process, state.addresses, remote)
    made = library.new_communicator(
        bridge.agree_context(library), local.rank, local.addresses, state
    )
    made.connect(local, remote)
    return made


def _begin(state: CommState, kind: int) -> tuple[CommState, Sequence[Address], Bridge]:
    """Begin an operation of all processes of a communicator of two groups.

    Returns:
        The communicator of the own group, the processes of the other, and the way between them.
    """
    local, remote = state.local, state.remote
    if local is None or remote is None:
        raise state.error(ERR_COMM, "not a communicator of two groups")
    return local, remote, _bridge(local.channel.begin(kind), state.across.begin(kind))


def _bridge(channel: Channel, across: Channel) -> Bridge:
    def exchange(data: bytes) -> Buffer:
        return across.exchange_any(_LEADER, data, _LEADER)

    return Bridge(channel, _LEADER, exchange, across.operation)


def duplicate(state: CommState) -> CommState:
    """Return a communicator of the same two groups."""
    made, body = begin_duplicate(state, Channel.begin)
    body()
    return made


def begin_duplicate(
    state: CommState, turn: Callable[[Channel, int], Channel]
) -> tuple[CommState, Callable[[], None]]:
    """Return a communicator of the same two groups, and what it takes until it can be used.

    Args:
        state: of the communicator.
        turn: turns a channel to the operation.
    """
    local, remote = state.local, state.remote
    assert local is not None
    assert remote is not None
    library = state.library
    made = library.announce_communicator(state.rank, state.addresses, state)
    made.connect(local, remote)
    within = turn(local.channel, OwnKind.DUP)
    bridge = _bridge(turn(local.channel, OwnKind.DUP), turn(state.across, OwnKind.DUP))

    def body() -> None:
        made.connect(duplicated(local, within), remote)
        library.open_communicator(made, bridge.agree_context(library))

    return made, body


def is_low(state: CommState) -> bool:
    """Return whether the own group comes first where nothing else says which does."""
    remote = state.remote
    assert remote is not None
    own, other = state.addresses[0], remote[0]
    return (own.group, own.rank) < (other.group, other.rank)


def merge(state: CommState, high: bool) -> CommState:
    """Return a communicator of one group, the union of both; the *high* one comes last."""
    _, remote, bridge = _begin(state, OwnKind.MERGE)
    other = bool(bridge.swap(bytes([high]))[0])
    first = is_low(state) if high == other else not high
    table = [_addresses.pack(state.addresses), _addresses.pack(remote)]
    addresses = _addresses.unpack(b"".join(table if first else table[::-1]), _job(state))
    context = bridge.agree_context(state.library)
    rank = state.rank if first else state.rank + len(remote)
    return state.library.new_communicator(context, rank, addresses, state)


def create(state: CommState, addresses: Sequence[Address], rank: int) -> CommState | None:
    """Return the communicator of a part of each group; None for who is in neither, or if one lacks.

    Args:
        state: communicator of two groups.
        addresses: those of the own group that will be in it.
        rank: the process's own among them, `UNDEFINED` if it will not be in it.
    """
    _, _, bridge = _begin(state, OwnKind.CREATE)
    table = bridge.swap(_addresses.pack(addresses))
    inside = rank != UNDEFINED and bool(table)
    local = _part(state, 0 if inside else UNDEFINED, rank)
    context = bridge.agree_context(state.library, take=inside)
    return _made(state, context, local, _addresses.unpack(table, _job(state)))


def divide(state: CommState, colour: int, key: int) -> CommState | None:
    """Return the communicator of those of both groups that give the same *colour*.

    None for who gives `UNDEFINED`, or whose colour nobody of the other group gives.
    """
    _, remote, bridge = _begin(state, OwnKind.SPLIT)
    _, theirs = bridge.choices(colour, key)
    others = partition(theirs)
    inside = colour != UNDEFINED and others.has(colour)
    part = _part(state, colour if inside else UNDEFINED, key)
    context = bridge.agree_context(state.library, take=inside)
    return _made(state, context, part, others.members(remote, colour) if inside else ())


def _part(state: CommState, colour: int, key: int) -> CommState | None:
    assert state.local is not None
    return split(state.local, colour, key)


def _made(
    parent: CommState, context: int, local: CommState | None, remote: Sequence[Address]
) -> CommState | None:
    """Return a communicator on *context*; None where the process is not in it."""
    if local is None:
        return None
    made = parent.library.new_communicator(context, local.rank, local.addresses, parent)
    made.connect(local, remote)
    return made


def _job(state: CommState) -> Any:
    return state.library.process.job
