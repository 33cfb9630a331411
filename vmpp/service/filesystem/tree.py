"""A machine's file tree: what users may do with which paths, over volumes mounted together."""

from __future__ import annotations

import errno
import os
import stat
from typing import Any, Final

from vmpp.process import calls
from vmpp.service.filesystem.directory import Directory
from vmpp.service.filesystem.mounts import EPOCH_NS, SUPERUSER
from vmpp.service.filesystem.naming import Naming
from vmpp.service.filesystem.open_file import OpenFile, Room
from vmpp.service.filesystem.rights import READ, SEARCH, WRITE, changed_mode, fail, may_give, owns
from vmpp.service.filesystem.volume import Node, Striping
from vmpp.service.filesystem.walk import Found, walk
from vmpp.service.identity import Credentials

__all__ = ["EPOCH_NS", "SUPERUSER", "Tree"]

_LIMIT: Final = 1 << 63
_TEMPORARY: Final = getattr(os, "O_TMPFILE", 0) & ~os.O_DIRECTORY
_HANDLE_ONLY: Final = getattr(os, "O_PATH", 0)
_RIGHTS: Final = {os.O_RDONLY: READ, os.O_WRONLY: WRITE, os.O_RDWR: READ | WRITE}


class Tree(Naming):
    """The files of a machine.

    It has the operations of a Unix kernel, on behalf of somebody: all raise `OSError` as the system
    calls that they are named after. Paths are bytes; they start from the directory *at* unless they
    are absolute. A file that is open stays usable whatever becomes of its name or permissions.
    """

    # -- opening -----------------------------------------------------------------------------------

    def open(self, who: Credentials, at: Node, path: bytes, flags: int, mode: int = 0) -> OpenFile:
        """Open a file or directory with the flags of ``open(2)``.

        Args:
            mode: permissions of a file that it makes.
        """
        if flags & _TEMPORARY:
            fail(errno.EOPNOTSUPP)
        wanted = _RIGHTS.get(flags & os.O_ACCMODE)
        if wanted is None:
            fail(errno.EINVAL)
        exclusive = flags & os.O_CREAT and flags & os.O_EXCL
        follow = not (flags & os.O_NOFOLLOW or exclusive)
        found = walk(self, who, at, path, follow)
        if flags & os.O_CREAT and found.slashed:
            fail(errno.EISDIR)
        if found.node is None:
            return self._open_new(who, found, flags, mode)
        if exclusive:
            fail(errno.EEXIST)
        if flags & os.O_TRUNC:
            wanted |= WRITE
        return self._open_old(who, found.node, flags, wanted)

    def _open_new(self, who: Credentials, found: Found, flags: int, mode: int) -> OpenFile:
        if not flags & os.O_CREAT:
            fail(errno.ENOENT)
        self._need(found.directory, who, WRITE | SEARCH)
        node = found.directory.volume.create(found.directory, found.name, mode & 0o7777, who)
        return node.volume.open(node, flags, who)

    def _open_old(self, who: Credentials, node: Node, flags: int, wanted: int) -> OpenFile:
        kind = stat.S_IFMT(self.status(node).mode)
        if kind == stat.S_IFLNK:
            fail(errno.ENOTDIR if flags & os.O_DIRECTORY else errno.ELOOP)
        if kind == stat.S_IFDIR:
            if wanted & WRITE or flags & os.O_CREAT:
                fail(errno.EISDIR)
            if not flags & _HANDLE_ONLY:
                self._need(node, who, READ)
            return Directory(node)
        if flags & os.O_DIRECTORY:
            fail(errno.ENOTDIR)
        self._need(node, who, wanted)
        if flags & os.O_TRUNC and kind == stat.S_IFREG:
            return node.volume.open_empty(node, flags, who)
        return node.volume.open(node, flags, who)

    def read(self, who: Credentials, path: bytes) -> bytes:
        """Return all that a file, not one that would have to be waited for, holds."""
        node = self.find(who, self.root, path)
        if not stat.S_ISREG(self.status(node).mode):
            fail(errno.EISDIR if stat.S_ISDIR(self.status(node).mode) else errno.EINVAL)
        self._need(node, who, READ)
        return node.volume.contents(node, who)

    # -- stripes -----------------------------------------------------------------------------------

    def striping(self, who: Credentials, at: Node, path: bytes) -> calls.Striped:
        """Return how a file is striped, or files are that are made in a directory.

        Raises OSError(EINVAL) for what is on no I/O nodes.
        """
        node = self.find(who, at, path)
        return node.volume.striping(node)

    def set_striping(
        self, who: Credentials, at: Node, path: bytes, mode: int, wanted: Striping
    ) -> None:
        """Make an empty file that is striped in some way, or say how new files of a directory are.

        Args:
            mode: permissions of the file.
        """
        found = walk(self, who, at, path)
        node = found.node
        if node is None:
            self._make_striped(who, found, mode, wanted)
        elif stat.S_ISDIR(self.status(node).mode):
            node.volume.striping(node)
            self._need_owner(node, who)
            node.volume.set_striping(node, wanted)
        else:
            fail(errno.EEXIST)

    def _make_striped(self, who: Credentials, found: Found, mode: int, wanted: Striping) -> None:
        directory = found.directory
        volume = directory.volume
        self._need(directory, who, WRITE | SEARCH)
        volume.striping(directory)
        node = volume.create(directory, found.name, mode & 0o7777, who)
        try:
            volume.set_striping(node, wanted)
        except OSError:
            volume.unlink(directory, found.name)
            raise

    # -- attributes --------------------------------------------------------------------------------

    def access(self, who: Credentials, node: Node, wanted: int) -> bool:
        """Return whether *who* may use a file so; *wanted* 0 asks whether it is there."""
        if wanted & ~7:
            fail(errno.EINVAL)
        if wanted & WRITE and self._is_read_only(node):
            return False
        return self.permits(node, who, wanted)

    def truncate(self, who: Credentials, at: Node, path: bytes, size: int) -> Any:
        """Cut or extend a file to *size* bytes; return None, or the `Work` that it takes."""
        if size < 0:
            fail(errno.EINVAL)
        node = self.find(who, at, path)
        kind = stat.S_IFMT(self.status(node).mode)
        if kind != stat.S_IFREG:
            fail(errno.EISDIR if kind == stat.S_IFDIR else errno.EINVAL)
        self._need(node, who, WRITE)
        return node.volume.truncate(node, size, who)

    def chmod(self, who: Credentials, node: Node, mode: int) -> None:
        """Change the permissions of a file."""
        status = self.status(node)
        if stat.S_ISLNK(status.mode):
            fail(errno.EOPNOTSUPP)
        self._need_owner(node, who)
        node.volume.chmod(node, changed_mode(status, who, mode))

    def chown(self, who: Credentials, node: Node, uid: int, gid: int) -> None:
        """Give a file to another user or group; -1 leaves either."""
        if node.volume.read_only:
            fail(errno.EROFS)
        if not (-1 <= uid < 1 << 32 and -1 <= gid < 1 << 32):
            fail(errno.EINVAL)
        if not may_give(self.status(node), who, uid, gid):
            fail(errno.EPERM)
        node.volume.chown(node, uid, gid)

    def utime(self, who: Credentials, node: Node, times: tuple[int, int] | None) -> None:
        """Set the times of access and modification, in nanoseconds; None: to now."""
        if times is not None and not all(-_LIMIT <= time < _LIMIT for time in times):
            fail(errno.EINVAL)
        if times is None and not owns(self.status(node), who):
            self._need(node, who, WRITE)
        else:
            self._need_owner(node, who)
        node.volume.utime(node, *(times or (self.time, self.time)))

    def room(self, who: Credentials, node: Node) -> Room:
        """Return how much room there is for *who* where a file is."""
        return node.volume.room(who)
