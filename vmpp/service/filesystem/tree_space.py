"""The machine's file tree as the processes of one user see it."""

from __future__ import annotations

import errno
import os
import stat
from typing import Any

from vmpp.process import calls
from vmpp.service.filesystem.open_file import OpenFile, Room
from vmpp.service.filesystem.rights import fail
from vmpp.service.filesystem.space import At
from vmpp.service.filesystem.tree import Tree
from vmpp.service.filesystem.volume import Entry, Node, Status, Striping
from vmpp.service.filesystem.walk import LONGEST_NAME
from vmpp.service.identity import Credentials
from vmpp.service.stdio import BLOCK

MASK = 0o022
"""The mask of permissions that every process begins with."""


class TreeSpace:
    """The name space of what a user does in a machine's tree."""

    def __init__(self, tree: Tree, who: Credentials) -> None:
        self.tree = tree
        self.who = who

    def start(self, directory: str | None) -> Node:
        """Return *directory*, or the user's home.

        If the user cannot be there it is the root, as for somebody who logs in without a home.
        """
        tree, path = self.tree, os.fsencode(self.who.home if directory is None else directory)
        try:
            return tree.directory(self.who, tree.root, path)
        except OSError:
            return tree.root

    def view(self, start: Node) -> TreeView:
        """Return what a process sees that starts in the directory *start*."""
        return TreeView(self.tree, self.who, start)

    def close(self) -> None:
        """Close the tree."""
        self.tree.close()


class TreeView:
    """What one process sees of the tree; the methods are those of `View`.

    Attributes:
        directory: its current directory.
        mask: the permissions that it withholds from new files.
    """

    __slots__ = ("_tree", "_who", "directory", "mask")

    def __init__(self, tree: Tree, who: Credentials, directory: Node) -> None:
        self._tree = tree
        self._who = who
        self.directory = directory
        self.mask = MASK

    @property
    def owner(self) -> tuple[int, int]:
        """Numbers of the user and of the user's own group."""
        return self._who.uid, self._who.gid

    def begin(self, time: int) -> None:
        """Have changes noted with the virtual time *time*, ps."""
        self._tree.begin(time)

    def _start(self, at: At) -> Node:
        return self.directory if at is None else _directory(at)

    def _find(self, at: At, path: bytes, follow: bool = True) -> Node:
        return self._tree.find(self._who, self._start(at), path, follow)

    def open(self, at: At, path: bytes, flags: int, mode: int) -> tuple[OpenFile, int]:
        """Open a file."""
        file = self._tree.open(self._who, self._start(at), path, flags, mode & ~self.mask)
        return file, self._tree.status(file.node).mode

    def is_pipe(self, at: At, path: bytes) -> bool:
        """Return whether *path* is a named pipe, which ``/host`` may have."""
        return stat.S_ISFIFO(self._tree.status(self._find(at, path)).mode)

    # -- attributes --------------------------------------------------------------------------------

    def stat(self, at: At, path: bytes, follow: bool) -> calls.Attributes:
        """Return what is known of a file."""
        return _attributes(self._tree.status(self._find(at, path, follow)))

    def fstat(self, file: OpenFile) -> calls.Attributes:
        """Return what is known of an open file."""
        return _attributes(self._tree.status(file.node))

    def access(self, at: At, path: bytes, mode: int, effective: bool, follow: bool) -> bool:
        """Return whether a file may be used as *mode* says; not if anything is wrong with it."""
        del effective  # a process has one user
        try:
            return self._tree.access(self._who, self._find(at, path, follow), mode)
        except OSError:
            return False

    def chmod(self, at: At, path: bytes, mode: int, follow: bool) -> None:
        """Change permissions."""
        self._tree.chmod(self._who, self._find(at, path, follow), mode)

    def fchmod(self, file: OpenFile, mode: int) -> None:
        """Change permissions of an open file."""
        self._tree.chmod(self._who, file.node, mode)

    def chown(self, at: At, path: bytes, uid: int, gid: int, follow: bool) -> None:
        """Change the owner."""
        self._tree.chown(self._who, self._find(at, path, follow), uid, gid)

    def fchown(self, file: OpenFile, uid: int, gid: int) -> None:
        """Change the owner of an open file."""
        self._tree.chown(self._who, file.node, uid, gid)

    def utime(self, at: At, path: bytes, times: tuple[int, int] | None, follow: bool) -> None:
        """Set the times; None: to now."""
        self._tree.utime(self._who, self._find(at, path, follow), times)

    def futime(self, file: OpenFile, times: tuple[int, int] | None) -> None:
        """Set the times of an open file."""
        self._tree.utime(self._who, file.node, times)

    def truncate(self, path: bytes, size: int) -> Any:
        """Cut or extend a file; return None, or the `Work` that it takes."""
        return self._tree.truncate(self._who, self.directory, path, size)

    def striping(self, at: At, path: bytes) -> calls.Striped:
        """Tell how a file is striped, or files are that are made in a directory."""
        return self._tree.striping(self._who, self._start(at), path)

    def set_striping(self, at: At, path: bytes, mode: int, wanted: Striping) -> None:
        """Make an empty file that is striped in some way, or say how those of a directory are."""
        start = self._start(at)
        self._tree.set_striping(self._who, start, path, mode & ~self.mask, wanted)

    def statvfs(self, path: bytes) -> calls.Space:
        """Tell about the file system that a file is on."""
        return _space(self._tree.room(self._who, self._find(None, path)))

    def fstatvfs(self, file: OpenFile) -> calls.Space:
        """Tell about the file system that an open file is on."""
        return _space(self._tree.room(self._who, file.node))

    def umask(self, mask: int) -> int:
        """Set the mask and return the one before."""
        before, self.mask = self.mask, mask
        return before

    def quota(self, uid: int) -> calls.Limits:
        """Return what a user has, and may have; others' only to root."""
        wanted = self._who.uid if uid == calls.BOUNDLESS else uid
        if wanted != self._who.uid and not self._who.is_root:
            fail(errno.EPERM)
        usage = self._tree.usage(wanted)
        limits = (usage.byte_limit, usage.file_limit)
        told = (calls.BOUNDLESS if limit is None else limit for limit in limits)
        return calls.Limits(usage.bytes, usage.files, *told)

    # -- names and directories ---------------------------------------------------------------------

    def mkdir(self, at: At, path: bytes, mode: int) -> None:
        """Make a directory."""
        self._tree.mkdir(self._who, self._start(at), path, mode & ~self.mask)

    def rmdir(self, at: At, path: bytes) -> None:
        """Remove a directory."""
        self._tree.rmdir(self._who, self._start(at), path)

    def unlink(self, at: At, path: bytes) -> None:
        """Remove a name."""
        self._tree.unlink(self._who, self._start(at), path)

    def rename(self, at: At, path: bytes, to_at: At, to: bytes) -> None:
        """Give a file another name."""
        self._tree.rename(self._who, self._start(at), path, self._start(to_at), to)

    def link(self, at: At, path: bytes, to_at: At, to: bytes, follow: bool) -> None:
        """Give a file a second name."""
        # Without a directory, `os.link` calls link(2), which on Linux goes through no link.
        follow = follow and (at is not None or to_at is not None)
        self._tree.link(self._who, self._start(at), path, self._start(to_at), to, follow)

    def symlink(self, at: At, path: bytes, target: bytes) -> None:
        """Make a symbolic link."""
        self._tree.symlink(self._who, self._start(at), path, target)

    def readlink(self, at: At, path: bytes) -> bytes:
        """Return what a symbolic link says."""
        return self._tree.readlink(self._who, self._start(at), path)

    def listdir(self, at: At, path: bytes, after: bytes) -> calls.Entries:
        """List a directory."""
        most = calls.PAGE + 1
        return _page(self._tree.listdir(self._who, self._start(at), path, after, most))

    def flistdir(self, file: OpenFile, after: bytes) -> calls.Entries:
        """List an open directory; who has opened it may."""
        node = _directory(file)
        return _page(node.volume.entries(node, after, calls.PAGE + 1))

    def chdir(self, path: bytes) -> None:
        """Make a directory the current one."""
        self.directory = self._tree.directory(self._who, self.directory, path)

    def fchdir(self, file: OpenFile) -> None:
        """Make an open directory the current one."""
        node = _directory(file)
        self._tree.enter(self._who, node)
        self.directory = node

    def getcwd(self) -> bytes:
        """Return the path of the current directory."""
        return self._tree.path(self.directory)


def _directory(file: OpenFile) -> Node:
    node: Node | None = file.directory
    if node is None:
        fail(errno.ENOTDIR)
    return node


def _attributes(s: Status) -> calls.Attributes:
    return calls.fill(
        calls.Attributes(
            s.mode, s.ino, s.device, s.links, s.uid, s.gid, s.size,
            s.atime, s.mtime, s.ctime, BLOCK, -(-s.size // 512), s.rdev,
        )
    )  # fmt: skip


def _page(entries: list[Entry]) -> calls.Entries:
    found = [calls.Entry(entry.name, entry.kind) for entry in entries[: calls.PAGE]]
    return calls.Entries(found, len(entries) > calls.PAGE)


def _space(r: Room) -> calls.Space:
    flags = os.ST_NOSUID | (os.ST_RDONLY if r.read_only else 0)
    counts = (r.blocks, r.free, r.available, r.files, r.files_free, r.files_free)
    return calls.fill(calls.Space(r.block, r.block, *counts, flags, LONGEST_NAME, r.number))
