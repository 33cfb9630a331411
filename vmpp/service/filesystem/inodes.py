"""Volumes of inodes: names, owners, modes, links, times and quotas, in a store.

What the files hold is up to those who build on this: `StoredVolume` has it in files of the host,
`StripedVolume` on the machine's I/O nodes.
"""

from __future__ import annotations

import errno
import sqlite3
import stat
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final
from weakref import WeakValueDictionary

from vmpp.service.filesystem.inode import Inode
from vmpp.service.filesystem.inode_store import ROOT, InodeStore
from vmpp.service.filesystem.open_file import Room
from vmpp.service.filesystem.quotas import Ledger
from vmpp.service.filesystem.rights import fail, new_group
from vmpp.service.filesystem.volume import BLOCK, Entry, Status, Volume
from vmpp.service.identity import Credentials

_UNIT: Final = 1024
"""The unit in which the room is told, bytes: small, for quotas may be."""
_BOUNDLESS: Final = 1 << 40
"""How many inodes there can be, as ``statvfs`` tells it to those who have no quota."""
_MOST_LINKS: Final = 65_000


class InodeVolume(Volume):
    """Files with owners, modes and quotas, in an `InodeStore`.

    Attributes:
        quotas: what everybody has, and may have.
        clock: tells the time that changes are noted with, in nanoseconds.
    """

    read_only: ClassVar[bool] = False

    def __init__(
        self,
        store: InodeStore,
        clock: Callable[[], int],
        root_mode: int = 0o755,
        owner: Credentials | None = None,
        quotas: Ledger | None = None,
    ) -> None:
        """Open the volume that is kept in *store*.

        Args:
            clock: tells the time that changes are noted with, in nanoseconds.
            root_mode: permissions of the topmost directory, if the volume is new.
            owner: whom that belongs to; None: root.
            quotas: those of another volume, which are for both together; None: its own.
        """
        self._store = store
        self.clock = clock
        self._live: WeakValueDictionary[int, Inode] = WeakValueDictionary()
        self._open: dict[int, Inode] = {}
        if self._store.fresh:
            with self._store.transaction():
                uid, gid = (0, 0) if owner is None else (owner.uid, owner.gid)
                self._insert(stat.S_IFDIR | root_mode, uid, gid, 2, parent=ROOT)
        if quotas is None:
            self.quotas = Ledger(self._store.usage(), self._store.quotas())
        else:
            self.quotas = quotas
            for uid, size, files in self._store.usage():
                quotas.charge(uid, size, files)
        self.root: Inode = self._inode(ROOT)

    def close(self) -> None:
        """Note what is not noted yet, and close the store."""
        for inode in list(self._open.values()):
            self._save(inode)
        self._store.close()

    def limit(self, uid: int, size: int | None, files: int | None) -> None:
        """Limit what a user may have; None is no limit."""
        self._store.set_quota(uid, size, files)
        self.quotas.limit(uid, size, files)

    # -- inodes ------------------------------------------------------------------------------------

    def _inode(self, ino: int) -> Inode:
        inode = self._live.get(ino)
        if inode is None:
            columns = self._store.load(ino)
            if columns is None:
                fail(errno.ENOENT)
            inode = self._live[ino] = Inode(self, ino, columns)
        return inode

    def _insert(
        self, mode: int, uid: int, gid: int, links: int, target: Any = None, parent: Any = None
    ) -> int:
        now = self.clock()
        size = len(target or b"")
        return self._store.insert(mode, uid, gid, links, size, now, now, now, target, parent)

    def _save(self, inode: Inode) -> None:
        self._store.save(inode.ino, inode.columns)
        inode.unsaved = False

    def _changed(self, *inodes: Inode, contents: bool = False) -> None:
        """Note that attributes, or what directories contain, have changed now."""
        for inode in inodes:
            inode.ctime = self.clock()
            if contents:
                inode.mtime = inode.ctime
            self._save(inode)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Change store and inodes together; raises OSError(ENOSPC) if the store cannot be."""
        try:
            with self._store.transaction():
                yield
        except sqlite3.Error as error:
            # What is in memory may be ahead of the store.
            for inode in list(self._live.values()):
                inode.reload(self._store.load(inode.ino))
            raise OSError(errno.ENOSPC, str(error)) from None

    def _new(
        self,
        directory: Inode,
        name: bytes,
        mode: int,
        who: Credentials,
        target: bytes | None = None,
    ) -> Inode:
        """Make an inode, and give it a name."""
        if not directory.links:
            fail(errno.ENOENT)
        if self._store.find(directory.ino, name) is not None:
            fail(errno.EEXIST)
        size = len(target or b"")
        if not who.is_root:
            self.quotas.check(who.uid, size, 1)
        gid = new_group(self.status(directory), who)
        is_directory = stat.S_ISDIR(mode)
        with self._changing():
            ino = self._insert(
                mode,
                who.uid,
                gid,
                1 + is_directory,
                target,
                directory.ino if is_directory else None,
            )
            self._made(ino, mode, directory)
            self._store.put(directory.ino, name, ino)
            directory.links += is_directory
            self._changed(directory, contents=True)
        self.quotas.charge(who.uid, size, 1)
        return self._inode(ino)

    def _drop(self, inode: Inode) -> Callable[[], object] | None:
        """Take a name's link from what is no directory; return what is to be done afterwards."""
        inode.links -= 1
        self._changed(inode)
        if inode.links or inode.opened:
            return None
        return self._delete(inode)

    def _delete(self, inode: Inode) -> Callable[[], object] | None:
        finish = self._discarding(inode) if stat.S_ISREG(inode.mode) else None
        self._store.delete(inode.ino)
        self.quotas.charge(inode.uid, -inode.size, -1)
        return finish

    @abstractmethod
    def _made(self, ino: int, mode: int, directory: Inode) -> None:
        """Note that there is a new inode in a directory."""

    @abstractmethod
    def _discarding(self, inode: Inode) -> Callable[[], object]:
        """Return what removes the contents of a file that has no name; it is called once, soon."""

    @abstractmethod
    def _room(self) -> tuple[int, int, int]:
        """Return how many bytes there is room for, how many are free, and for anybody to use."""

    # -- looking -----------------------------------------------------------------------------------

    def lookup(self, directory: Inode, name: bytes) -> Inode:
        """Return what *name* in a *directory* stands for."""
        ino = self._store.find(directory.ino, name)
        if ino is None:
            fail(errno.ENOENT)
        return self._inode(ino)

    def parent(self, directory: Inode) -> Inode:
        """Return the directory above."""
        return self._inode(directory.parent)

    def name(self, directory: Inode) -> bytes:
        """Return the name of a directory in the one above."""
        name = self._store.name_of(directory.parent, directory.ino)
        if name is None:
            fail(errno.ENOENT)
        return name

    def status(self, node: Inode) -> Status:
        """Return what is known of a file."""
        return Status(
            node.mode, node.ino, self.device, node.links, node.uid, node.gid,
            BLOCK if node.is_directory else node.size, node.atime, node.mtime, node.ctime,
        )  # fmt: skip

    def readlink(self, node: Inode) -> bytes:
        """Return what a symbolic link says."""
        return bytes(node.target)

    def entries(self, directory: Inode, after: bytes, most: int) -> list[Entry]:
        """Return the next entries of a directory."""
        names = self._store.names(directory.ino, after, most)
        return [Entry(name, stat.S_IFMT(mode)) for name, mode in names]

    def room(self, who: Credentials) -> Room:
        """Return the room that there is: what a user has a quota for, or the disk."""
        usage, sizes = self.quotas.of(who.uid), self._room()
        if usage.byte_limit is not None:
            left = max(0, usage.byte_limit - usage.bytes)
            sizes = usage.byte_limit, left, min(left, sizes[2])
        files = _BOUNDLESS if usage.file_limit is None else usage.file_limit
        blocks, free, available = (size // _UNIT for size in sizes)
        return Room(_UNIT, blocks, free, available, files, max(0, files - usage.files))

    # -- open files --------------------------------------------------------------------------------

    def opened(self, inode: Inode) -> None:
        """Note that one more open file stands for *inode*."""
        inode.opened += 1
        self._open[inode.ino] = inode

    def resize(self, inode: Inode, size: int) -> None:
        """Note that a file has *size* bytes now, and has been written to."""
        self.quotas.charge(inode.uid, size - inode.size)
        inode.size = size
        inode.mtime = inode.ctime = self.clock()
        inode.unsaved = True

    def sync(self, inode: Inode) -> None:
        """Tell the store of the size and times of an open file."""
        if inode.unsaved:
            with self._changing():
                self._save(inode)

    def closed(self, inode: Inode) -> None:
        """Note that an open file stands for *inode* no more; the last one ends one without name."""
        inode.opened -= 1
        if inode.opened:
            return
        del self._open[inode.ino]
        if inode.links:
            self.sync(inode)
            return
        with self._changing():
            finish = self._delete(inode)
        if finish is not None:
            finish()

    # -- changing ----------------------------------------------------------------------------------

    def create(self, directory: Inode, name: bytes, mode: int, who: Credentials) -> Inode:
        """Make an empty file."""
        return self._new(directory, name, stat.S_IFREG | mode, who)

    def mkdir(self, directory: Inode, name: bytes, mode: int, who: Credentials) -> None:
        """Make a directory; it inherits the set-group-ID bit."""
        if directory.links >= _MOST_LINKS:
            fail(errno.EMLINK)
        self._new(directory, name, stat.S_IFDIR | mode | directory.mode & stat.S_ISGID, who)

    def symlink(self, directory: Inode, name: bytes, target: bytes, who: Credentials) -> None:
        """Make a symbolic link."""
        self._new(directory, name, stat.S_IFLNK | 0o777, who, target)

    def link(self, node: Inode, directory: Inode, name: bytes) -> None:
        """Give a file one more name."""
        if not directory.links or not node.links:
            fail(errno.ENOENT)
        if self._store.find(directory.ino, name) is not None:
            fail(errno.EEXIST)
        if node.links >= _MOST_LINKS:
            fail(errno.EMLINK)
        with self._changing():
            self._store.put(directory.ino, name, node.ino)
            node.links += 1
            self._changed(node)
            self._changed(directory, contents=True)

    def unlink(self, directory: Inode, name: bytes) -> None:
        """Remove a name of a file; a file that is open stays until it is closed."""
        node = self.lookup(directory, name)
        with self._changing():
            self._store.take(directory.ino, name)
            self._changed(directory, contents=True)
            finish = self._drop(node)
        if finish is not None:
            finish()

    def rmdir(self, directory: Inode, name: bytes) -> None:
        """Remove an empty directory."""
        node = self.lookup(directory, name)
        if self._store.names(node.ino, b"", 1):
            fail(errno.ENOTEMPTY)
        with self._changing():
            self._store.take(directory.ino, name)
            self._remove_directory(node, directory)
            self._changed(directory, contents=True)

    def _remove_directory(self, node: Inode, parent: Inode) -> None:
        node.links = 0
        parent.links -= 1
        self._store.delete(node.ino)
        self.quotas.charge(node.uid, 0, -1)

    def rename(self, directory: Inode, name: bytes, to: Inode, to_name: bytes) -> None:
        """Give a file another name, in place of what had it."""
        if not to.links:
            fail(errno.ENOENT)
        node, former = self.lookup(directory, name), self._store.find(to.ino, to_name)
        if former is not None and self._store.names(former, b"", 1):
            fail(errno.ENOTEMPTY)
        finish = None
        with self._changing():
            self._store.take(directory.ino, name)
            self._store.put(to.ino, to_name, node.ino)
            if former is not None:
                finish = self._replaced(self._inode(former), to)
            if node.is_directory:
                directory.links -= 1
                to.links += 1
                node.parent = to.ino
            self._changed(node)
            self._changed(directory, to, contents=True)
        if finish is not None:
            finish()

    def _replaced(self, former: Inode, parent: Inode) -> Callable[[], object] | None:
        if not former.is_directory:
            return self._drop(former)
        self._remove_directory(former, parent)
        return None

    def chmod(self, node: Inode, mode: int) -> None:
        """Change the permissions of a file."""
        node.mode = stat.S_IFMT(node.mode) | mode
        self._changed(node)

    def chown(self, node: Inode, uid: int, gid: int) -> None:
        """Change owner and group; what others could run as them they cannot any more."""
        if uid >= 0 and uid != node.uid:
            size = node.size
            self.quotas.charge(node.uid, -size, -1)
            self.quotas.charge(uid, size, 1)
            node.uid = uid
        if gid >= 0:
            node.gid = gid
        if stat.S_ISREG(node.mode):
            node.mode &= ~(stat.S_ISUID | stat.S_ISGID)
        self._changed(node)

    def utime(self, node: Inode, atime: int, mtime: int) -> None:
        """Set the times of access and modification."""
        node.atime, node.mtime = atime, mtime
        self._changed(node)
