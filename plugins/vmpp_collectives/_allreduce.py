"""Reductions whose result all ranks get."""

from __future__ import annotations

from vmpp_collectives._blocks import around
from vmpp_collectives._broadcast import broadcast
from vmpp_collectives._channel import Channel, Reduction
from vmpp_collectives._choice import COMMUTATIVE, ENOUGH, Algorithm, Family, Rule
from vmpp_collectives._fold import Fold, Parts, double, halve, reduce_around
from vmpp_collectives._reduce import reduce


def recursive_doubling(channel: Channel, vector: memoryview, reduction: Reduction) -> None:
    """Exchange and combine whole vectors with ranks ever further away: log2 p steps."""
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


def ring(channel: Channel, vector: memoryview, reduction: Reduction) -> None:
    """Reduce parts round a ring, then pass them round: least traffic (Patarasuk, Yuan 2009).

    2 (p - 1) steps of a p-th of the vector each. Operands change places.
    """
    parts = Parts(len(vector), reduction.itemsize, channel.size)
    reduce_around(channel, vector, parts, reduction)
    around(channel, vector, parts, channel.rank)


def reduce_broadcast(channel: Channel, vector: memoryview, reduction: Reduction) -> None:
    """Reduce on rank 0 and broadcast from there, each by the algorithm chosen for it."""
    reduce(channel, vector, reduction, 0)
    broadcast(channel, vector, 0)


ALLREDUCE = Family(
    "allreduce",
    "the vector",
    (
        Algorithm("recursive-doubling", recursive_doubling),
        Algorithm("rabenseifner", rabenseifner, (COMMUTATIVE, ENOUGH)),
        Algorithm("ring", ring, (COMMUTATIVE,)),
        Algorithm("reduce-bcast", reduce_broadcast),
    ),
    (Rule("recursive-doubling", bytes=2048), Rule("rabenseifner"), Rule("recursive-doubling")),
)


def allreduce(channel: Channel, vector: memoryview, reduction: Reduction) -> None:
    """Replace *vector* by the reduction of all ranks' vectors."""
    if channel.size > 1 and len(vector):
        ALLREDUCE.choose(channel, len(vector), reduction)(channel, vector, reduction)
