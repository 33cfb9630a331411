"""The file itself: runs of it read and written by system calls."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any, Final

from vmpp.process import calls
from vmpp.process.striped import StripedFile
from vmpp.process.striping import RUN
from vmpp.process.transfers import Transfer
from vmpp_mpi._files._copy import gather
from vmpp_mpi._files._hints import DISABLE, ENABLE

if TYPE_CHECKING:
    from vmpp.process.files import Files
    from vmpp.process.striping import Layout
    from vmpp_mpi._files._hints import Hints
    from vmpp_mpi._files._runs import Runs

_RUN: Final = 16
"""Bytes that one stretch takes in a request, besides its data."""

_MOST_RUNS: Final = calls.MOST // _RUN
"""How many stretches go into one request: with them it is no longer than by its data."""


class Store:
    """An open file: what it has is read into memory, or written from it.

    Every method raises `OSError` as a system call does.

    Attributes:
        layout: where its bytes are, if it is striped over I/O nodes; None otherwise.
        written: whether anything has been written since this was last set to False.
    """

    __slots__ = ("_fd", "_files", "_handle", "layout", "written")

    _run_bytes = _RUN

    def __init__(self, files: Files, fd: int) -> None:
        self._files = files
        self._fd = fd
        self._handle = files.handle(fd)
        self.layout: Layout | None = None
        self.written = False

    @staticmethod
    def of(files: Files, fd: int) -> Store:
        """Return the file that a descriptor stands for, striped or not."""
        return (StripedStore if isinstance(files.lookup(fd), StripedFile) else Store)(files, fd)

    def read(self, runs: Runs, into: memoryview, hints: Hints, ascending: bool) -> int:
        """Read *runs* into memory, one after the other; return how many bytes there were.

        Args:
            runs: what to read.
            into: format ``B``, as long as they.
            hints: whether to read what lies between stretches too.
            ascending: whether the runs ascend.
        """
        if len(runs) > 1 and ascending and self._sieves(runs, hints):
            return self._sieve(runs, into, hints.ind_rd_buffer_size)
        return self._read_runs(runs, into)

    def _read_runs(self, runs: Runs, into: memoryview) -> int:
        for begin, batch in runs.batches(calls.MOST, _MOST_RUNS):
            data = self._files.call(self._reading(batch)).data
            into[begin : begin + len(data)] = data
            if len(data) < batch.nbytes:
                return begin + len(data)
        return runs.nbytes

    def _reading(self, runs: Runs) -> Any:
        if len(runs) == 1:
            return calls.Pread(self._handle, runs.nbytes, runs.begin)
        return calls.Readx(self._handle, runs.packed())

    def _sieves(self, runs: Runs, hints: Hints) -> bool:
        if hints.romio_ds_read in (ENABLE, DISABLE):
            return hints.romio_ds_read == ENABLE
        return runs.end - runs.begin <= runs.nbytes + self._run_bytes * len(runs)

    def _sieve(self, runs: Runs, into: memoryview, size: int) -> int:
        """Read all from the first stretch to the last, in pieces, and pick out what is wanted.

        This is data sieving (Thakur, Gropp, Lusk: Data Sieving and Collective I/O in ROMIO, 1999).
        """
        for begin in range(runs.begin, runs.end, size):
            first, wanted = runs.between(begin, begin + size)
            if not len(wanted):
                continue
            data = self._read_on(wanted.begin, wanted.end)
            _, there = wanted.between(wanted.begin, wanted.begin + len(data))
            picked = gather(data, there.offsets - wanted.begin, there.lengths)
            into[first : first + len(picked)] = picked
            if len(picked) < wanted.nbytes:
                return first + len(picked)
        return runs.nbytes

    def _read_on(self, begin: int, end: int) -> bytes | bytearray:
        found = bytearray()
        while begin + len(found) < end:
            ask = min(end - begin - len(found), calls.MOST)
            data = self._files.call(calls.Pread(self._handle, ask, begin + len(found))).data
            if ask == end - begin:
                return data
            found += data
            if len(data) < ask:
                break
        return found

    def write(self, runs: Runs, data: memoryview) -> None:
        """Write *data*, which are as long, to *runs*."""
        self.written = True
        for begin, batch in runs.batches(calls.MOST, _MOST_RUNS):
            part: Any = data[begin : begin + batch.nbytes]
            request: Any = calls.Writex(self._handle, batch.packed(), part)
            if len(batch) == 1:
                request = calls.Pwrite(self._handle, part, batch.begin)
            if self._files.call(request).count < batch.nbytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def begin_read(self, runs: Runs, into: memoryview, hints: Hints, ascending: bool) -> Transfer:
        """Begin what `read` does; that is at its end by then, if the file is not striped."""
        return Transfer(self.read(runs, into, hints, ascending))

    def begin_write(self, runs: Runs, data: memoryview) -> Transfer:
        """Begin what `write` does; that is at its end by then, if the file is not striped."""
        self.write(runs, data)
        return Transfer(runs.nbytes)

    def lock(self) -> None:
        """Wait until nobody else who shares the file holds its lock, and take it."""
        self._files.lock(self._fd)

    def unlock(self) -> None:
        """Give the lock back."""
        self._files.unlock(self._fd)

    def move_pointer(self, count: int) -> int:
        """Move the shared pointer and return where it was."""
        return self._files.move_pointer(self._fd, count)

    def set_pointer(self, position: int) -> None:
        """Set the shared pointer."""
        self._files.set_pointer(self._fd, position)

    def size(self) -> int:
        """Return the size of the file in bytes."""
        return self._files.call(calls.Fstat(self._handle)).size

    def truncate(self, size: int) -> None:
        """Cut or extend the file to *size* bytes."""
        self.written = True
        self._files.truncate(self._fd, size)

    def sync(self) -> None:
        """Have the host write the file to its disk; a device has none."""
        if stat.S_ISREG(self._files.lookup(self._fd).mode):
            self._files.sync(self._fd)

    def close(self) -> None:
        """Close the file for this process."""
        self._files.close(self._fd)


class StripedStore(Store):
    """An open file whose bytes go straight between memory and the I/O nodes that have them.

    Many stretches are one request to each of these.
    """

    __slots__ = ()

    _run_bytes = RUN.size

    def __init__(self, files: Files, fd: int) -> None:
        super().__init__(files, fd)
        file: Any = files.lookup(fd)
        self.layout = file.layout

    def _read_runs(self, runs: Runs, into: memoryview) -> int:
        return self._files.read_runs(self._fd, _placed(runs), into)

    def _read_on(self, begin: int, end: int) -> bytes:
        return self._files.pread(self._fd, end - begin, begin)

    def write(self, runs: Runs, data: memoryview) -> None:
        """Write *data*, which are as long, to *runs*."""
        self.written = True
        self._files.write_runs(self._fd, _placed(runs), data)

    def begin_read(self, runs: Runs, into: memoryview, hints: Hints, ascending: bool) -> Transfer:
        """Begin what `read` does, unless that picks what is wanted out of more."""
        if len(runs) > 1 and ascending and self._sieves(runs, hints):
            return super().begin_read(runs, into, hints, ascending)
        return self._files.begin_read_runs(self._fd, _placed(runs), into)

    def begin_write(self, runs: Runs, data: memoryview) -> Transfer:
        """Begin what `write` does."""
        self.written = True
        return self._files.begin_write_runs(self._fd, _placed(runs), data)


def _placed(runs: Runs) -> list[tuple[int, int, int]]:
    """Return stretches with where their data are, which follow one another."""
    places = runs.ends - runs.lengths
    columns = runs.offsets.tolist(), runs.lengths.tolist(), places.tolist()
    return list(zip(*columns, strict=True))
