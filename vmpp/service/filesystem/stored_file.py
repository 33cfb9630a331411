"""Open files of the store."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, Final

from vmpp.service.filesystem.inode import Inode
from vmpp.service.filesystem.open_file import HostFile
from vmpp.service.filesystem.rights import fail

if TYPE_CHECKING:
    from vmpp.service.filesystem.inodes import InodeVolume

MOST_BYTES: Final = 1 << 60
"""The most bytes that a file can have, an exbibyte."""

WRITING: Final = os.O_WRONLY | os.O_RDWR
"""Flags that open a file for writing."""


class StoredFile(HostFile):
    """An open file of the store: what makes it grow is checked against the owner's quota."""

    __slots__ = ("_appends", "_unlimited", "_volume", "_writes")

    node: Inode

    def __init__(
        self, volume: InodeVolume, inode: Inode, fd: int, flags: int, unlimited: bool
    ) -> None:
        super().__init__(fd)
        self.node = inode
        self._volume = volume
        self._appends = bool(flags & os.O_APPEND)
        self._writes = bool(flags & WRITING)
        self._unlimited = unlimited

    @property
    def seekable(self) -> bool:
        """True: every file of the store has positions."""
        return True

    def write(self, data: Any) -> int:
        """Write at the position, or at the end; all of *data*, or nothing if the quota is short."""
        start = self.node.size if self._appends else os.lseek(self.fd, 0, os.SEEK_CUR)
        self._make_room(start, len(data))
        return self._written(start, os.write(self.fd, data))

    def pwrite(self, data: Any, offset: int) -> int:
        """Write at *offset*, or at the end if the file was opened to append, as on Linux."""
        start = self.node.size if self._appends else offset
        self._make_room(start, len(data))
        return self._written(start, os.pwrite(self.fd, data, offset))

    def _make_room(self, start: int, count: int) -> None:
        more = start + count - self.node.size
        if count and more > 0:
            self._grow(more)

    def _grow(self, more: int) -> None:
        if self.node.size + more > MOST_BYTES:
            fail(errno.EFBIG)
        if self._writes and not self._unlimited:
            self._volume.quotas.check(self.node.uid, more)

    def _written(self, start: int, count: int) -> int:
        if count:
            self._volume.resize(self.node, max(self.node.size, start + count))
        return count

    def truncate(self, size: int) -> None:
        """Cut or extend the file to *size* bytes."""
        if not self._writes or size < 0:
            fail(errno.EINVAL)
        if size > self.node.size:
            self._grow(size - self.node.size)
        os.ftruncate(self.fd, size)
        self._volume.resize(self.node, size)

    def fsync(self) -> None:
        """Have the host write it to its disk."""
        os.fsync(self.fd)
        self._volume.sync(self.node)

    def close(self) -> None:
        """Close it."""
        super().close()
        self._volume.closed(self.node)
