"""Which blocks of a disk a file has: as many in a row as there are."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from vmpp.hardware.stretches import Stretches

REGIONS: Final = 256
"""Into how many regions a disk is divided: a file that cannot go on where it ends does so at the
beginning of one that nobody has a block of."""
MOST_BLOCKS: Final = 1024
"""The most blocks of a region."""


class _Extents:
    """The blocks of one file: where each stretch of them begins, in the file and on the disk."""

    __slots__ = ("begins", "count", "places")

    def __init__(self) -> None:
        self.begins: list[int] = []
        self.places: list[int] = []
        self.count = 0

    @property
    def after(self) -> int:
        """The block of the disk that comes after the last one; -1: there is none."""
        return self.places[-1] + self.count - self.begins[-1] if self.begins else -1

    def add(self, place: int, count: int) -> None:
        if place != self.after:
            self.begins.append(self.count)
            self.places.append(place)
        self.count += count


class Placement:
    """Hands the blocks of a disk out to files, and knows who has which.

    A file is made longer where it ends, if that is free; otherwise in the lowest region that nobody
    has a block of; and when there is none left in the lowest blocks that are free. So files that
    grow side by side are in long stretches all the same, and where a file is follows from what has
    been done before in which order, and from nothing else.

    Attributes:
        blocks: of the disk.
    """

    __slots__ = ("_files", "_free", "_region", "blocks")

    def __init__(self, blocks: int) -> None:
        self.blocks = blocks
        self._region = max(1, min(blocks // REGIONS, MOST_BLOCKS))
        self._files: dict[int, _Extents] = {}
        self._free: Stretches[None] = Stretches()
        self._free.put(0, blocks, None)

    @property
    def used(self) -> int:
        """How many blocks files have."""
        return self.blocks - self._free.total

    def length(self, file: int) -> int:
        """Return how many blocks a file has."""
        found = self._files.get(file)
        return 0 if found is None else found.count

    def fits(self, file: int, count: int) -> bool:
        """Return whether a file may have *count* blocks."""
        return count - self.length(file) <= self._free.total

    def extend(self, file: int, count: int) -> bool:
        """Have a file have *count* blocks at least; return False if there are too few on the disk,
        and then it has those that it had."""
        if count <= self.length(file):
            return True
        if not self.fits(file, count):
            return False
        extents = self._files.setdefault(file, _Extents())
        while extents.count < count:
            begin, end = self._next(extents.after)
            end = min(end, begin + count - extents.count)
            self._free.cut(begin, end)
            extents.add(begin, end - begin)
        return True

    def cut(self, file: int, count: int) -> list[tuple[int, int]]:
        """Have a file have *count* blocks at the most; return the blocks that are free from now on,
        each stretch by where it begins and ends."""
        if count >= self.length(file):
            return []
        freed = self.locate(file, count, self.length(file))
        for begin, end in freed:
            self._free.join(begin, end, None)
        extents = self._files[file]
        while extents.begins and extents.begins[-1] >= count:
            extents.begins.pop()
            extents.places.pop()
        extents.count = count
        if not count:
            del self._files[file]
        return freed

    def locate(self, file: int, begin: int, end: int) -> list[tuple[int, int]]:
        """Return where a file's blocks from *begin* up to *end* are, as far as it has them."""
        extents = self._files.get(file)
        if extents is None:
            return []
        end = min(end, extents.count)
        found: list[tuple[int, int]] = []
        place = bisect_right(extents.begins, begin) - 1
        while begin < end:
            last = place + 1 == len(extents.begins)
            stop = end if last else min(end, extents.begins[place + 1])
            offset = extents.places[place] - extents.begins[place]
            found.append((begin + offset, stop + offset))
            begin = stop
            place += 1
        return found

    def reach(self, file: int, begin: int) -> int:
        """Return where on the disk the blocks end that a file has in a row from block *begin* on;
        -1 if it does not reach so far."""
        extents = self._files.get(file)
        if extents is None or begin >= extents.count:
            return -1
        place = bisect_right(extents.begins, begin) - 1
        last = place + 1 == len(extents.begins)
        end = extents.count if last else extents.begins[place + 1]
        return extents.places[place] + end - extents.begins[place]

    def _next(self, after: int) -> tuple[int, int]:
        """Return free blocks for a file that ends before block *after*."""
        if after >= 0:
            reached = self._free.run(after)
            if reached > after:
                return after, reached
        region = self._region
        for begin, end, _ in self._free:
            aligned = -(-begin // region) * region
            if aligned + region <= end:
                return aligned, end
        begin = self._free.begins[0]
        return begin, self._free.run(begin)
