"""Scattering blocks from one rank to all."""

from __future__ import annotations

from collections.abc import Sequence

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


def scatterv(
    channel: Channel, data: Sequence[memoryview] | None, block: memoryview | None, root: int
) -> None:
    """The root sends every rank its block, one after the other. Empty blocks send nothing.

    Args:
        channel: to the other ranks.
        data: on the root, the block for each rank.
        block: where the rank's own goes; None where the root's stays in place.
        root: the rank that scatters.
    """
    rank = channel.rank
    if data is None:
        if block:
            channel.receive(root, block)
        return
    for peer, piece in enumerate(data):
        if peer != rank and len(piece):
            channel.send(peer, piece)
    if block is not None:
        if len(block) != len(data[rank]):
            raise channel.mismatch(rank, len(data[rank]), len(block))
        block[:] = data[rank]


def scatter(channel: Channel, data: memoryview | None, block: memoryview, root: int) -> None:
    """Give each rank its block of *data* on *root*, all of the same length."""
    size, length = channel.size, len(block)
    if length == 0:
        return
    if length <= channel.thresholds.gather_short and size > 1:
        binomial(channel, data, block, root)
    elif data is None:
        channel.receive(root, block)
    else:
        places = range(0, size * length, length)
        scatterv(channel, [data[place : place + length] for place in places], block, root)
