"""Communicators of one group made from another: duplicates, parts, and those of a group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import TYPE_CHECKING, Final

from vmpp_collectives import Channel, allgather
from vmpp_mpi._collectives import OwnKind
from vmpp_mpi._constants import UNDEFINED
from vmpp_mpi._state import CommState, partition

if TYPE_CHECKING:
    from vmpp.portals import Address

_ENTRY: Final = Struct("<qq")


def created(
    parent: CommState, context: int, rank: int, addresses: Sequence[Address]
) -> CommState | None:
    """Return a new communicator on *context*, None where the process is not in it."""
    if rank == UNDEFINED:
        return None
    return parent.library.new_communicator(context, rank, addresses, parent)


def duplicated(state: CommState, channel: Channel | None = None) -> CommState:
    """Return a communicator of the same group, with the same topology.

    Args:
        state: of the communicator.
        channel: for the operation; the communicator's own by default.
    """
    context = state.library.agree_context(channel or state.channel.begin(OwnKind.DUP))
    made = state.library.new_communicator(context, state.rank, state.addresses, state)
    made.topology = state.topology
    return made


def begin_duplicate(
    state: CommState, turn: Callable[[Channel, int], Channel]
) -> tuple[CommState, Callable[[], None]]:
    """Return a communicator of the same group, and what it takes until it can be used.

    Args:
        state: of the communicator.
        turn: turns a channel to the operation.
    """
    library = state.library
    made = library.announce_communicator(state.rank, state.addresses, state)
    made.topology = state.topology
    channel = turn(state.channel, OwnKind.DUP)

    def body() -> None:
        library.open_communicator(made, library.agree_context(channel))

    return made, body


def split(state: CommState, colour: int, key: int) -> CommState | None:
    """Return a communicator of those that give the same *colour*, None for `UNDEFINED`."""
    channel = state.channel.begin(OwnKind.SPLIT)
    table = choices(channel, colour, key)
    inside = colour != UNDEFINED
    context = state.library.agree_context(channel, take=inside)
    if not inside:
        return None
    parts = partition(table)
    addresses = parts.members(state.addresses, colour)
    return created(state, context, parts.place(colour, state.rank), addresses)


def choices(channel: Channel, colour: int, key: int) -> bytes:
    """Return the colours and keys of all ranks, for `partition`; a collective operation."""
    step = _ENTRY.size
    table = bytearray(step * channel.size)
    _ENTRY.pack_into(table, step * channel.rank, colour, key)
    allgather(channel, memoryview(table), range(0, len(table) + step, step))
    return bytes(table)
