"""Gathering the blocks of all ranks on one."""

from __future__ import annotations

from collections.abc import Sequence

from vmpp_mpi._collectives._channel import Buffer, Channel


def binomial(channel: Channel, block: Buffer, out: memoryview | None, root: int) -> None:
    """Gather equal blocks up a binomial tree: log p steps, each node passes on its subtree's."""
    rank, size = channel.rank, channel.size
    place = (rank - root) % size
    length = len(block)
    if place & 1:
        channel.send((rank - 1) % size, block)
        return
    subtree = size if place == 0 else min(place & -place, size - place)
    held = out if out is not None and root == 0 else memoryview(bytearray(subtree * length))
    held[:length] = block
    bit = 1
    while bit < subtree:
        blocks = min(bit, size - place - bit)
        channel.receive((rank + bit) % size, held[bit * length : (bit + blocks) * length])
        bit <<= 1
    if place:
        channel.send((rank - (place & -place)) % size, held)
    elif out is not None and root:
        turn = (size - root) * length
        out[root * length :] = held[:turn]
        out[: root * length] = held[turn:]


def gatherv(
    channel: Channel, block: Buffer | None, out: Sequence[memoryview] | None, root: int
) -> None:
    """Every rank sends its block to the root, which receives one after the other in place.

    Empty blocks send nothing.

    Args:
        channel: to the other ranks.
        block: the rank's own; None where the root's is in place already.
        out: on the root, where the block of each rank goes.
        root: the rank that gathers.
    """
    rank = channel.rank
    if out is None:
        if block:
            channel.send(root, block)
        return
    if block is not None:
        if len(block) != len(out[rank]):
            raise channel.mismatch(rank, len(block), len(out[rank]))
        out[rank][:] = block
    for peer, piece in enumerate(out):
        if peer != rank and len(piece):
            channel.receive(peer, piece)


def gather(channel: Channel, block: Buffer, out: memoryview | None, root: int) -> None:
    """Gather blocks of the same length in *out* on *root*, ordered by rank."""
    size, length = channel.size, len(block)
    if length == 0:
        return
    if length <= channel.thresholds.gather_short and size > 1:
        binomial(channel, block, out, root)
    elif out is None:
        channel.send(root, block)
    else:
        places = range(0, size * length, length)
        gatherv(channel, block, [out[place : place + length] for place in places], root)
