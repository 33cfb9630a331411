"""What an I/O node has of files, in virtual time: where it is on the disk, how long it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vmpp.hardware import DiskCache, Placement
from vmpp.hardware.disk_cache import LONG_SINCE, Arrivals
from vmpp.hardware.stretches import Stretches


class NodeDisk:
    """The parts of files that one I/O node has, and its disk with the cache before it.

    A part has no holes on the disk: where something is written beyond its end, what lies between is
    the file's as well, but is known to hold nothing, and never read. At boot the parts are as if
    they had been copied to an empty disk one after the other, in the order of the files' numbers.

    Attributes:
        cache: the memory for blocks, and the disk.
        placement: which blocks each file has.
    """

    __slots__ = ("_block", "_lengths", "_written", "cache", "placement")

    def __init__(self, cache: DiskCache, sizes: Mapping[int, int]) -> None:
        """Have *sizes*: bytes of each part by number of its file."""
        self.cache = cache
        parameters = cache.disk.parameters
        self.placement = Placement(parameters.blocks)
        self._block = parameters.block
        self._lengths = dict(sizes)
        # The blocks of the disk that hold something.
        self._written: Stretches[None] = Stretches()
        for file, length in sizes.items():
            # A file that was written on a machine with larger disks is there all the same.
            count = -(-length // self._block)
            self.placement.extend(file, count)
            for begin, end in self.placement.locate(file, 0, count):
                self._written.join(begin, end, None)

    @property
    def capacity(self) -> int:
        """Bytes that there is room for."""
        return self.placement.blocks * self._block

    @property
    def used(self) -> int:
        """Bytes of the blocks that files have."""
        return self.placement.used * self._block

    def length(self, file: int) -> int:
        """Return how many bytes there are of a file."""
        return self._lengths.get(file, 0)

    def reserve(self, file: int, end: int) -> bool:
        """Give a file the blocks for *end* bytes; return False if there are too few."""
        return self.placement.extend(file, -(-end // self._block))

    def read(self, now: int, file: int, pieces: Sequence[tuple[int, int]]) -> list[int]:
        """Read *pieces*, each an offset and a length; return when each is in memory, ps."""
        block, placement = self._block, self.placement
        arrivals: Arrivals = []
        for begin, end in _rows(pieces):
            first = begin // block
            for start, stop in placement.locate(file, first, -(-end // block)):
                for held, over, _ in self._written.within(start, stop):
                    limit = placement.reach(file, first + held - start)
                    arrivals += self.cache.read(now, held, over, limit)
                first += stop - start
        if all(each[2] == LONG_SINCE for each in arrivals):
            return [now] * len(pieces)
        return [self._ready(now, arrivals, file, *piece) for piece in pieces]

    def write(self, now: int, file: int, offset: int, length: int) -> int | None:
        """Write a piece; return when that counts as done, in ps; None: the disk is full."""
        block, before = self._block, self.length(file)
        end = offset + length
        if not self.placement.extend(file, -(-end // block)):
            return None
        self._lengths[file] = max(before, end)
        done = now
        first, last = offset // block, -(-end // block)
        # Of a block that is written in part, the rest must be known.
        if offset % block and offset - offset % block < before:
            done = max(done, self._fetch(now, file, first))
        if end % block and end < before and not (last - 1 == first and offset % block):
            done = max(done, self._fetch(now, file, last - 1))
        for start, stop in self.placement.locate(file, first, last):
            self._written.join(start, stop, None)
            done = max(done, self.cache.write(now, start, stop))
        return done

    def cut(self, file: int, length: int) -> None:
        """Keep *length* bytes of a file at the most."""
        kept = min(length, self.length(file))
        if kept:
            self._lengths[file] = kept
        else:
            self._lengths.pop(file, None)
        for begin, end in self.placement.cut(file, -(-kept // self._block)):
            self._written.cut(begin, end)
            self.cache.forget(begin, end)

    def _fetch(self, now: int, file: int, number: int) -> int:
        """Have one block of a file in memory, if it holds something; return when it is."""
        ready = now
        for begin, end in self.placement.locate(file, number, number + 1):
            for start, stop, _ in self._written.within(begin, end):
                ready = max(
                    ready, self.cache.ready(self.cache.read(now, start, stop, 0), start, stop)
                )
        return ready

    def _ready(self, now: int, arrivals: Arrivals, file: int, offset: int, length: int) -> int:
        """Return when a piece is in memory, all of which is in *arrivals*."""
        block = self._block
        for start, stop in self.placement.locate(
            file, offset // block, -(-(offset + length) // block)
        ):
            now = max(now, self.cache.ready(arrivals, start, stop))
        return now


def _rows(pieces: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return begin and end of what follows one another without a gap."""
    rows: list[tuple[int, int]] = []
    for offset, length in pieces:
        if rows and rows[-1][1] == offset:
            rows[-1] = rows[-1][0], offset + length
        else:
            rows.append((offset, offset + length))
    return rows
