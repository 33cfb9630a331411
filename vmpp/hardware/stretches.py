"""Stretches of numbers in a row, such as blocks of a disk."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Generic, TypeVar

V = TypeVar("V")


class Stretches(Generic[V]):
    """Stretches that do not overlap, each with a value, found by where they are.

    What is asked of many blocks in a row costs as little as of one.

    Attributes:
        begins: where they begin, in order.
        total: how many numbers they have together.
    """

    __slots__ = ("_held", "begins", "total")

    def __init__(self) -> None:
        self.begins: list[int] = []
        self._held: dict[int, tuple[int, V]] = {}
        self.total = 0

    def __len__(self) -> int:
        return len(self.begins)

    def __iter__(self) -> Iterator[tuple[int, int, V]]:
        """Yield begin, end (which is not part of it any more) and value of each, in order."""
        for begin in self.begins:
            end, value = self._held[begin]
            yield begin, end, value

    def at(self, begin: int) -> tuple[int, V] | None:
        """Return the end and the value of the stretch that begins at *begin*; None: none does."""
        return self._held.get(begin)

    def put(self, begin: int, end: int, value: V) -> None:
        """Add a stretch, none of whose numbers is there."""
        self.begins.insert(bisect_left(self.begins, begin), begin)
        self._held[begin] = end, value
        self.total += end - begin

    def within(self, begin: int, end: int) -> list[tuple[int, int, V]]:
        """Return what is there from *begin* up to *end*, in order."""
        found = []
        for place in range(self._first(begin), len(self.begins)):
            start = self.begins[place]
            if start >= end:
                break
            stop, value = self._held[start]
            found.append((max(start, begin), min(stop, end), value))
        return found

    def cut(self, begin: int, end: int) -> list[tuple[int, int, V]]:
        """Take out what is there from *begin* up to *end*, and return it."""
        first = self._first(begin)
        if first == len(self.begins) or self.begins[first] >= end:
            return []
        found = self.within(begin, end)
        last = first + len(found)
        start = self.begins[first]
        stop, value = self._held[self.begins[last - 1]]
        before = found[0][2]
        for place in range(first, last):
            del self._held[self.begins[place]]
        left: list[int] = []
        if start < begin:
            left.append(start)
            self._held[start] = begin, before
        if stop > end:
            left.append(end)
            self._held[end] = stop, value
        self.begins[first:last] = left
        self.total -= sum(each[1] - each[0] for each in found)
        return found

    def join(self, begin: int, end: int, value: V) -> None:
        """Add numbers, some of which may be there, as one stretch with its neighbours."""
        begins = self.begins
        place = bisect_left(begins, begin)
        if place and self._held[begins[place - 1]][0] >= begin:
            before = begin
            begin = begins[place - 1]
            stop = self._held[begin][0]
            if stop == before and (place == len(begins) or begins[place] > end):
                # As when blocks come one after the other, which most do.
                self._held[begin] = end, value
                self.total += end - stop
                return
            end = max(end, stop)
        place = bisect_right(self.begins, end)
        if place:
            end = max(end, self._held[self.begins[place - 1]][0])
        self.cut(begin, end)
        self.put(begin, end, value)

    def run(self, begin: int) -> int:
        """Return how far, from *begin* on, every number is there."""
        place = self._first(begin)
        while place < len(self.begins) and self.begins[place] <= begin:
            begin = self._held[self.begins[place]][0]
            place += 1
        return begin

    def _first(self, begin: int) -> int:
        """Return the place of the first stretch that ends after *begin*."""
        place = bisect_right(self.begins, begin)
        if place and self._held[self.begins[place - 1]][0] > begin:
            return place - 1
        return place


def gaps(begin: int, end: int, found: list[tuple[int, int, V]]) -> Iterator[tuple[int, int]]:
    """Yield what of the numbers from *begin* up to *end* is not *found*, which is in order."""
    for start, stop, _ in found:
        if begin < start:
            yield begin, start
        begin = max(begin, stop)
    if begin < end:
        yield begin, end
