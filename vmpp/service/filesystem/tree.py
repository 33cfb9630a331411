"""A machine's file tree: what users may do with which paths, over volumes mounted together.

`Tree` has the operations of a Unix kernel, on behalf of somebody. A file that is opened stays
usable whatever becomes of its name or its permissions.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Final

from vmpp.engine import SECOND
from vmpp.process.program import EPOCH
from vmpp.service.filesystem.fixed import FixedVolume, devices, images
from vmpp.service.filesystem.host_folder import HostFolder
from vmpp.service.filesystem.inodes import InodeVolume
from vmpp.service.filesystem.open_file import OpenFile, Room
from vmpp.service.filesystem.quotas import Usage
from vmpp.service.filesystem.rights import (
    READ,
    SEARCH,
    WRITE,
    changed_mode,
    fail,
    may_give,
    owns,
    permits,
    sticks,
)
from vmpp.service.filesystem.volume import Entry, Node, Status, Volume
from vmpp.service.filesystem.walk import Found, walk
from vmpp.service.identity import ROOT, Credentials

NANOSECOND: Final = SECOND // 10**9
EPOCH_NS: Final = EPOCH // NANOSECOND
"""When what is the same on every machine was made: its virtual time 0, in nanoseconds."""

SUPERUSER: Final = Credentials("root", ROOT, ROOT, (ROOT,), "/root")

_LIMIT: Final = 1 << 63
_TEMPORARY: Final = getattr(os, "O_TMPFILE", 0) & ~os.O_DIRECTORY
_HANDLE_ONLY: Final = getattr(os, "O_PATH", 0)
_RIGHTS: Final = {os.O_RDONLY: READ, os.O_WRONLY: WRITE, os.O_RDWR: READ | WRITE}


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


class Tree:
    """The files of a machine.

    All operations raise `OSError` as the system calls of Unix that they are named after. Paths are
    bytes; they start from the directory *at* unless they are absolute.

    Attributes:
        time: what changes are noted with, virtual time in nanoseconds since 1970.
        root: the topmost directory.
        images: what is mounted at ``/images``.
    """

    def __init__(
        self,
        folder: str | PathLike[str] | None = None,
        *,
        programs: Mapping[str, Path] | None = None,
        host: str | PathLike[str] | None = None,
        console: Credentials | None = None,
        epoch: int = EPOCH,
    ) -> None:
        """Open the tree that is kept in *folder*, and lay it out if it is new.

        Args:
            folder: where it is kept on the host; None: nowhere, and gone when it is closed.
            programs: what is in ``/images``, by name.
            host: the folder of the host that is at ``/host``; None: there is none.
            console: the user whom ``/host`` belongs to.
            epoch: picoseconds since 1970 at the machine's virtual time 0.

        Raises:
            DatabaseError: *folder* holds no file tree, or one of a newer vmpp.
            OSError: a folder is not there or cannot be used.
        """
        self._epoch = epoch
        self.begin(0)
        self._inodes = InodeVolume(folder, lambda: self.time)
        self.root: Node = self._inodes.root
        self._mounted: dict[int, Volume] = {}
        self._covered: dict[int, Node] = {}
        self._host: HostFolder | None = None
        if self._inodes.fresh:
            self._lay_out()
        self.images = FixedVolume(2, images(programs or {}), EPOCH_NS)
        self._mount(b"images", self.images)
        self._mount(b"dev", FixedVolume(3, devices(), EPOCH_NS))
        if host is not None and console is not None:
            self._host = HostFolder(4, host, console)
            self._mount(b"host", self._host)

    def _lay_out(self) -> None:
        """Make what every machine has from the start."""
        for name, mode in {b"home": 0o755, b"root": 0o700, b"tmp": 0o1777}.items():
            self._inodes.mkdir(self._inodes.root, name, mode, SUPERUSER)

    def _mount(self, name: bytes, volume: Volume) -> None:
        """Lay a volume over the directory *name* of the root."""
        root = self._inodes.root
        try:
            covered = self._inodes.lookup(root, name)
        except FileNotFoundError:
            self._inodes.mkdir(root, name, 0o555, SUPERUSER)
            covered = self._inodes.lookup(root, name)
        self._mounted[covered.key] = volume
        self._covered[volume.device] = covered

    def close(self) -> None:
        """Close the tree; open files must have been closed."""
        if self._host is not None:
            self._host.close()
        self._inodes.close()

    def begin(self, time: int) -> None:
        """Note what changes from now on with the machine's virtual time *time*, ps."""
        self.time = (self._epoch + time) // NANOSECOND

    # -- users -------------------------------------------------------------------------------------

    def add_home(self, user: Credentials) -> None:
        """Make the home directory of a user, for the user alone, if it is not there.

        Only root's is outside ``/home``.
        """
        found = walk(self, SUPERUSER, self.root, os.fsencode(user.home))
        if found.node is None:
            found.directory.volume.mkdir(found.directory, found.name, 0o700, SUPERUSER)
            home = self.child(found.directory, found.name)
            home.volume.chown(home, user.uid, user.gid)

    def usage(self, uid: int) -> Usage:
        """Return what a user has, and may have."""
        return self._inodes.quotas.of(uid)

    def set_quota(self, uid: int, size: int | None = None, files: int | None = None) -> None:
        """Limit what a user's files take, in bytes and in number; None is no limit."""
        self._inodes.limit(uid, size, files)

    # -- nodes -------------------------------------------------------------------------------------

    def status(self, node: Node) -> Status:
        """Return what is known of a file."""
        return node.volume.status(node)

    def permits(self, node: Node, who: Credentials, wanted: int) -> bool:
        """Return whether *who* may use a file as *wanted* says: READ, WRITE, SEARCH or together."""
        decided = node.volume.permits(node, who, wanted)
        return permits(node.volume.status(node), who, wanted) if decided is None else decided

    def child(self, directory: Node, name: bytes) -> Node:
        """Return what a directory calls *name*, or what is mounted there."""
        found = directory.volume.lookup(directory, name)
        if found.volume is self._inodes and found.key in self._mounted:
            return self._mounted[found.key].root
        return found

    def above(self, directory: Node) -> Node:
        """Return the directory above; of the topmost one that itself."""
        if directory.same(self.root):
            return directory
        if directory.same(directory.volume.root):
            directory = self._covered[directory.volume.device]
        return directory.volume.parent(directory)

    def path(self, directory: Node) -> bytes:
        """Return the absolute path of a directory. Raises OSError(ENOENT) if it was removed."""
        names: list[bytes] = []
        while not directory.same(self.root):
            volume = directory.volume
            if directory.same(volume.root):
                directory = self._covered[volume.device]
                volume = directory.volume
            names.append(volume.name(directory))
            directory = volume.parent(directory)
        return b"/" + b"/".join(reversed(names))

    def find(self, who: Credentials, at: Node, path: bytes, follow: bool = True) -> Node:
        """Return what *path* leads *who* to."""
        return walk(self, who, at, path, follow).there()

    def _need(self, node: Node, who: Credentials, wanted: int) -> None:
        if not self.permits(node, who, wanted):
            fail(errno.EACCES)
        if wanted & WRITE and self._is_read_only(node):
            fail(errno.EROFS)

    def _is_read_only(self, node: Node) -> bool:
        return node.volume.read_only and not stat.S_ISCHR(self.status(node).mode)

    def _need_owner(self, node: Node, who: Credentials) -> None:
        if node.volume.read_only:
            fail(errno.EROFS)
        if not owns(self.status(node), who):
            fail(errno.EPERM)

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
            node.volume.truncate(node, 0, who)
        return node.volume.open(node, flags, who)

    def read(self, who: Credentials, path: bytes) -> bytes:
        """Return all that a file, not one that would have to be waited for, holds."""
        node = self.find(who, self.root, path)
        if not stat.S_ISREG(self.status(node).mode):
            fail(errno.EISDIR if stat.S_ISDIR(self.status(node).mode) else errno.EINVAL)
        file = self._open_old(who, node, os.O_RDONLY, READ)
        try:
            return b"".join(iter(lambda: file.read(1 << 20), b""))
        finally:
            file.close()

    # -- names -------------------------------------------------------------------------------------

    def mkdir(self, who: Credentials, at: Node, path: bytes, mode: int) -> None:
        """Make a directory."""
        found = self._new_name(who, at, path)
        found.directory.volume.mkdir(found.directory, found.name, mode & 0o1777, who)

    def symlink(self, who: Credentials, at: Node, path: bytes, target: bytes) -> None:
        """Make a symbolic link that says *target*."""
        if not target:
            fail(errno.ENOENT)
        if len(target) > 4095:
            fail(errno.ENAMETOOLONG)
        found = self._new_name(who, at, path)
        if found.slashed:
            fail(errno.ENOENT)
        found.directory.volume.symlink(found.directory, found.name, target, who)

    def _new_name(self, who: Credentials, at: Node, path: bytes) -> Found:
        """Return where a name is to be made that is not there yet."""
        found = walk(self, who, at, path, naming=True)
        if found.node is not None:
            fail(errno.EEXIST)
        self._need(found.directory, who, WRITE | SEARCH)
        return found

    def link(
        self, who: Credentials, at: Node, path: bytes, to_at: Node, to: bytes, follow: bool
    ) -> None:
        """Give a file a second name.

        Somebody else's file must be one that *who* may read and write, as Linux has it
        (``fs.protected_hardlinks``): it counts for its owner's quota as long as it has a name.
        """
        node = self.find(who, at, path, follow)
        status = self.status(node)
        found = self._new_name(who, to_at, to)
        if found.slashed:
            fail(errno.ENOENT)
        if stat.S_ISDIR(status.mode):
            fail(errno.EPERM)
        if node.volume is not found.directory.volume:
            fail(errno.EXDEV)
        harmless = stat.S_ISREG(status.mode) and self.permits(node, who, READ | WRITE)
        if not owns(status, who) and not harmless:
            fail(errno.EPERM)
        node.volume.link(node, found.directory, found.name)

    def unlink(self, who: Credentials, at: Node, path: bytes) -> None:
        """Remove a name of a file."""
        found = walk(self, who, at, path, naming=True)
        node = found.there()
        if not found.name:
            fail(errno.EISDIR)
        self._may_take(found, node, who)
        if stat.S_ISDIR(self.status(node).mode):
            fail(errno.EISDIR)
        if found.slashed:
            fail(errno.ENOTDIR)
        found.directory.volume.unlink(found.directory, found.name)

    def rmdir(self, who: Credentials, at: Node, path: bytes) -> None:
        """Remove an empty directory."""
        found = walk(self, who, at, path, naming=True)
        node = found.there()
        if not found.name:
            last = path.rstrip(b"/").rpartition(b"/")[2]
            fail({b".": errno.EINVAL, b"..": errno.ENOTEMPTY}.get(last, errno.EBUSY))
        self._may_take(found, node, who)
        if not stat.S_ISDIR(self.status(node).mode):
            fail(errno.ENOTDIR)
        found.directory.volume.rmdir(found.directory, found.name)

    def rename(self, who: Credentials, at: Node, path: bytes, to_at: Node, to: bytes) -> None:
        """Give a file another name, in place of what had it."""
        source, target = (
            walk(self, who, start, one, naming=True) for start, one in ((at, path), (to_at, to))
        )
        if source.directory.volume is not target.directory.volume:
            fail(errno.EXDEV)
        if not source.name or not target.name:
            fail(errno.EBUSY)
        node = source.there()
        is_directory = stat.S_ISDIR(self.status(node).mode)
        if not is_directory and (source.slashed or target.slashed):
            fail(errno.ENOTDIR)
        if self._is_above(node, target.directory):
            fail(errno.EINVAL)
        if target.node is not None and self._is_above(target.node, source.directory):
            fail(errno.ENOTEMPTY)
        if target.node is not None and target.node.same(node):
            return
        self._may_take(source, node, who)
        self._may_put(target, is_directory, who)
        if is_directory and not source.directory.same(target.directory):
            # The entry ".." of the directory changes with it.
            self._need(node, who, WRITE)
        source.directory.volume.rename(source.directory, source.name, target.directory, target.name)

    def _may_put(self, found: Found, is_directory: bool, who: Credentials) -> None:
        """Raise OSError if *who* may not have a file, or a directory, take a place."""
        if found.node is None:
            self._need(found.directory, who, WRITE | SEARCH)
            return
        self._may_take(found, found.node, who)
        was_directory = stat.S_ISDIR(self.status(found.node).mode)
        if is_directory and not was_directory:
            fail(errno.ENOTDIR)
        if was_directory and not is_directory:
            fail(errno.EISDIR)

    def _may_take(self, found: Found, node: Node, who: Credentials) -> None:
        """Raise OSError if *who* may not remove the name of *node*."""
        self._need(found.directory, who, WRITE | SEARCH)
        if sticks(self.status(found.directory), self.status(node), who):
            fail(errno.EPERM)
        if node.volume is not found.directory.volume:
            fail(errno.EBUSY)

    def _is_above(self, node: Node, directory: Node) -> bool:
        """Return whether *node* is a directory or one above it."""
        while not directory.same(node):
            if directory.same(self.root):
                return False
            directory = self.above(directory)
        return True

    def readlink(self, who: Credentials, at: Node, path: bytes) -> bytes:
        """Return what a symbolic link says."""
        node = self.find(who, at, path, follow=False)
        if not stat.S_ISLNK(self.status(node).mode):
            fail(errno.EINVAL)
        return node.volume.readlink(node)

    def listdir(
        self, who: Credentials, at: Node, path: bytes, after: bytes, most: int
    ) -> list[Entry]:
        """Return up to *most* entries of a directory after *after*, in the order of their names."""
        node = self.find(who, at, path)
        if not stat.S_ISDIR(self.status(node).mode):
            fail(errno.ENOTDIR)
        self._need(node, who, READ)
        return node.volume.entries(node, after, most)

    def directory(self, who: Credentials, at: Node, path: bytes) -> Node:
        """Return the directory at *path*, which *who* may make the current one."""
        node = self.find(who, at, path)
        self.enter(who, node)
        return node

    def enter(self, who: Credentials, node: Node) -> None:
        """Raise OSError if *who* may not make *node* the current directory."""
        if not stat.S_ISDIR(self.status(node).mode):
            fail(errno.ENOTDIR)
        self._need(node, who, SEARCH)

    # -- attributes --------------------------------------------------------------------------------

    def access(self, who: Credentials, node: Node, wanted: int) -> bool:
        """Return whether *who* may use a file so; *wanted* 0 asks whether it is there."""
        if wanted & ~7:
            fail(errno.EINVAL)
        if wanted & WRITE and self._is_read_only(node):
            return False
        return self.permits(node, who, wanted)

    def truncate(self, who: Credentials, at: Node, path: bytes, size: int) -> None:
        """Cut or extend a file to *size* bytes."""
        if size < 0:
            fail(errno.EINVAL)
        node = self.find(who, at, path)
        kind = stat.S_IFMT(self.status(node).mode)
        if kind != stat.S_IFREG:
            fail(errno.EISDIR if kind == stat.S_IFDIR else errno.EINVAL)
        self._need(node, who, WRITE)
        node.volume.truncate(node, size, who)

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
