"""Open files: what a process's handles stand for, whatever kind of file is behind them."""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import trio

from vmpp.process import calls
from vmpp.service.sharing import Sharing
from vmpp.service.stdio import BLOCK


class Room(NamedTuple):
    """How much room a file system has, as ``statvfs`` tells it.

    Attributes:
        block: the unit of the next three, bytes.
        blocks, free, available: in all, free, and free for who asks.
        files, files_free: inodes in all and free.
        read_only: whether nothing can be written.
        number: of the file system.
    """

    block: int
    blocks: int
    free: int
    available: int
    files: int
    files_free: int
    read_only: bool = False
    number: int = 0


class OpenFile:
    """An open file. What a kind of file cannot do, this class refuses with EINVAL.

    All methods raise `OSError`. Those of files whose bytes are elsewhere on the machine return
    `Work`, in the place of what it comes to.

    Attributes:
        directory: what relative paths are looked for in; None if this is no directory.
        node: what a tree knows it by.
        patient: whether reading and writing may have to wait for somebody else.
        pending: what has to be done before the process may have it; None: nothing.
        sharing: what those have in common who share it; None if it is not shared.
    """

    __slots__ = ("directory", "node", "patient", "pending", "sharing")

    def __init__(self, directory: Any = None, patient: bool = False) -> None:
        self.directory = directory
        self.node: Any = None
        self.patient = patient
        self.pending: Any = None
        self.sharing: Sharing | None = None

    @property
    def seekable(self) -> bool:
        """Whether the file has positions."""
        return True

    @property
    def terminal(self) -> bool:
        """Whether it is a terminal."""
        return False

    def told(self, handle: int, mode: int, job: int) -> calls.Opened:
        """Return what a process of *job* is told that has it open as *handle*."""
        del job
        return calls.Opened(handle, mode, BLOCK, self.seekable, self.terminal)

    def read(self, size: int) -> bytes:
        """Read up to *size* bytes at the position."""
        _refuse(size)

    def write(self, data: Any) -> int:
        """Write at the position, or at the end; return how many bytes."""
        _refuse(data)

    def pread(self, size: int, offset: int) -> bytes:
        """Read up to *size* bytes at *offset*."""
        _refuse(size, offset)

    def pwrite(self, data: Any, offset: int) -> int:
        """Write at *offset*; return how many bytes."""
        _refuse(data, offset)

    def readx(self, runs: Sequence[tuple[int, int]]) -> bytes:
        """Read stretches, of offset and length, up to the first that reaches past the end."""
        parts: list[bytes] = []
        for offset, length in runs:
            parts.append(self.pread(length, offset))
            if len(parts[-1]) < length:
                break
        return b"".join(parts)

    def writex(self, runs: Sequence[tuple[int, int]], data: Any) -> int:
        """Write *data* to stretches, of offset and length; return how many bytes."""
        view, done = memoryview(data), 0
        for offset, length in runs:
            written = self.pwrite(view[done : done + length], offset)
            done += written
            if written < length:
                break
        return done

    def lseek(self, offset: int, whence: int) -> int:
        """Move the position and return the new one."""
        _refuse(offset, whence)

    def truncate(self, size: int) -> Any:
        """Cut or extend the file to *size* bytes."""
        _refuse(size)

    def fsync(self) -> Any:
        """Have the host write it to its disk."""
        _refuse()

    def extend(self, end: int) -> int:
        """Note that a program has written a striped file up to *end*; return its size."""
        _refuse(end)

    def append(self, count: int) -> int:
        """Make a striped file *count* bytes longer, and return where they begin."""
        _refuse(count)

    def unwritten(self, begin: int, end: int) -> None:
        """Take back what a striped file was made longer for a write that has failed."""
        _refuse(begin, end)

    def abandon(self) -> None:
        """Take note that a process that has it open has ended without a word."""

    async def wait_until(self, event: int) -> None:
        """Wait until reading (POLLIN) or writing (POLLOUT) need not wait.

        Raises:
            trio.ClosedResourceError: the file was closed meanwhile.
        """
        del event

    def close(self) -> None:
        """Close it; requests that wait for it end."""


def _refuse(*_: object) -> NoReturn:
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


class HostFile(OpenFile):
    """An open file of the host.

    Attributes:
        fd: the host's descriptor.
        waiting: how many requests wait for it.
    """

    __slots__ = ("fd", "waiting")

    def __init__(self, fd: int, directory: Any = None, patient: bool = False) -> None:
        super().__init__(directory, patient)
        self.fd = fd
        self.waiting = 0

    @property
    def seekable(self) -> bool:
        """Whether the file has positions."""
        try:
            os.lseek(self.fd, 0, os.SEEK_CUR)
        except OSError:
            return False
        return True

    @property
    def terminal(self) -> bool:
        """Whether it is a terminal."""
        return self.patient and os.isatty(self.fd)

    def read(self, size: int) -> bytes:
        """Read up to *size* bytes at the position."""
        return os.read(self.fd, size)

    def write(self, data: Any) -> int:
        """Write at the position, or at the end; return how many bytes."""
        return os.write(self.fd, data)

    def pread(self, size: int, offset: int) -> bytes:
        """Read up to *size* bytes at *offset*."""
        return os.pread(self.fd, size, offset)

    def pwrite(self, data: Any, offset: int) -> int:
        """Write at *offset*; return how many bytes."""
        return os.pwrite(self.fd, data, offset)

    def lseek(self, offset: int, whence: int) -> int:
        """Move the position and return the new one."""
        return os.lseek(self.fd, offset, whence)

    def truncate(self, size: int) -> None:
        """Cut or extend the file to *size* bytes."""
        os.ftruncate(self.fd, size)

    def fsync(self) -> None:
        """Have the host write it to its disk."""
        os.fsync(self.fd)

    async def wait_until(self, event: int) -> None:
        """Wait until the host would not make a reader (POLLIN) or writer (POLLOUT) wait."""
        poll = select.poll()
        poll.register(self.fd, event)
        if poll.poll(0):
            return
        self.waiting += 1
        try:
            if event == select.POLLIN:
                await trio.lowlevel.wait_readable(self.fd)
            else:
                await trio.lowlevel.wait_writable(self.fd)
        finally:
            self.waiting -= 1

    def close(self) -> None:
        """Close the file; requests that wait for it end."""
        if self.waiting:
            trio.lowlevel.notify_closing(self.fd)
        os.close(self.fd)
