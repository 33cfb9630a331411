"""Reductions whose result is scattered: rank i gets block i.

Block i of a vector is from ``bounds[i]`` to ``bounds[i + 1]``, in bytes.
"""

from __future__ import annotations

from vmpp_mpi._collectives._allgather import Bounds
from vmpp_mpi._collectives._channel import Channel, Reduction
from vmpp_mpi._collectives._fold import Fold, halve
from vmpp_mpi._collectives._reduce import binomial
from vmpp_mpi._collectives._scatter import scatterv


def recursive_halving(
    channel: Channel, vector: memoryview, bounds: Bounds, out: memoryview, reduction: Reduction
) -> None:
    """Exchange and combine halves of what is left: log p steps. Operands change places."""
    rank = channel.rank
    fold = Fold(channel)
    spare = memoryview(bytearray(len(vector)))
    fold.gather_in(vector, spare, reduction)
    partner = rank ^ 1
    if fold.place < 0:
        if len(out):
            channel.receive(partner, out)
        return
    halve(channel, fold, vector, spare, _Folded(bounds, fold, channel.size), reduction)
    out[:] = vector[bounds[rank] : bounds[rank + 1]]
    piece = vector[bounds[partner] : bounds[partner + 1]] if fold.folded else vector[:0]
    if len(piece):
        channel.send(partner, piece)


class _Folded:
    """Bounds of what each place answers for: its rank's block and that of the one it stands for."""

    __slots__ = ("_bounds", "_rest")

    def __init__(self, bounds: Bounds, fold: Fold, size: int) -> None:
        self._bounds = bounds
        self._rest = size - fold.places

    def __getitem__(self, place: int) -> int:
        return self._bounds[place * 2 if place < self._rest else place + self._rest]


def pairwise(
    channel: Channel, vector: memoryview, bounds: Bounds, out: memoryview, reduction: Reduction
) -> None:
    """Receive the own block from one rank after the other: p - 1 steps, nothing moves twice.

    Operands change places.
    """
    rank, size = channel.rank, channel.size
    out[:] = vector[bounds[rank] : bounds[rank + 1]]
    spare = memoryview(bytearray(len(out)))
    for step in range(1, size):
        dest, source = (rank + step) % size, (rank - step) % size
        give = vector[bounds[dest] : bounds[dest + 1]]
        if len(give) and len(out):
            channel.exchange(dest, give, source, spare)
        elif len(give):
            channel.send(dest, give)
        elif len(out):
            channel.receive(source, spare)
        if len(out):
            reduction.combine(spare, out)


def reduce_and_scatter(
    channel: Channel, vector: memoryview, bounds: Bounds, out: memoryview, reduction: Reduction
) -> None:
    """Reduce on rank 0, which keeps operands in order, and scatter from there."""
    binomial(channel, vector, reduction, 0)
    blocks = None
    if channel.rank == 0:
        blocks = [vector[bounds[peer] : bounds[peer + 1]] for peer in range(channel.size)]
    scatterv(channel, blocks, out, 0)


def reduce_scatter(
    channel: Channel, vector: memoryview, bounds: Bounds, out: memoryview, reduction: Reduction
) -> None:
    """Leave in *out* the rank's block of the reduction of all *vector*, which is used up."""
    if channel.size == 1:
        out[:] = vector
    elif len(vector) == 0:
        return
    elif not reduction.commutative:
        reduce_and_scatter(channel, vector, bounds, out, reduction)
    elif len(vector) <= channel.thresholds.reduce_scatter_short:
        recursive_halving(channel, vector, bounds, out, reduction)
    else:
        pairwise(channel, vector, bounds, out, reduction)


def reduce_scatter_block(
    channel: Channel, vector: memoryview, bounds: Bounds, out: memoryview, reduction: Reduction
) -> None:
    """Leave in *out* the rank's block of the reduction, all of the same length."""
    reduce_scatter(channel, vector, bounds, out, reduction)
