"""Inodes: what the store knows of files, in memory while anybody needs them."""

from __future__ import annotations

import stat
from typing import Any

from vmpp.service.filesystem.volume import Node, Volume


class Inode(Node):
    """A file, directory or symbolic link in the store; there is one object for each.

    Attributes:
        ino: its number.
        mode, uid, gid, links, size, atime, mtime, ctime: as in `Status`.
        target: what it says, if it is a symbolic link.
        parent: number of the directory above, if it is a directory.
        opened: how many open files stand for it.
        unsaved: whether the store has to be told of its size and times.
    """

    __slots__ = (
        "__weakref__", "atime", "ctime", "gid", "ino", "links", "mode", "mtime", "opened",
        "parent", "size", "target", "uid", "unsaved",
    )  # fmt: skip

    def __init__(self, volume: Volume, ino: int, columns: tuple[Any, ...]) -> None:
        self.volume = volume
        self.ino = ino
        self.opened = 0
        self.unsaved = False
        self._fill(columns)

    def _fill(self, columns: tuple[Any, ...]) -> None:
        (
            self.mode, self.uid, self.gid, self.links, self.size, self.atime, self.mtime,
            self.ctime, self.target, self.parent,
        ) = columns  # fmt: skip

    def reload(self, columns: tuple[Any, ...] | None) -> None:
        """Take what the store has, but for what it has yet to be told."""
        if columns is not None:
            unsaved = (self.size, self.mtime) if self.unsaved else None
            self._fill(columns)
            if unsaved is not None:
                self.size, self.mtime = unsaved

    @property
    def key(self) -> int:
        """The inode number."""
        return self.ino

    @property
    def columns(self) -> tuple[Any, ...]:
        """What the store keeps of it."""
        return (
            self.mode, self.uid, self.gid, self.links, self.size, self.atime, self.mtime,
            self.ctime, self.target, self.parent,
        )  # fmt: skip

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.mode)
