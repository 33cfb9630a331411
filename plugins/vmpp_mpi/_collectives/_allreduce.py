"""Reductions whose result all ranks get."""

from __future__ import annotations

from vmpp_mpi._collectives._channel import Channel, Reduction
from vmpp_mpi._collectives._fold import Fold, Parts, double, halve


def recursive_doubling(channel: Channel, vector: memoryview, reduction: Reduction) -> None:
    """Exchange and combine whole vectors with ranks ever further away: log p steps."""
    exchange, combine = channel.exchange, reduction.combine
    fold = Fold(channel)
    mine, theirs = vector, memoryview(bytearray(len(vector)))
    fold.gather_in(mine, theirs, reduction)
    place, places = fold.place, fold.places
    if place >= 0:
        bit = 1
        while bit < places:
            peer = fold.rank_at(place ^ bit)
            exchange(peer, mine, peer, theirs)
            if place & bit or reduction.commutative:
                combine(theirs, mine)
            else:
                combine(mine, theirs)
                mine, theirs = theirs, mine
            bit <<= 1
        if mine is not vector:
            vector[:] = mine
    fold.spread_out(vector)


def rabenseifner(channel: Channel, vector: memoryview, reduction: Reduction) -> None:
    """Reduce and scatter by halving, then collect by doubling (Rabenseifner 2004).

    Moves twice the length through each rank instead of log p times. Operands change places.
    """
    fold = Fold(channel)
    spare = memoryview(bytearray(len(vector)))
    fold.gather_in(vector, spare, reduction)
    if fold.place >= 0:
        parts = Parts(len(vector), reduction.itemsize, fold.places)
        halve(channel, fold, vector, spare, parts, reduction)
        double(channel, fold, vector, parts)
    fold.spread_out(vector)


def allreduce(channel: Channel, vector: memoryview, reduction: Reduction) -> None:
    """Replace *vector* by the reduction of all ranks' vectors."""
    size, length = channel.size, len(vector)
    if size == 1 or length == 0:
        return
    enough = length >= reduction.itemsize << (size.bit_length() - 1)
    if length <= channel.thresholds.allreduce_short or not reduction.commutative or not enough:
        recursive_doubling(channel, vector, reduction)
    else:
        rabenseifner(channel, vector, reduction)
