"""Reductions whose result one rank gets."""

from __future__ import annotations

from vmpp_collectives._channel import Channel, Reduction
from vmpp_collectives._choice import COMMUTATIVE, ENOUGH, Algorithm, Family, Rule
from vmpp_collectives._fold import Fold, Parts, halve
from vmpp_collectives._tree import children, parent, span


def binomial(channel: Channel, vector: memoryview, reduction: Reduction, root: int) -> None:
    """Combine whole vectors up a binomial tree: log2 p steps."""
    k_nomial(channel, vector, reduction, root, 2)


def k_nomial(
    channel: Channel, vector: memoryview, reduction: Reduction, root: int, radix: int = 4
) -> None:
    """Combine whole vectors up a k-nomial tree: fewer steps than a binomial one, more to combine.

    The tree hangs from the root if operands may change places, else from rank 0, so that each node
    covers neighbouring ranks in their order.

    Args:
        channel: to the other ranks.
        vector: the rank's own; on the root the result.
        reduction: how to combine.
        root: the rank that gets the result.
        radix: k.
    """
    rank, size = channel.rank, channel.size
    top = root if reduction.commutative else 0
    place = (rank - top) % size
    step = span(place, size, radix)
    mine = vector
    spare: memoryview | None = None
    for distance, _ in reversed(list(children(min(step, size - place), step, radix))):
        if spare is None:
            spare = memoryview(bytearray(len(vector)))
        channel.receive((rank + distance) % size, spare)
        if reduction.commutative:
            reduction.combine(spare, mine)
        else:
            reduction.combine(mine, spare)
            mine, spare = spare, mine
    if place:
        channel.send((parent(place, step, radix) + top) % size, mine)
    elif top == root and mine is not vector:
        vector[:] = mine
    if top != root:
        _move(channel, mine, vector, top, root)


def linear(channel: Channel, vector: memoryview, reduction: Reduction, root: int) -> None:
    """Every rank sends its vector to the root, which combines them from the last to the first."""
    if channel.rank != root:
        channel.send(root, vector)
        return
    total: memoryview | None = None
    for peer in reversed(range(channel.size)):
        operand = vector
        if peer != root:
            operand = memoryview(bytearray(len(vector)))
            channel.receive(peer, operand)
        if total is not None:
            reduction.combine(operand, total)
        else:
            total = memoryview(bytearray(operand)) if peer == root else operand
    assert total is not None
    vector[:] = total


def chain(
    channel: Channel, vector: memoryview, reduction: Reduction, root: int, segment: int = 0
) -> None:
    """Combine segments from rank to rank down to the root: a pipeline, for long vectors.

    If operands must not change places it ends at rank 0, which hands the result to the root.

    Args:
        channel: to the other ranks.
        vector: the rank's own; on the root the result.
        reduction: how to combine.
        root: the rank that gets the result.
        segment: bytes of a segment; by default what goes without waiting for the receiver.
    """
    rank, size = channel.rank, channel.size
    top = root if reduction.commutative else 0
    place = (rank - top) % size
    itemsize = reduction.itemsize
    step = max(segment // itemsize * itemsize, itemsize) if segment else channel.segment(itemsize)
    spare = memoryview(bytearray(min(step, len(vector))))
    for low in range(0, len(vector), step):
        piece = vector[low : low + step]
        if place + 1 < size:
            other = spare[: len(piece)]
            channel.receive((rank + 1) % size, other)
            if reduction.commutative:
                reduction.combine(other, piece)
            else:
                reduction.combine(piece, other)
                piece[:] = other
        if place:
            channel.send((rank - 1) % size, piece)
    if top != root:
        _move(channel, vector, vector, top, root)


def rabenseifner(channel: Channel, vector: memoryview, reduction: Reduction, root: int) -> None:
    """Reduce and scatter by halving, then gather on the root up a binomial tree (2004).

    Operands change places.
    """
    fold = Fold(channel, keep=root)
    spare = memoryview(bytearray(len(vector)))
    fold.gather_in(vector, spare, reduction)
    place = fold.place
    if place < 0:
        return
    bounds = Parts(len(vector), reduction.itemsize, fold.places)
    halve(channel, fold, vector, spare, bounds, reduction)
    goal = fold.place_of(root)
    bit = 1
    while bit < fold.places:
        peer = fold.rank_at(place ^ bit)
        mine = place & ~(bit - 1)
        theirs = mine ^ bit
        if (place ^ goal) & bit:
            channel.send(peer, vector[bounds[mine] : bounds[mine + bit]])
            return
        channel.receive(peer, vector[bounds[theirs] : bounds[theirs + bit]])
        bit <<= 1


def _move(channel: Channel, result: memoryview, vector: memoryview, top: int, root: int) -> None:
    """Hand the *result* that rank *top* has to the *root*, into its *vector*."""
    if channel.rank == top:
        channel.send(root, result)
    elif channel.rank == root:
        channel.receive(top, vector)


REDUCE = Family(
    "reduce",
    "the vector",
    (
        Algorithm("binomial", binomial),
        Algorithm("k-nomial", k_nomial, options=("radix",)),
        Algorithm("linear", linear),
        Algorithm("chain", chain, options=("segment",)),
        Algorithm("rabenseifner", rabenseifner, (COMMUTATIVE, ENOUGH)),
    ),
    (Rule("binomial", bytes=2048), Rule("rabenseifner"), Rule("binomial")),
)


def reduce(channel: Channel, vector: memoryview, reduction: Reduction, root: int) -> None:
    """Replace *vector* on *root* by the reduction of all; on the others it is used up."""
    if channel.size > 1 and len(vector):
        REDUCE.choose(channel, len(vector), reduction)(channel, vector, reduction, root)
