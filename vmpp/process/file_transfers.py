"""Reads and writes of many stretches of a file at once, and in the background.

A process's libraries use these, as for asynchronous calls and parallel files of theirs. They do
with any file that has positions. On a striped one each is a single request to the I/O nodes that
are concerned, and goes on whatever the process does; on another, and at a position that processes
share, it has been done when it has begun.

What fails to begin raises `OSError` at once, what fails later does where it is waited for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vmpp.process.striped import StripedFile
from vmpp.process.transfers import Transfer

if TYPE_CHECKING:
    from vmpp.process.moves import Run
    from vmpp.process.open_files import OpenFile


class FileTransfers(ABC):
    """What a process's descriptors can do besides what ``os`` has."""

    __slots__ = ()

    @abstractmethod
    def lookup(self, fd: int) -> OpenFile:
        """Return the open file that *fd* stands for."""

    @abstractmethod
    def readinto(self, fd: int, memory: memoryview) -> int:
        """Read into *memory* at the position; return how many bytes."""

    @abstractmethod
    def write(self, fd: int, data: Any) -> int:
        """Write the bytes-like *data* at the position; return how many bytes."""

    @abstractmethod
    def pread(self, fd: int, size: int, offset: int) -> bytes:
        """Read up to *size* bytes at *offset*."""

    @abstractmethod
    def pwrite(self, fd: int, data: Any, offset: int) -> int:
        """Write the bytes-like *data* at *offset*; return how many bytes."""

    def read_runs(self, fd: int, runs: Sequence[Run], into: Any) -> int:
        """Read stretches of a file into memory; the position stays.

        Args:
            fd: of a file that has positions.
            runs: each an offset in the file, a length, and an offset in *into*, in bytes.
            into: a contiguous buffer that can be written to.

        Returns:
            How many bytes there were, up to the first stretch that reaches past the end.
        """
        return _completed(self.begin_read_runs(fd, runs, into))

    def write_runs(self, fd: int, runs: Sequence[Run], data: Any) -> int:
        """Write stretches of a file from memory, as `read_runs`; return how many bytes."""
        return _completed(self.begin_write_runs(fd, runs, data))

    def begin_read_runs(self, fd: int, runs: Sequence[Run], into: Any) -> Transfer:
        """Begin what `read_runs` does; *into* is the transfer's until that is done."""
        file, memory = self.lookup(fd), flat(into)
        if isinstance(file, StripedFile):
            return file.begin_read(runs, memory)
        return Transfer(self._read_runs(fd, runs, memory))

    def begin_write_runs(self, fd: int, runs: Sequence[Run], data: Any) -> Transfer:
        """Begin what `write_runs` does; *data* must stay as it is until that is done."""
        file, memory = self.lookup(fd), flat(data)
        if isinstance(file, StripedFile):
            return file.begin_write(runs, memory)
        written = [self.pwrite(fd, memory[at : at + size], to) for to, size, at in runs]
        return Transfer(sum(written))

    def _read_runs(self, fd: int, runs: Sequence[Run], memory: memoryview) -> int:
        count = 0
        for offset, length, place in runs:
            data = self.pread(fd, length, offset)
            memory[place : place + len(data)] = data
            count += len(data)
            if len(data) < length:
                break
        return count

    def begin_read(self, fd: int, into: Any, offset: int | None = None) -> Transfer:
        """Begin to read into memory, at *offset*, or at the position, which it moves at once.

        Args:
            fd: the descriptor.
            into: a contiguous buffer that can be written to; the transfer's until that is done.
            offset: in bytes.
        """
        file, memory = self.lookup(fd), flat(into)
        if offset is not None:
            return self.begin_read_runs(fd, [(offset, len(memory), 0)], memory)
        if isinstance(file, StripedFile) and file.position is not None:
            return file.begin_read_on(memory)
        return Transfer(self.readinto(fd, memory))

    def begin_write(self, fd: int, data: Any, offset: int | None = None) -> Transfer:
        """Begin to write *data*, at *offset*, or at the position, which it moves; see `begin_read`.

        What is appended has its place in the file when this returns.
        """
        file, memory = self.lookup(fd), flat(data)
        if offset is not None:
            return self.begin_write_runs(fd, [(offset, len(memory), 0)], memory)
        if isinstance(file, StripedFile) and file.position is not None:
            return file.begin_write_on(memory)
        return Transfer(self.write(fd, memory))


def flat(data: Any) -> memoryview:
    """Return the memory of a buffer as bytes. Raises TypeError, it has none in one piece."""
    view = memoryview(data)
    return view.cast("B") if view.nbytes else memoryview(bytearray())


def _completed(transfer: Transfer) -> int:
    """Wait for a transfer and return how many bytes it has moved; let go of it, come what may."""
    try:
        return transfer.wait()
    except BaseException:
        transfer.cancel()
        raise
