"""Open directories of a tree."""

from __future__ import annotations

import errno
from typing import Any

from vmpp.service.filesystem.open_file import OpenFile
from vmpp.service.filesystem.rights import fail
from vmpp.service.filesystem.volume import Node


class Directory(OpenFile):
    """An open directory of a tree; its `directory` is its node."""

    __slots__ = ()

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self.node = node

    def read(self, size: int) -> bytes:
        """Refuse: a directory is listed."""
        del size
        fail(errno.EISDIR)

    def pread(self, size: int, offset: int) -> bytes:
        """Refuse: a directory is listed."""
        del size
        fail(errno.EINVAL if offset < 0 else errno.EISDIR)

    def write(self, data: Any) -> int:
        """Refuse: a directory is never open for writing."""
        del data
        fail(errno.EBADF)

    def pwrite(self, data: Any, offset: int) -> int:
        """Refuse: a directory is never open for writing."""
        del data
        fail(errno.EINVAL if offset < 0 else errno.EBADF)

    def lseek(self, offset: int, whence: int) -> int:
        """Return 0: listing does not depend on a position."""
        del offset, whence
        return 0

    def fsync(self) -> None:
        """Do nothing: names are where they are kept as soon as they are made."""
