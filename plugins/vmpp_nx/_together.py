"""What the nodes of an application tell each other in calls that all of them make."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from vmpp_collectives import Kind, allgather, broadcast
from vmpp_nx._transport import Globals

if TYPE_CHECKING:
    from vmpp_collectives import Channel
    from vmpp_nx._state import State

_NUMBER: Final = Struct("<q")


def channel_of(state: State, kind: Kind) -> Channel:
    """Return the way to all other nodes, for the next operation, of this *kind*."""
    return state.part(Globals).channel.begin(kind)


def exchange_numbers(state: State, *numbers: int) -> list[int]:
    """Return the *numbers* of all nodes, those of each together; all nodes call, with as many."""
    own = b"".join(map(_NUMBER.pack, numbers))
    size = len(own)
    room = memoryview(bytearray(size * state.size))
    room[state.node * size : (state.node + 1) * size] = own
    bounds = range(0, len(room) + 1, size)
    allgather(channel_of(state, Kind.ALLGATHER), room, bounds)
    return [number for (number,) in _NUMBER.iter_unpack(room)]


def broadcast_numbers(state: State, *numbers: int) -> list[int]:
    """Return the *numbers* of node 0; all nodes call, with as many."""
    room = memoryview(bytearray(b"".join(map(_NUMBER.pack, numbers))))
    broadcast(channel_of(state, Kind.BCAST), room, 0)
    return [number for (number,) in _NUMBER.iter_unpack(room)]


def broadcast_bytes(state: State, memory: memoryview) -> None:
    """Have on all nodes what node 0 has in *memory*, of the same length everywhere."""
    broadcast(channel_of(state, Kind.BCAST), memory, 0)
