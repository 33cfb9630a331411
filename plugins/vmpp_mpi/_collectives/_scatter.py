"""Scattering blocks from one rank to all."""

from __future__ import annotations

from vmpp_mpi._collectives._allgather import Bounds
from vmpp_mpi._collectives._channel import Channel


def binomial(channel: Channel, data: memoryview | None, block: memoryview, root: int) -> None:
    """Scatter equal blocks down a binomial tree: log p steps, halving what is passed on."""
    rank, size = channel.rank, channel.size
    place = (rank - root) % size
    length = len(block)
    if place & 1:
        channel.receive((rank - 1) % size, block)
        return
    subtree = size if place == 0 else min(place & -place, size - place)
    if data is not None:
        held = data
        if root:
            # By place: the root's own block first, then round the end.
            held = memoryview(bytearray(data[root * length :]) + data[: root * length])
    else:
        held = memoryview(bytearray(subtree * length))
        channel.receive((rank - (place & -place)) % size, held)
    block[:] = held[:length]
    bit = 1 << (subtree - 1).bit_length() >> 1
    while bit:
        blocks = min(bit, size - place - bit)
        channel.send((rank + bit) % size, held[bit * length : (bit + blocks) * length])
        bit >>= 1


def straight(
    channel: Channel,
    data: memoryview | None,
    bounds: Bounds,
    block: memoryview | None,
    root: int,
) -> None:
    """The root sends every rank its block, one after the other. Empty blocks send nothing.

    *block* is None where the root's own stays in place.
    """
    rank = channel.rank
    if rank != root:
        if block:
            channel.receive(root, block)
        return
    assert data is not None
    for peer in range(channel.size):
        start, end = bounds[peer], bounds[peer + 1]
        if peer != rank and start < end:
            channel.send(peer, data[start:end])
    if block is not None:
        block[:] = data[bounds[rank] : bounds[rank + 1]]


def scatter(channel: Channel, data: memoryview | None, block: memoryview, root: int) -> None:
    """Give each rank its block of *data* on *root*, all of the same length."""
    size, length = channel.size, len(block)
    if length == 0:
        return
    if length <= channel.thresholds.gather_short and size > 1:
        binomial(channel, data, block, root)
    else:
        straight(channel, data, range(0, (size + 1) * length, length), block, root)


def scatterv(
    channel: Channel,
    data: memoryview | None,
    bounds: Bounds,
    block: memoryview | None,
    root: int,
) -> None:
    """Give each rank its block of *data*; all lengths are known to *root* only."""
    straight(channel, data, bounds, block, root)
