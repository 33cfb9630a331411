"""Complete exchanges: every rank has a block for every other."""

from __future__ import annotations

from collections.abc import Sequence

from vmpp_mpi._collectives._channel import Channel


def bruck(channel: Channel, data: memoryview, out: memoryview, length: int) -> None:
    """Exchange equal blocks in ceil(log2 p) steps, each of half the data (Bruck et al. 1997).

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


def pairwise(channel: Channel, give: Sequence[memoryview], take: Sequence[memoryview]) -> None:
    """Exchange with one rank after the other, all ranks in a different order: p - 1 steps.

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


def alltoall(channel: Channel, data: memoryview, out: memoryview, length: int) -> None:
    """Send block i of *data* to rank i, and receive the block of rank i as block i of *out*."""
    size = channel.size
    limits = channel.thresholds
    if length == 0:
        return
    if length <= limits.alltoall_short and size >= limits.alltoall_ranks:
        bruck(channel, data, out, length)
        return
    places = range(0, size * length, length)
    pairwise(
        channel,
        [data[place : place + length] for place in places],
        [out[place : place + length] for place in places],
    )


def alltoallv(channel: Channel, give: Sequence[memoryview], take: Sequence[memoryview]) -> None:
    """Send ``give[i]`` to rank i and receive from rank i into ``take[i]``, of any lengths."""
    pairwise(channel, give, take)
