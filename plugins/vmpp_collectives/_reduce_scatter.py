"""Reductions whose result is scattered: rank i gets block i.

Block i of a vector is from ``bounds[i]`` to ``bounds[i + 1]``, in bytes.
"""

from __future__ import annotations

from vmpp_collectives._blocks import Bounds
from vmpp_collectives._channel import Channel, Reduction
from vmpp_collectives._choice import COMMUTATIVE, Algorithm, Family, Rule
from vmpp_collectives._fold import Fold, halve, reduce_around
from vmpp_collectives._reduce import reduce
from vmpp_collectives._scatter import scatterv


def recursive_halving(
    channel: Channel, vector: memoryview, bounds: Bounds, out: memoryview, reduction: Reduction
) -> None:
    """Exchange and combine halves of what is left: log2 p steps. Operands change places."""
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


def ring(
    channel: Channel, vector: memoryview, bounds: Bounds, out: memoryview, reduction: Reduction
) -> None:
    """Reduce blocks round a ring: p - 1 steps between neighbours. Operands change places."""
    rank = channel.rank
    reduce_around(channel, vector, bounds, reduction)
    out[:] = vector[bounds[rank] : bounds[rank + 1]]


def recursive_doubling(
    channel: Channel, vector: memoryview, bounds: Bounds, out: memoryview, reduction: Reduction
) -> None:
    """Exchange what the other half needs with ranks ever further away: log2 p steps, in order.

    A rank that has combined the vectors of a run of ranks keeps the blocks of that run to itself,
    and sends all others (Thakur, Rabenseifner, Gropp 2005).
    """
    rank = channel.rank
    fold = Fold(channel)
    spare = memoryview(bytearray(len(vector)))
    fold.gather_in(vector, spare, reduction)
    partner = rank ^ 1
    if fold.place < 0:
        if len(out):
            channel.receive(partner, out)
        return
    folded = _Folded(bounds, fold, channel.size)
    bit = 1
    while bit < fold.places:
        _double(channel, fold, vector, spare, folded, bit, reduction)
        bit <<= 1
    out[:] = vector[bounds[rank] : bounds[rank + 1]]
    piece = vector[bounds[partner] : bounds[partner + 1]] if fold.folded else vector[:0]
    if len(piece):
        channel.send(partner, piece)


def _double(
    channel: Channel,
    fold: Fold,
    vector: memoryview,
    spare: memoryview,
    bounds: Bounds,
    bit: int,
    reduction: Reduction,
) -> None:
    """Do one step of recursive doubling: with the run of *bit* places beside the own one."""
    place = fold.place
    peer = fold.rank_at(place ^ bit)
    mine = place & ~(bit - 1)
    theirs = mine ^ bit
    give = bytes(vector[: bounds[mine]]) + bytes(vector[bounds[mine + bit] :])
    low, high = bounds[theirs], bounds[theirs + bit]
    taken = spare[: len(vector) - (high - low)]
    channel.exchange(peer, give, peer, taken)
    for kept, other in ((vector[:low], taken[:low]), (vector[high:], taken[low:])):
        if not len(kept):
            continue
        if place & bit or reduction.commutative:
            reduction.combine(other, kept)
        else:
            reduction.combine(kept, other)
            kept[:] = other


def reduce_scatterv(
    channel: Channel, vector: memoryview, bounds: Bounds, out: memoryview, reduction: Reduction
) -> None:
    """Reduce on rank 0, by the algorithm chosen for that, and scatter from there."""
    reduce(channel, vector, reduction, 0)
    blocks = None
    if channel.rank == 0:
        blocks = [vector[bounds[peer] : bounds[peer + 1]] for peer in range(channel.size)]
    scatterv(channel, blocks, out, 0)


_ALGORITHMS = (
    Algorithm("recursive-halving", recursive_halving, (COMMUTATIVE,)),
    Algorithm("pairwise", pairwise, (COMMUTATIVE,)),
    Algorithm("ring", ring, (COMMUTATIVE,)),
    Algorithm("recursive-doubling", recursive_doubling),
    Algorithm("reduce-scatterv", reduce_scatterv),
)
_RULES = (
    Rule("recursive-halving", bytes=524288),
    Rule("pairwise"),
    Rule("reduce-scatterv"),
)
REDUCE_SCATTER = Family("reduce_scatter", "the vector", _ALGORITHMS, _RULES)
REDUCE_SCATTER_BLOCK = Family("reduce_scatter_block", "the vector", _ALGORITHMS, _RULES)


def reduce_scatter(
    channel: Channel, vector: memoryview, bounds: Bounds, out: memoryview, reduction: Reduction
) -> None:
    """Leave in *out* the rank's block of the reduction of all *vector*, which is used up."""
    _carry_out(REDUCE_SCATTER, channel, vector, bounds, out, reduction)


def reduce_scatter_block(
    channel: Channel, vector: memoryview, bounds: Bounds, out: memoryview, reduction: Reduction
) -> None:
    """Leave in *out* the rank's block of the reduction, all of the same length."""
    _carry_out(REDUCE_SCATTER_BLOCK, channel, vector, bounds, out, reduction)


def _carry_out(
    family: Family,
    channel: Channel,
    vector: memoryview,
    bounds: Bounds,
    out: memoryview,
    reduction: Reduction,
) -> None:
    if channel.size == 1:
        out[:] = vector
    elif len(vector):
        run = family.choose(channel, len(vector), reduction)
        run(channel, vector, bounds, out, reduction)
