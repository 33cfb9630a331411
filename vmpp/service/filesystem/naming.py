"""Names in a tree: making, moving, removing and listing them."""

from __future__ import annotations

import errno
import stat

from vmpp.service.filesystem.mounts import Mounts
from vmpp.service.filesystem.rights import READ, SEARCH, WRITE, fail, owns, sticks
from vmpp.service.filesystem.volume import Entry, Node
from vmpp.service.filesystem.walk import LONGEST_PATH, Found, walk
from vmpp.service.identity import Credentials


class Naming(Mounts):
    """What users may do with names."""

    def mkdir(self, who: Credentials, at: Node, path: bytes, mode: int) -> None:
        """Make a directory."""
        found = self._new_name(who, at, path)
        found.directory.volume.mkdir(found.directory, found.name, mode & 0o1777, who)

    def symlink(self, who: Credentials, at: Node, path: bytes, target: bytes) -> None:
        """Make a symbolic link that says *target*."""
        if not target:
            fail(errno.ENOENT)
        if len(target) > LONGEST_PATH:
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
