"""The volume that people's files are on: what they hold is in files of the host."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from os import PathLike

from vmpp.service.filesystem.inode import Inode
from vmpp.service.filesystem.inodes import InodeVolume
from vmpp.service.filesystem.store import Store
from vmpp.service.filesystem.stored_file import WRITING, StoredFile
from vmpp.service.identity import Credentials


class StoredVolume(InodeVolume):
    """Files with owners, modes and quotas, in a `Store`."""

    device = 1
    _store: Store

    def __init__(
        self, folder: str | PathLike[str] | None, clock: Callable[[], int], root_mode: int = 0o755
    ) -> None:
        """Open the volume that is kept in *folder*; None: one that is not kept.

        Raises as `Store`.
        """
        super().__init__(Store(folder), clock, root_mode)

    def _made(self, ino: int, mode: int, directory: Inode) -> None:
        if stat.S_ISREG(mode):
            self._store.create(ino)

    def _discarding(self, inode: Inode) -> Callable[[], object]:
        return lambda: self._store.discard(inode.ino)

    def _room(self) -> tuple[int, int, int]:
        return self._store.room()

    def open(self, node: Inode, flags: int, who: Credentials) -> StoredFile:
        """Open a file."""
        host_flags = flags & (WRITING | os.O_APPEND)
        file = StoredFile(self, node, self._store.open(node.ino, host_flags), flags, who.is_root)
        self.opened(node)
        return file

    def truncate(self, node: Inode, size: int, who: Credentials) -> None:
        """Cut or extend a file to *size* bytes."""
        file = self.open(node, os.O_WRONLY, who)
        try:
            file.truncate(size)
        finally:
            file.close()
