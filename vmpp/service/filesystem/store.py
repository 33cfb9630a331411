"""Where a file tree is kept: inodes and names in SQLite, contents in a folder of the host.

The host's file system sees inode numbers and nothing else: contents are files called by the number
of their inode, opened in the descriptor of their folder. So no name that somebody on the machine
chooses is ever a name on the host.

A host process that is killed leaves the contents themselves: the next opening finds the size of
what was open there, and removes what nobody has a name for any more.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from os import PathLike
from pathlib import Path
from typing import Final

from vmpp.service.database import MEMORY
from vmpp.service.filesystem.inode_store import InodeStore

DATABASE: Final = "inodes.sqlite"
_CONTENTS: Final = "contents"


class Store(InodeStore):
    """The database and the folder of contents of one file tree."""

    __slots__ = ("_contents", "_temporary")

    def __init__(self, folder: str | PathLike[str] | None = None) -> None:
        """Open what is in *folder*, which is made if it is not there; None: keep nothing.

        Raises:
            DatabaseError: it is not the store of a file tree.
            OSError: the folder cannot be used.
        """
        self._temporary = None if folder is not None else tempfile.mkdtemp(prefix="vmpp-files-")
        place = Path(folder if folder is not None else str(self._temporary))
        (place / _CONTENTS).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._contents = os.open(place / _CONTENTS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        super().__init__(MEMORY if folder is None else str(place / DATABASE))

    def close(self) -> None:
        """Note that everything is in order, and close it. A store of nothing is removed."""
        super().close()
        os.close(self._contents)
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def create(self, ino: int) -> None:
        """Make the empty contents of a new inode."""
        os.close(self.open(ino, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))

    def open(self, ino: int, flags: int) -> int:
        """Return the host's descriptor of an inode's contents."""
        return os.open(str(ino), flags | os.O_CLOEXEC, 0o600, dir_fd=self._contents)

    def discard(self, ino: int) -> None:
        """Remove the contents of an inode that is no more."""
        os.unlink(str(ino), dir_fd=self._contents)

    def room(self) -> tuple[int, int, int]:
        """Return what the host's disk has room for."""
        host = os.fstatvfs(self._contents)
        blocks = (host.f_blocks, host.f_bfree, host.f_bavail)
        size, free, available = (count * host.f_frsize for count in blocks)
        return size, free, available

    def _recover(self) -> None:
        sizes = self._sizes()
        with self.transaction():
            known = self._living()
            for ino, size in known.items():
                if sizes.get(ino, 0) != size:
                    self._resize(ino, sizes.get(ino, 0))
        for ino in known.keys() - sizes.keys():
            self.create(ino)
        for ino in sizes.keys() - known.keys():
            self.discard(ino)

    def _sizes(self) -> dict[int, int]:
        with os.scandir(self._contents) as scan:
            return {
                int(entry.name): entry.stat(follow_symlinks=False).st_size
                for entry in scan
                if entry.name.isdecimal()
            }
