"""Open files: what a process's handles stand for, whatever kind of file is behind them."""

from __future__ import annotations

import errno
import os
import select
from typing import Any, NamedTuple, NoReturn

import trio

from vmpp.service.sharing import Sharing


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

    All methods raise `OSError`.

    Attributes:
        directory: what relative paths are looked for in; None if this is no directory.
        node: what a tree knows it by.
        patient: whether reading and writing may have to wait for somebody else.
        sharing: what those have in common who share it; None if it is not shared.
    """

    __slots__ = ("directory", "node", "patient", "sharing")

    def __init__(self, directory: Any = None, patient: bool = False) -> None:
        self.directory = directory
        self.node: Any = None
        self.patient = patient
        self.sharing: Sharing | None = None

    @property
    def seekable(self) -> bool:
        """Whether the file has positions."""
        return True

    @property
    def terminal(self) -> bool:
        """Whether it is a terminal."""
        return False

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

    def lseek(self, offset: int, whence: int) -> int:
        """Move the position and return the new one."""
        _refuse(offset, whence)

    def truncate(self, size: int) -> None:
        """Cut or extend the file to *size* bytes."""
        _refuse(size)

    def fsync(self) -> None:
        """Have the host write it to its disk."""
        _refuse()

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
