"""Transfers: reads and writes of open files that go on while the process does something else."""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vmpp.process.moves import Move, Run

if TYPE_CHECKING:
    from vmpp.process.striped import StripedFile
    from vmpp.process.striping import Layout


class Transfer:
    """A read or write of an open file that has been begun; this one is done from the beginning.

    Its memory must stay as it is until it is done. `Files.begin_read` and `Files.begin_write`
    return one, at once done for files that are not striped.
    """

    __slots__ = ("_count", "_error")

    def __init__(self, count: int = 0) -> None:
        self._count = count
        self._error: OSError | None = None

    @property
    def done(self) -> bool:
        """Whether it is complete, or has failed; a look takes a little time, so polling gets on."""
        return True

    def wait(self) -> int:
        """Block until it is done, and return how many bytes have been moved; other fibers go on.

        Reading, these are those before the end of the file. To wait again is no error.

        Raises:
            OSError: EIO, an I/O node is gone; ENOSPC, EDQUOT, EACCES...
        """
        if self._error is not None:
            raise self._error
        return self._count

    def cancel(self) -> None:
        """Let go of its memory, which may be used for something else from now on.

        What was to be written may be written all the same. To wait for it fails with ECANCELED;
        nothing happens if it is done.
        """


class StripedTransfer(Transfer, ABC):
    """A transfer of a striped file.

    Args:
        file: which it reads or writes.
        runs: what of it, and where in the memory that goes to or comes from.
        memory: format ``B``.
    """

    __slots__ = ("_file", "_finished", "_memory", "_move", "_runs")

    def __init__(self, file: StripedFile, runs: Sequence[Run], memory: memoryview) -> None:
        super().__init__()
        self._file = file
        self._runs = runs
        self._memory = memory
        self._finished = False
        try:
            self._move = self._begin()
        except OSError:
            self._failed()
            raise
        file.pending[self] = None

    @abstractmethod
    def _begin(self) -> Move:
        """Begin to move the bytes."""

    @abstractmethod
    def _complete(self) -> int:
        """Return how many bytes count as moved, all servers having reported without an error."""

    @property
    def done(self) -> bool:
        """Whether it is complete, or has failed; a look takes a little time, so polling gets on."""
        if not self._finished:
            moves = self._file.moves
            moves.poll()
            if not self._finished and moves.look(self._move):
                self._finish()
        return self._finished

    def wait(self, *, alone: bool = False) -> int:
        """Block as `Transfer.wait` says; the whole process, as a system call does, if *alone*."""
        if not self._finished:
            self._file.moves.wait(self._move, alone=alone)
            # Another fiber may have waited for it too.
            if not self._finished:
                self._finish()
        return super().wait()

    def cancel(self) -> None:
        """Let go of its memory, as `Transfer.cancel` says."""
        if not self._finished:
            self._file.moves.give_up(self._move)
            self._failed()
            self._end(0, OSError(errno.ECANCELED, os.strerror(errno.ECANCELED)))

    def _finish(self) -> None:
        """Take note of how it went, and ask the metadata server or tell it if need be."""
        error = self._move.error
        try:
            if error:
                raise OSError(error, os.strerror(error))
            self._end(self._complete())
        except OSError as failure:
            self._failed()
            self._end(0, failure)

    def _failed(self) -> None:
        """Take note that not all bytes have been moved, as far as is known; never blocks."""

    def _end(self, count: int, error: OSError | None = None) -> None:
        self._finished = True
        self._count, self._error = count, error
        self._memory = memoryview(b"")
        self._file.pending.pop(self, None)


class Reading(StripedTransfer):
    """A read of a striped file. What it has no bytes of on any I/O node reads as zeros.

    Attributes:
        expected: how many bytes there were to read when it was begun, up to the end of the file.
    """

    __slots__ = ("expected",)

    def _begin(self) -> Move:
        """Ask for what is before the end of the file."""
        file = self._file
        size = file.reaches(max((offset + length for offset, length, _ in self._runs), default=0))
        self._runs, self.expected = _before(self._runs, size)
        return file.begin(self._runs, self._memory, writing=False)

    def _complete(self) -> int:
        if self._move.count == _total(self._runs):
            return self.expected
        # There is a hole, or somebody has cut the file in between.
        runs, count = _before(self._runs, self._file.refresh())
        _fill(self._file.layout, self._move.ends, runs, self._memory)
        return count


class Writing(StripedTransfer):
    """A write of a striped file.

    Args:
        reserved: whether the file has been made as long as it will be.
    """

    __slots__ = ("_reserved",)

    def __init__(
        self, file: StripedFile, runs: Sequence[Run], memory: memoryview, reserved: bool = False
    ) -> None:
        self._reserved = reserved
        super().__init__(file, runs, memory)

    def _begin(self) -> Move:
        return self._file.begin(self._runs, self._memory, writing=True)

    def _complete(self) -> int:
        total = _total(self._runs)
        if self._move.count < total:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        known = self.end <= self._file.size
        if total and not self._reserved and (self._move.grown or not known):
            # The size that is known may be that from before somebody has cut the file: but then
            # what is left of it on the I/O nodes has grown.
            self._file.extend(self.end)
        return total

    def _failed(self) -> None:
        begin = min((offset for offset, _, _ in self._runs), default=0)
        self._file.unwritten(*(begin, self.end) if self._reserved else (0, 0))

    @property
    def end(self) -> int:
        """How far the file will reach at least."""
        return max((offset + length for offset, length, _ in self._runs), default=0)


def _total(runs: Sequence[Run]) -> int:
    return sum(length for _, length, _ in runs)


def _before(runs: Sequence[Run], size: int) -> tuple[list[Run], int]:
    """Return what of *runs* is before the end of a file, and the bytes up to the first gap there.

    A run that reaches past the end is cut, and those after it do not count.
    """
    found, count, whole = [], 0, True
    for offset, length, place in runs:
        left = min(length, max(0, size - offset))
        if left:
            found.append((offset, left, place))
        if whole:
            count += left
            whole = left == length
    return found, count


def _fill(layout: Layout, ends: Sequence[int], runs: Sequence[Run], memory: memoryview) -> None:
    """Put zeros where I/O nodes had nothing, as how far the file *ends* on each of them tells."""
    reach = dict.fromkeys(range(layout.factor), 0)
    for end in ends:
        if end:
            place = (end - 1) // layout.unit % layout.factor
            reach[place] = max(reach[place], layout.part_length(place, end))
    for offset, length, at in runs:
        for place in layout.holders(offset, length):
            for local, begin, count in layout.parts(place, offset, length):
                there = min(max(reach[place] - local, 0), count)
                start, stop = at + begin - offset + there, at + begin - offset + count
                if start < stop:
                    memory[start:stop] = bytes(stop - start)
