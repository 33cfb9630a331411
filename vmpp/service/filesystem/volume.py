"""Volumes: the parts that a file tree is mounted together from, each with files of its own kind.

The tree resolves paths and decides who may do what; a volume only knows names and contents. It is
given one component of a path at a time and never a path, so that nothing in a path means anything
to the host.
"""

from __future__ import annotations

import errno
import os
import stat
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Final, NamedTuple, NoReturn

from vmpp.process import calls
from vmpp.service.filesystem.open_file import OpenFile, Room
from vmpp.service.identity import Credentials

BLOCK: Final = 4096
"""The unit in which volumes tell of their room, in bytes."""


class Striping(NamedTuple):
    """How files of a directory are to be striped over I/O nodes that are made in it.

    Attributes:
        unit: bytes of a stripe unit; 0: as the machine has it.
        factor: over how many I/O nodes; 0: as the machine has it.
        first: which has the first unit; -1: each in turn.
    """

    unit: int = 0
    factor: int = 0
    first: int = -1


class Status(NamedTuple):
    """What is known of a file. Times are nanoseconds of virtual time since 1970."""

    mode: int
    ino: int
    device: int
    links: int
    uid: int
    gid: int
    size: int
    atime: int
    mtime: int
    ctime: int
    rdev: int = 0


class Entry(NamedTuple):
    """A name in a directory, and the type of what it names, as in ``st_mode``; 0 if unusual."""

    name: bytes
    kind: int


class Node(ABC):
    """A file, a directory or a symbolic link of a volume: what a path leads to."""

    __slots__ = ("volume",)

    volume: Volume

    @property
    @abstractmethod
    def key(self) -> Any:
        """What tells this node from others of the same volume."""

    def same(self, other: Node | None) -> bool:
        """Return whether *other* stands for the same file."""
        return other is not None and self.volume is other.volume and self.key == other.key


class Volume(ABC):
    """One part of a file tree. What a volume cannot do, this class refuses with EROFS.

    All of its methods raise `OSError`. Names are single components, neither empty nor ``.`` nor
    ``..``. The tree has checked the permissions of whoever asks before it calls.

    Attributes:
        device: its number, ``st_dev`` of its files.
        root: its topmost directory.
        read_only: whether nothing in it ever changes.
    """

    device: int
    root: Node
    read_only: ClassVar[bool] = True

    # -- looking -----------------------------------------------------------------------------------

    @abstractmethod
    def lookup(self, directory: Any, name: bytes) -> Node:
        """Return what *name* in a *directory* stands for. Raises OSError(ENOENT)."""

    @abstractmethod
    def parent(self, directory: Any) -> Node:
        """Return the directory above one that is not the root."""

    @abstractmethod
    def name(self, directory: Any) -> bytes:
        """Return the name that a directory, not the root, has in its parent."""

    @abstractmethod
    def status(self, node: Any) -> Status:
        """Return what is known of *node*."""

    def permits(self, node: Any, who: Credentials, wanted: int) -> bool | None:
        """Return whether *who* may use *node* so; None if its mode decides."""
        del node, who, wanted
        return None

    def readlink(self, node: Any) -> bytes:
        """Return what a symbolic link says; there are none unless a volume says otherwise."""
        del node
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    @abstractmethod
    def entries(self, directory: Any, after: bytes, most: int) -> list[Entry]:
        """Return up to *most* entries whose names come after *after*, in the order of names."""

    @abstractmethod
    def open(self, node: Any, flags: int, who: Credentials) -> OpenFile:
        """Open a file, not a directory; of *flags* only the access mode and O_APPEND count."""

    def open_empty(self, node: Any, flags: int, who: Credentials) -> OpenFile:
        """Open a file and empty it, or have that as what is pending."""
        self.truncate(node, 0, who)
        return self.open(node, flags, who)

    def contents(self, node: Any, who: Credentials) -> bytes:
        """Return all that a file holds, of one that need not be waited for."""
        file = self.open(node, os.O_RDONLY, who)
        try:
            return b"".join(iter(lambda: file.read(1 << 20), b""))
        finally:
            file.close()

    def striping(self, node: Any) -> calls.Striped:
        """Return how a file is striped, or files are that are made in a directory; none is here."""
        del node
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    @abstractmethod
    def room(self, who: Credentials) -> Room:
        """Return how much room there is for *who*."""

    # -- changing ----------------------------------------------------------------------------------

    def create(self, directory: Any, name: bytes, mode: int, who: Credentials) -> Node:
        """Make an empty file; raises OSError(EEXIST) if the name is there."""
        _refuse(directory, name, mode, who)

    def mkdir(self, directory: Any, name: bytes, mode: int, who: Credentials) -> None:
        """Make a directory."""
        _refuse(directory, name, mode, who)

    def symlink(self, directory: Any, name: bytes, target: bytes, who: Credentials) -> None:
        """Make a symbolic link."""
        _refuse(directory, name, target, who)

    def link(self, node: Any, directory: Any, name: bytes) -> None:
        """Give a file of this volume one more name."""
        _refuse(node, directory, name)

    def unlink(self, directory: Any, name: bytes) -> None:
        """Remove a name of what is no directory."""
        _refuse(directory, name)

    def rmdir(self, directory: Any, name: bytes) -> None:
        """Remove an empty directory."""
        _refuse(directory, name)

    def rename(self, directory: Any, name: bytes, to: Any, to_name: bytes) -> None:
        """Give a file another name in this volume, in place of what had it."""
        _refuse(directory, name, to, to_name)

    def truncate(self, node: Any, size: int, who: Credentials) -> Any:
        """Cut or extend a file to *size* bytes; return None, or the `Work` that it takes."""
        _refuse(node, size, who)

    def set_striping(self, node: Any, wanted: Striping) -> None:
        """Set how an empty file is striped, or files are that are made in a directory."""
        self.striping(node)
        _refuse(node, wanted)

    def chmod(self, node: Any, mode: int) -> None:
        """Change the permissions of a file."""
        _refuse(node, mode)

    def chown(self, node: Any, uid: int, gid: int) -> None:
        """Change owner and group; -1 leaves either."""
        _refuse(node, uid, gid)

    def utime(self, node: Any, atime: int, mtime: int) -> None:
        """Set the times of access and modification."""
        _refuse(node, atime, mtime)


def _refuse(*_: object) -> NoReturn:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def is_directory(status: Status) -> bool:
    """Return whether this is a directory."""
    return stat.S_ISDIR(status.mode)
