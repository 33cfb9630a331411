"""Blocks of a message, one for each rank, and how they are collected.

The blocks lie one after the other; block i is from ``bounds[i]`` to ``bounds[i + 1]``, in bytes.
"""

from __future__ import annotations

from typing import Protocol as Interface

from vmpp_collectives._channel import Channel


class Bounds(Interface):
    """Where blocks begin and end: a list, a range, or anything with an index."""

    def __getitem__(self, index: int, /) -> int:
        """Return the first byte of block *index*, which is the end of the one before."""


def around(channel: Channel, data: memoryview, bounds: Bounds, place: int) -> None:
    """Pass blocks round a ring, where they are not counted by rank.

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


def doubling(channel: Channel, data: memoryview, bounds: Bounds, place: int, root: int) -> None:
    """Collect by recursive doubling; block *place* is the rank's own, and *root* has block 0."""
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
