"""Complete exchanges: every rank has a block for every other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Final

from vmpp_collectives._channel import Channel
from vmpp_collectives._choice import Algorithm, Family, Rule

_AT_ONCE: Final = 32
"""With how many ranks a rank exchanges at once: more would flood the receivers."""

Blocks = Sequence[memoryview]


def bruck(channel: Channel, data: memoryview, out: memoryview, length: int) -> None:
    """Exchange in ceil(log2 p) steps, each of half the data (Bruck et al. 1997).

    Block i travels by the distances that are the bits of i, so that blocks with a bit in common
    travel together: runs of as many as the distance is long.
    """
    rank, size = channel.rank, channel.size
    turn = rank * length
    held = memoryview(bytearray(data[turn:]) + data[:turn])
    distance = 1
    while distance < size:
        runs = [
            held[first * length : min(first + distance, size) * length]
            for first in range(distance, size, 2 * distance)
        ]
        packed = b"".join(runs)
        arrived = memoryview(bytearray(len(packed)))
        channel.exchange((rank + distance) % size, packed, (rank - distance) % size, arrived)
        place = 0
        for run in runs:
            run[:] = arrived[place : place + len(run)]
            place += len(run)
        distance <<= 1
    # Block i has come from the rank i below.
    places = range((size - 1) * length, -1, -length)
    backwards = b"".join([held[place : place + length] for place in places])
    turn = (size - 1 - rank) * length
    out[: len(backwards) - turn] = backwards[turn:]
    out[len(backwards) - turn :] = backwards[:turn]


def ring(channel: Channel, data: memoryview, out: memoryview, length: int) -> None:
    """Pass all blocks to the right, each rank takes its own out: p - 1 steps, neighbours only."""
    rank, size = channel.rank, channel.size
    right, left = (rank + 1) % size, (rank - 1) % size
    turn = (rank + 1) * length
    # By distance: the block for the rank on the right first.
    held = memoryview(bytearray(data[turn:]) + data[:turn])[: (size - 1) * length]
    own = rank * length
    out[own : own + length] = data[own : own + length]
    for distance in range(1, size):
        arrived = memoryview(bytearray(len(held)))
        channel.exchange(right, held, left, arrived)
        place = (rank - distance) % size * length
        out[place : place + length] = arrived[:length]
        held = arrived[length:]


def pairwise(channel: Channel, give: Blocks, take: Blocks) -> None:
    """Exchange with one rank after the other, all in a different order: p - 1 steps.

    Empty blocks send nothing.
    """
    rank, size = channel.rank, channel.size
    take[rank][:] = give[rank]
    even = size & (size - 1) == 0
    for step in range(1, size):
        dest = rank ^ step if even else (rank + step) % size
        source = dest if even else (rank - step) % size
        out, into = give[dest], take[source]
        if len(out) and len(into):
            channel.exchange(dest, out, source, into)
        elif len(into):
            channel.receive(source, into)
        elif len(out):
            channel.send(dest, out)


def linear(channel: Channel, give: Blocks, take: Blocks) -> None:
    """Post receives and sends to the next 32 ranks at once, and wait for all; then on.

    Each rank begins with its neighbour, so that not all send to one. Empty blocks send nothing.
    """
    rank, size = channel.rank, channel.size
    take[rank][:] = give[rank]
    for first in range(1, size, _AT_ONCE):
        steps = range(first, min(first + _AT_ONCE, size))
        sources = [peer for peer in ((rank - step) % size for step in steps) if len(take[peer])]
        dests = [peer for peer in ((rank + step) % size for step in steps) if len(give[peer])]
        receives = [channel.begin_receive(peer, take[peer]) for peer in sources]
        sends = [channel.begin_send(peer, give[peer]) for peer in dests]
        for peer, transfer in zip(sources, receives, strict=True):
            channel.finish_receive(transfer, peer, take[peer])
        for transfer in sends:
            channel.finish(transfer)


def _of_equal_blocks(
    exchange: Callable[[Channel, Blocks, Blocks], None],
) -> Callable[[Channel, memoryview, memoryview, int], None]:
    """Return an algorithm for blocks of any length as one for equal blocks in one buffer."""

    @wraps(exchange)
    def run(channel: Channel, data: memoryview, out: memoryview, length: int) -> None:
        places = range(0, channel.size * length, length)
        exchange(
            channel,
            [data[place : place + length] for place in places],
            [out[place : place + length] for place in places],
        )

    return run


_ANY_LENGTH = (Algorithm("pairwise", pairwise), Algorithm("linear", linear))

ALLTOALL = Family(
    "alltoall",
    "a block",
    (
        Algorithm("bruck", bruck),
        Algorithm("pairwise", _of_equal_blocks(pairwise)),
        Algorithm("linear", _of_equal_blocks(linear)),
        Algorithm("ring", ring),
    ),
    (Rule("pairwise", ranks=7), Rule("bruck", bytes=256), Rule("pairwise")),
)
ALLTOALLV = Family("alltoallv", "", _ANY_LENGTH, (Rule("pairwise"),))
ALLTOALLW = Family("alltoallw", "", _ANY_LENGTH, (Rule("pairwise"),))


def alltoall(channel: Channel, data: memoryview, out: memoryview, length: int) -> None:
    """Send block i of *data* to rank i, and receive the block of rank i as block i of *out*."""
    if length:
        ALLTOALL.choose(channel, length)(channel, data, out, length)


def alltoallv(channel: Channel, give: Blocks, take: Blocks) -> None:
    """Send ``give[i]`` to rank i and receive from rank i into ``take[i]``, of any lengths."""
    ALLTOALLV.choose(channel, 0)(channel, give, take)


def alltoallw(channel: Channel, give: Blocks, take: Blocks) -> None:
    """Exchange as `alltoallv` does; the blocks had datatypes of their own."""
    ALLTOALLW.choose(channel, 0)(channel, give, take)
