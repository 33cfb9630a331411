"""The file itself: runs of it read and written by system calls."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any, Final

from vmpp.process import calls
from vmpp_mpi._files._copy import gather
from vmpp_mpi._files._hints import DISABLE, ENABLE

if TYPE_CHECKING:
    from vmpp.process.files import Files
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
        written: whether anything has been written since this was last set to False.
    """

    __slots__ = ("_fd", "_files", "_handle", "written")

    def __init__(self, files: Files, fd: int) -> None:
        self._files = files
        self._fd = fd
        self._handle = files.handle(fd)
        self.written = False

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
        return runs.end - runs.begin <= runs.nbytes + _RUN * len(runs)

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
        self._files.call(calls.Ftruncate(self._handle, size))

    def sync(self) -> None:
        """Have the host write the file to its disk; a device has none."""
        if stat.S_ISREG(self._files.lookup(self._fd).mode):
            self._files.call(calls.Fsync(self._handle))

    def close(self) -> None:
        """Close the file for this process."""
        self._files.close(self._fd)
