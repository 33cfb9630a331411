"""Bringing any number of ranks to a power of two, and halving and doubling among those.

With p = 2**k + r, each even rank below 2r hands its vector to the odd one above it, which takes
part for both (Rabenseifner 2004). A rank that takes part has a *place*, ascending with the rank, so
that the vectors of neighbouring places cover neighbouring ranks and operands keep their order.
"""

from __future__ import annotations

from vmpp_collectives._blocks import Bounds
from vmpp_collectives._channel import Channel, Reduction


class Fold:
    """The ranks that take part.

    Args:
        channel: to all ranks.
        keep: a rank that takes part in any case; only where operands may change places.

    Attributes:
        places: how many take part, a power of two.
        place: of this rank, negative if it does not take part.
        folded: whether this rank takes part for another too, or another for it. They differ in the
            last bit.
    """

    __slots__ = ("_channel", "_keep", "_rest", "folded", "place", "places")

    def __init__(self, channel: Channel, keep: int = -1) -> None:
        rank, size = channel.rank, channel.size
        self._channel = channel
        self.places = 1 << (size.bit_length() - 1)
        rest = self._rest = size - self.places
        self._keep = keep if keep < 2 * rest and not keep & 1 else -1
        self.folded = rank < 2 * rest
        if not self.folded:
            self.place = rank - rest
        elif rank == self.rank_at(rank >> 1):
            self.place = rank >> 1
        else:
            self.place = -1

    def rank_at(self, place: int) -> int:
        """Return the rank that has *place*."""
        if place >= self._rest:
            return place + self._rest
        rank = 2 * place + 1
        return rank - 1 if rank - 1 == self._keep else rank

    def place_of(self, rank: int) -> int:
        """Return the place of *rank*, or of the one that takes part for it."""
        return rank >> 1 if rank < 2 * self._rest else rank - self._rest

    def gather_in(self, vector: memoryview, spare: memoryview, reduction: Reduction) -> None:
        """Reduce the vectors of those that do not take part into those that do for them."""
        channel = self._channel
        rank = channel.rank
        if not self.folded:
            return
        if self.place < 0:
            channel.send(rank ^ 1, vector)
        else:
            channel.receive(rank ^ 1, spare)
            reduction.combine(spare, vector)

    def spread_out(self, vector: memoryview) -> None:
        """Give the result to those that did not take part."""
        channel = self._channel
        rank = channel.rank
        if not self.folded:
            return
        if self.place < 0:
            channel.receive(rank ^ 1, vector)
        else:
            channel.send(rank ^ 1, vector)


def halve(
    channel: Channel,
    fold: Fold,
    vector: memoryview,
    spare: memoryview,
    bounds: Bounds,
    reduction: Reduction,
) -> None:
    """Reduce and scatter by recursive halving: place i ends with part i of *vector* reduced.

    Part i is from ``bounds[i]`` to ``bounds[i + 1]``. Log p steps, each of half the length before;
    operands change places.
    """
    place = fold.place
    low, bit = 0, fold.places >> 1
    while bit:
        peer = fold.rank_at(place ^ bit)
        middle = low + bit
        lower = slice(bounds[low], bounds[middle])
        upper = slice(bounds[middle], bounds[middle + bit])
        give, keep = (lower, upper) if place & bit else (upper, lower)
        channel.exchange(peer, vector[give], peer, spare[keep])
        reduction.combine(spare[keep], vector[keep])
        if place & bit:
            low = middle
        bit >>= 1


def double(channel: Channel, fold: Fold, vector: memoryview, bounds: Bounds) -> None:
    """Collect the parts of *vector* on all places by recursive doubling."""
    place = fold.place
    bit = 1
    while bit < fold.places:
        peer = fold.rank_at(place ^ bit)
        mine = place & ~(bit - 1)
        theirs = mine ^ bit
        channel.exchange(
            peer,
            vector[bounds[mine] : bounds[mine + bit]],
            peer,
            vector[bounds[theirs] : bounds[theirs + bit]],
        )
        bit <<= 1


def reduce_around(
    channel: Channel, vector: memoryview, bounds: Bounds, reduction: Reduction
) -> None:
    """Reduce parts of *vector* round a ring: rank i ends with part i. Operands change places."""
    rank, size = channel.rank, channel.size
    right, left = (rank + 1) % size, (rank - 1) % size
    longest = max(bounds[part + 1] - bounds[part] for part in range(size))
    spare = memoryview(bytearray(longest))
    for step in range(1, size):
        give, take = (rank - step) % size, (rank - step - 1) % size
        part = vector[bounds[take] : bounds[take + 1]]
        other = spare[: len(part)]
        channel.exchange(right, vector[bounds[give] : bounds[give + 1]], left, other)
        if len(part):
            reduction.combine(other, part)


class Parts:
    """Bounds of the parts of a vector, as equal as its elements allow."""

    __slots__ = ("_count", "_itemsize", "_parts")

    def __init__(self, length: int, itemsize: int, parts: int) -> None:
        self._count = length // itemsize
        self._itemsize = itemsize
        self._parts = parts

    def __getitem__(self, index: int) -> int:
        return self._count * index // self._parts * self._itemsize
