"""Gathering the blocks of all ranks on one."""

from __future__ import annotations

from vmpp_mpi._collectives._allgather import Bounds
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


def straight(
    channel: Channel, block: Buffer | None, out: memoryview | None, bounds: Bounds, root: int
) -> None:
    """Every rank sends its block to the root, which receives it in place, one after the other.

    Empty blocks send nothing. *block* is None where the root's own is in place already.
    """
    rank = channel.rank
    if rank != root:
        if block:
            channel.send(root, block)
        return
    assert out is not None
    if block is not None:
        out[bounds[rank] : bounds[rank + 1]] = block
    for peer in range(channel.size):
        start, end = bounds[peer], bounds[peer + 1]
        if peer != rank and start < end:
            channel.receive(peer, out[start:end])


def gather(channel: Channel, block: Buffer, out: memoryview | None, root: int) -> None:
    """Gather blocks of the same length in *out* on *root*, ordered by rank."""
    size, length = channel.size, len(block)
    if length == 0:
        return
    if length <= channel.thresholds.gather_short and size > 1:
        binomial(channel, block, out, root)
    else:
        straight(channel, block, out, range(0, (size + 1) * length, length), root)


def gatherv(
    channel: Channel, block: Buffer | None, out: memoryview | None, bounds: Bounds, root: int
) -> None:
    """Gather blocks whose lengths only *root* knows, from ``bounds``."""
    straight(channel, block, out, bounds, root)
