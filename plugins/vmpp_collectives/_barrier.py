"""Barriers."""

from __future__ import annotations

from vmpp_collectives._channel import NOTHING, Channel, Reduction
from vmpp_collectives._choice import Algorithm, Family, Rule
from vmpp_collectives._fold import Fold


def dissemination(channel: Channel) -> None:
    """Tell ranks ever further above, who pass it on: ceil(log2 p) rounds (Hensgen et al. 1988).

    In round k each rank tells the one 2**k above that it and all it has heard of are there.
    """
    rank, size = channel.rank, channel.size
    exchange = channel.exchange
    distance = 1
    while distance < size:
        exchange(
            (rank + distance) % size,
            NOTHING,
            rank - distance + (size, 0)[rank >= distance],
            NOTHING,
        )
        distance <<= 1


def recursive_doubling(channel: Channel) -> None:
    """Exchange with ranks ever further away; those beyond a power of two go by a neighbour."""
    fold = Fold(channel)
    fold.gather_in(NOTHING, NOTHING, _NO_REDUCTION)
    place = fold.place
    bit = 1 if place >= 0 else fold.places
    while bit < fold.places:
        peer = fold.rank_at(place ^ bit)
        channel.exchange(peer, NOTHING, peer, NOTHING)
        bit <<= 1
    fold.spread_out(NOTHING)


def binomial(channel: Channel) -> None:
    """Report up a binomial tree to rank 0, which sends the word to go down the same tree."""
    rank, size = channel.rank, channel.size
    bit = 1
    while bit < size and not rank & bit:
        if rank + bit < size:
            channel.receive(rank + bit, NOTHING)
        bit <<= 1
    if rank:
        channel.send(rank - bit, NOTHING)
        channel.receive(rank - bit, NOTHING)
    while bit := bit >> 1:
        if rank + bit < size:
            channel.send(rank + bit, NOTHING)


_NO_REDUCTION = Reduction(lambda low, high: None, 1, True)

BARRIER = Family(
    "barrier",
    "",
    (
        Algorithm("dissemination", dissemination),
        Algorithm("recursive-doubling", recursive_doubling),
        Algorithm("binomial", binomial),
    ),
    (Rule("dissemination"),),
)


def barrier(channel: Channel) -> None:
    """Return when all ranks have called."""
    BARRIER.choose(channel, 0)(channel)
