"""Broadcasts."""

from __future__ import annotations

from vmpp_mpi._collectives._allgather import recursive_doubling, ring
from vmpp_mpi._collectives._channel import Channel


def binomial(channel: Channel, data: memoryview, root: int) -> None:
    """Send all down a binomial tree: log p steps, each of the whole length."""
    size = channel.size
    place = (channel.rank - root) % size
    bit = 1
    while bit < size:
        if place & bit:
            channel.receive((place - bit + root) % size, data)
            break
        bit <<= 1
    bit >>= 1
    while bit:
        if place + bit < size:
            channel.send((place + bit + root) % size, data)
        bit >>= 1


def scatter_collect(channel: Channel, data: memoryview, root: int) -> None:
    """Scatter parts down a binomial tree, then collect them everywhere (van de Geijn 1994).

    Moves twice the length through each rank instead of log p times.
    """
    if data.readonly:
        data = memoryview(bytearray(data))  # the root collects its parts like the others
    size = channel.size
    place = (channel.rank - root) % size
    length = len(data)
    part = -(-length // size)
    _scatter_parts(channel, data, root, part)
    if size & (size - 1) == 0 and length < channel.thresholds.bcast_long:
        recursive_doubling(channel, data, _Parts(part, length), place, root)
    else:
        ring(channel, data, _Parts(part, length), place)


def _scatter_parts(channel: Channel, data: memoryview, root: int, part: int) -> None:
    size = channel.size
    place = (channel.rank - root) % size
    length = len(data)
    bit = 1
    while bit < size:
        if place & bit:
            piece = data[place * part : min((place + bit) * part, length)]
            if len(piece):
                channel.receive((place - bit + root) % size, piece)
            break
        bit <<= 1
    bit >>= 1
    while bit:
        child = place + bit
        piece = data[child * part : min((child + bit) * part, length)]
        if child < size and len(piece):
            channel.send((child + root) % size, piece)
        bit >>= 1


class _Parts:
    """Bounds of equal parts of a message, the last ones shorter or empty."""

    __slots__ = ("_length", "_part")

    def __init__(self, part: int, length: int) -> None:
        self._part = part
        self._length = length

    def __getitem__(self, index: int) -> int:
        return min(index * self._part, self._length)


def broadcast(channel: Channel, data: memoryview, root: int) -> None:
    """Give all ranks the *data* of *root*."""
    size = channel.size
    limits = channel.thresholds
    if size == 1:
        return
    if len(data) <= limits.bcast_short or size < limits.bcast_ranks:
        binomial(channel, data, root)
    else:
        scatter_collect(channel, data, root)
