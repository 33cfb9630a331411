"""Reductions whose result one rank gets."""

from __future__ import annotations

from vmpp_mpi._collectives._channel import Channel, Reduction
from vmpp_mpi._collectives._fold import Fold, Parts, halve


def binomial(channel: Channel, vector: memoryview, reduction: Reduction, root: int) -> None:
    """Combine whole vectors up a binomial tree: log p steps.

    The tree hangs from the root if operands may change places, else from rank 0, so that each node
    covers neighbouring ranks in their order.
    """
    rank, size = channel.rank, channel.size
    top = root if reduction.commutative else 0
    place = (rank - top) % size
    mine = vector
    spare: memoryview | None = None
    bit = 1
    while bit < size:
        if place & bit:
            channel.send((rank - bit) % size, mine)
            break
        if place + bit < size:
            if spare is None:
                spare = memoryview(bytearray(len(vector)))
            channel.receive((rank + bit) % size, spare)
            if reduction.commutative:
                reduction.combine(spare, mine)
            else:
                reduction.combine(mine, spare)
                mine, spare = spare, mine
        bit <<= 1
    if top == root:
        if rank == root and mine is not vector:
            vector[:] = mine
    elif rank == top:
        channel.send(root, mine)
    elif rank == root:
        channel.receive(top, vector)


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


def reduce(channel: Channel, vector: memoryview, reduction: Reduction, root: int) -> None:
    """Replace *vector* on *root* by the reduction of all; on the others it is used up."""
    size, length = channel.size, len(vector)
    if size == 1 or length == 0:
        return
    enough = length >= reduction.itemsize << (size.bit_length() - 1)
    if length <= channel.thresholds.reduce_short or not reduction.commutative or not enough:
        binomial(channel, vector, reduction, root)
    else:
        rabenseifner(channel, vector, reduction, root)
