"""Collecting the blocks of all ranks on all ranks.

The blocks lie one after the other; block i is from ``bounds[i]`` to ``bounds[i + 1]``, in bytes.
"""

from __future__ import annotations

from typing import Protocol as Interface

from vmpp_mpi._collectives._channel import Channel


class Bounds(Interface):
    """Where blocks begin and end: a list, a range, or anything with an index."""

    def __getitem__(self, index: int, /) -> int:
        """Return the first byte of block *index*, which is the end of the one before."""


def ring(channel: Channel, data: memoryview, bounds: Bounds, place: int) -> None:
    """Pass blocks round a ring: p - 1 steps, each block crosses each link once.

    Args:
        channel: to the other ranks.
        data: holds the rank's own block, and all of them afterwards.
        bounds: of the blocks.
        place: which block is the rank's own; rises by one with the rank.
    """
    rank, size = channel.rank, channel.size
    right, left = (rank + 1) % size, (rank - 1) % size
    exchange = channel.exchange
    for step in range(size - 1):
        give = (place - step) % size
        take = (place - step - 1) % size
        exchange(
            right,
            data[bounds[give] : bounds[give + 1]],
            left,
            data[bounds[take] : bounds[take + 1]],
        )


def recursive_doubling(
    channel: Channel, data: memoryview, bounds: Bounds, place: int, root: int = 0
) -> None:
    """Exchange ever larger runs of blocks with ranks ever further away: log p steps.

    Only for a power of two. Block *place* is the rank's own; rank *root* has block 0.
    """
    size = channel.size
    exchange = channel.exchange
    bit = 1
    while bit < size:
        peer = place ^ bit
        mine = place & ~(bit - 1)
        theirs = peer & ~(bit - 1)
        other = (peer + root) % size
        exchange(
            other,
            data[bounds[mine] : bounds[mine + bit]],
            other,
            data[bounds[theirs] : bounds[theirs + bit]],
        )
        bit <<= 1


def bruck(channel: Channel, data: memoryview, bounds: Bounds) -> None:
    """Collect in ceil(log2 p) steps for any p, then turn into place (Bruck et al. 1997)."""
    rank, size = channel.rank, channel.size
    total = len(data)
    first = bounds[rank]
    own = bounds[rank + 1] - first
    # Blocks rank, rank + 1, ... in this order, round the end; turned[k] bytes are the first k.
    held = memoryview(bytearray(total))
    held[:own] = data[first : first + own]

    def turned(blocks: int) -> int:
        end = rank + blocks
        if end <= size:
            return bounds[end] - first
        return total - first + bounds[end - size]

    distance = 1
    while distance < size:
        blocks = min(distance, size - distance)
        channel.exchange(
            (rank - distance) % size,
            held[: turned(blocks)],
            (rank + distance) % size,
            held[turned(distance) : turned(distance + blocks)],
        )
        distance <<= 1
    data[first:] = held[: total - first]
    data[:first] = held[total - first :]


def allgather(channel: Channel, data: memoryview, bounds: Bounds) -> None:
    """Collect the blocks of all ranks in *data*, which holds the rank's own already."""
    size = channel.size
    total = len(data)
    limits = channel.thresholds
    if size == 1 or total == 0:
        return
    if size & (size - 1) == 0 and total <= limits.allgather_short:
        recursive_doubling(channel, data, bounds, channel.rank)
    elif total <= limits.allgather_bruck:
        bruck(channel, data, bounds)
    else:
        ring(channel, data, bounds, channel.rank)


def allgatherv(channel: Channel, data: memoryview, bounds: Bounds) -> None:
    """Collect blocks of any length, as `allgather` does."""
    allgather(channel, data, bounds)
