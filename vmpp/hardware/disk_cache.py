"""The memory that an I/O node has for blocks of its disk: kept, read ahead, and written behind."""

from __future__ import annotations

from bisect import bisect_left
from heapq import heapify, heappop, heappush
from typing import Final

from vmpp.hardware.disk import Disk, DiskParameters
from vmpp.hardware.stretches import Stretches, gaps

LONG_SINCE: Final = -(1 << 100)
"""In the place of what `Disk.move` returns: the blocks have been there before anything else was."""

STEP: Final = 256 << 10
"""The most bytes that the disk writes in the background before it looks at what else there is to
do; what follows on the disk follows without a pause if there is nothing."""

Arrivals = list[tuple[int, int, int]]
"""Blocks in memory: begin and end of each stretch, and what `Disk.move` said of it."""


class DiskCache:
    """A disk with memory for some of its blocks.

    What is read stays until the memory is needed, those blocks longest that have been used last.
    A reader who goes on where somebody has read before has the blocks after those read ahead: when
    less than half of *read_ahead* is left of them, the disk reads up to so many bytes beyond. What
    is written is in memory at once and on the disk later: the disk writes whatever it can while
    nobody reads, upwards from where its heads are and then from the lowest block again. Only so
    much may wait for that; who writes more waits until there is room.

    Blocks that wait to be written are not looked up in the order of use: they stay until they are
    on the disk, and count as used then.

    Times are picoseconds of virtual time, and never go back from call to call. Nothing of this is
    an event: what the disk has done meanwhile is found out at the next call.

    Attributes:
        disk: which it is.
        hits: blocks that were read and in memory, or on the way there, already.
        misses: blocks that were read and were not.
    """

    __slots__ = (
        "_ahead", "_block", "_bound", "_changed", "_clean", "_dirty", "_oldest", "_room", "_step",
        "_uses", "disk", "hits", "misses",
    )  # fmt: skip

    def __init__(
        self, parameters: DiskParameters, size: int, write_behind: int, read_ahead: int
    ) -> None:
        """Begin with an empty memory.

        Args:
            size: of the memory, in bytes, as the rest.
            write_behind: how much of it may wait to be written; 0: writers wait for the disk.
            read_ahead: up to how far beyond the reader.
        """
        self.disk = Disk(parameters)
        self._block = block = parameters.block
        self._room = size // block
        self._bound = min(write_behind // block, self._room)
        self._ahead = min(read_ahead // block, self._room // 2)
        self._step = max(1, STEP // block)
        # By blocks: when each has come in, and when it was used, counted in uses.
        self._clean: Stretches[tuple[int, int]] = Stretches()
        self._oldest: list[tuple[int, int]] = []
        self._uses = 0
        self._dirty: Stretches[None] = Stretches()
        self._changed = 0
        self.hits = 0
        self.misses = 0

    @property
    def dirty(self) -> int:
        """Bytes that wait to be written, as of the last call."""
        return self._dirty.total * self._block

    @property
    def kept(self) -> int:
        """Bytes of all blocks in memory, as of the last call."""
        return (self._dirty.total + self._clean.total) * self._block

    def ready(self, arrivals: Arrivals, begin: int, end: int) -> int:
        """Return when all blocks from *begin* up to *end* are in memory; they are in *arrivals*."""
        passes, block = self.disk.parameters.passes, self._block
        latest = LONG_SINCE
        for start, stop, moved in arrivals:
            if moved > LONG_SINCE and start < end and stop > begin:
                latest = max(latest, moved + passes(min(stop, end) * block))
        return latest

    def read(self, now: int, begin: int, end: int, limit: int) -> Arrivals:
        """Have blocks from *begin* up to *end* in memory, and others up to *limit* if they may be
        asked for next; return when those asked for come in."""
        self.settle(now)
        sequential = begin and self._clean.run(begin - 1) >= begin
        waiting = self._dirty.within(begin, end)
        found = self._take(begin, end)
        arrivals = [(start, stop, LONG_SINCE) for start, stop, _ in waiting]
        known = sorted(
            [*arrivals, *((start, stop, value[0]) for start, stop, value in found)],
        )
        missing = [
            (start, stop, self.disk.move(now, start, stop))
            for start, stop in gaps(begin, end, known)
        ]
        absent = sum(stop - start for start, stop, _ in missing)
        self.misses += absent
        self.hits += end - begin - absent
        fresh = sorted([*((start, stop, value[0]) for start, stop, value in found), *missing])
        self._keep(now, fresh)
        if sequential:
            self._read_ahead(now, end, limit)
        self._trim()
        return sorted([*known, *missing])

    def write(self, now: int, begin: int, end: int) -> int:
        """Have blocks from *begin* up to *end* changed; return when that counts as done."""
        self.settle(now)
        self._take(begin, end)
        self._dirty.join(begin, end, None)
        self._changed = now
        done = now
        while self._dirty.total > self._bound:
            done = self._write_some(max(now, self.disk.free))
        self._trim()
        return done

    def forget(self, begin: int, end: int) -> None:
        """Have blocks hold nothing any more that anybody would want."""
        self._take(begin, end)
        self._dirty.cut(begin, end)

    def flush(self, now: int) -> int:
        """Have all that waits written to the disk; return when that is done."""
        self.settle(now)
        done = now
        while self._dirty.total:
            done = self._write_some(max(now, self.disk.free))
        return max(done, self.disk.free)

    def settle(self, now: int) -> None:
        """Have the disk have written what it could until *now*."""
        while self._dirty.total:
            # What was changed last is all that it can have had to wait for.
            start = max(self.disk.free, self._changed)
            if start >= now:
                return
            self._write_some(start)

    def _write_some(self, start: int) -> int:
        """Write the next stretch of what waits; return when it is on the disk."""
        begins, head = self._dirty.begins, self.disk.head
        begin = head
        if self._dirty.run(head) == head:
            place = bisect_left(begins, head)
            begin = begins[place] if place < len(begins) else begins[0]
        end = min(self._dirty.run(begin), begin + self._step)
        self._dirty.cut(begin, end)
        self.disk.move(start, begin, end)
        self._keep(start, [(begin, end, LONG_SINCE)])
        return self.disk.free

    def _read_ahead(self, now: int, begin: int, limit: int) -> None:
        """Read what comes after what somebody reads in order, if little of it is there."""
        known = self._there(begin, min(begin + self._ahead, limit))
        reached = begin
        for start, stop, _ in known:
            if start > reached:
                break
            reached = stop
        if reached < min(begin + self._ahead // 2, limit):
            self._keep(
                now,
                [
                    (start, stop, self.disk.move(now, start, stop))
                    for start, stop in gaps(begin, min(begin + self._ahead, limit), known)
                ],
            )

    def _there(self, begin: int, end: int) -> Arrivals:
        """Return what is in memory of some blocks, in order."""
        return sorted(
            [
                *((start, stop, LONG_SINCE) for start, stop, _ in self._dirty.within(begin, end)),
                *((start, stop, value[0]) for start, stop, value in self._clean.within(begin, end)),
            ]
        )

    def _keep(self, now: int, arrivals: Arrivals) -> None:
        """Keep blocks that are used now, those together that have all come in."""
        self._uses += 1
        passes, block = self.disk.parameters.passes, self._block
        joined: Arrivals = []
        for begin, end, came in arrivals:
            moved = came if came + passes(end * block) > now else LONG_SINCE
            if joined and joined[-1][1:] == (begin, moved):
                joined[-1] = joined[-1][0], end, moved
            else:
                joined.append((begin, end, moved))
        for begin, end, moved in joined:
            self._clean.put(begin, end, (moved, self._uses))
            heappush(self._oldest, (self._uses, begin))

    def _trim(self) -> None:
        """Give up what has not been used for longest, as far as there is no room for it."""
        excess = self._clean.total + self._dirty.total - self._room
        while excess > 0:
            used, begin = heappop(self._oldest)
            found = self._clean.at(begin)
            if found is None or found[1][1] != used:
                continue
            end = min(found[0], begin + excess)
            self._take(begin, end)
            excess -= end - begin

    def _take(self, begin: int, end: int) -> list[tuple[int, int, tuple[int, int]]]:
        """Take blocks out of those that are kept; what is left of a stretch keeps its turn."""
        found = self._clean.cut(begin, end)
        rest = self._clean.at(end)
        if found and rest is not None:
            heappush(self._oldest, (rest[1][1], end))
        if len(self._oldest) > 64 + 4 * len(self._clean):
            self._oldest = [(value[1], start) for start, _, value in self._clean]
            heapify(self._oldest)
        return found
