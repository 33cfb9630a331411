"""The volume ``/host``: one folder of the host, for the user at the console alone.

Every operation walks from the folder's own descriptor, one component after the other, each opened
relative to the one before and never through a symbolic link (``openat`` with O_NOFOLLOW). What the
host's own users do meanwhile, swap a directory for a link, say, ends in an error and never outside
the folder. A link is only ever read, and the tree resolves what it says as any link's.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any, ClassVar, Final

from vmpp.service.filesystem.open_file import HostFile, Room
from vmpp.service.filesystem.rights import fail
from vmpp.service.filesystem.volume import Entry, Node, Status, Volume
from vmpp.service.identity import Credentials

NOBODY: Final = 65534
"""The owner of files that belong to others than the host user who runs vmpp."""

_PATH_ONLY: Final = getattr(os, "O_PATH", os.O_RDONLY)
_DIRECTORY: Final = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Parts = tuple[bytes, ...]


class HostNode(Node):
    """A file below the folder.

    Attributes:
        parts: the names that lead to it from the folder, none of them a symbolic link or ``..``.
    """

    __slots__ = ("parts",)

    def __init__(self, volume: HostFolder, parts: Parts) -> None:
        self.volume = volume
        self.parts = parts

    @property
    def key(self) -> Parts:
        """The names that lead to it."""
        return self.parts


class HeldNode(HostNode):
    """A file that is open, wherever its name may be by now.

    Attributes:
        fd: the host's descriptor.
    """

    __slots__ = ("fd",)

    def __init__(self, volume: HostFolder, parts: Parts, fd: int) -> None:
        super().__init__(volume, parts)
        self.fd = fd


class HostFolder(Volume):
    """A folder of the host, which belongs to one user, whom nobody else, not even root, can be.

    What that user may do in it is for the host to say.

    Attributes:
        owner: that user.
    """

    read_only: ClassVar[bool] = False

    def __init__(self, device: int, folder: str | PathLike[str], owner: Credentials) -> None:
        """Take the folder at *folder*, wherever it is moved to. Raises OSError if there is none."""
        self.device = device
        self.owner = owner
        self._fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.root = HostNode(self, ())

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._fd)

    @contextmanager
    def _directory(self, parts: Parts, flags: int = _PATH_ONLY) -> Iterator[int]:
        """Open a directory, for the time of a block."""
        fd = os.dup(self._fd)
        try:
            for place, part in enumerate(parts):
                last = place == len(parts) - 1
                inner = os.open(part, (flags if last else _PATH_ONLY) | _DIRECTORY, dir_fd=fd)
                os.close(fd)
                fd = inner
            yield fd
        finally:
            os.close(fd)

    @contextmanager
    def _place(self, node: HostNode) -> Iterator[tuple[bytes, int]]:
        """Return a node's name and the descriptor of its directory, for the time of a block."""
        if not node.parts:
            yield b".", self._fd
        else:
            with self._directory(node.parts[:-1]) as fd:
                yield node.parts[-1], fd

    # -- looking -----------------------------------------------------------------------------------

    def lookup(self, directory: HostNode, name: bytes) -> HostNode:
        """Return what *name* in a *directory* stands for."""
        with self._directory(directory.parts) as fd:
            os.stat(name, dir_fd=fd, follow_symlinks=False)
        return HostNode(self, (*directory.parts, name))

    def parent(self, directory: HostNode) -> HostNode:
        """Return the directory above."""
        return HostNode(self, directory.parts[:-1])

    def name(self, directory: HostNode) -> bytes:
        """Return the name of a directory in the one above, if it is still there."""
        with self._directory(directory.parts):
            return directory.parts[-1]

    def status(self, node: HostNode) -> Status:
        """Return what is known of a file; the folder itself is the owner's alone."""
        if isinstance(node, HeldNode):
            found = os.fstat(node.fd)
        else:
            with self._place(node) as (name, fd):
                found = os.stat(name, dir_fd=fd, follow_symlinks=False)
        mode = found.st_mode if node.parts else stat.S_IFDIR | 0o700
        mine = found.st_uid == os.geteuid()
        group = found.st_gid in {os.getegid(), *os.getgroups()}
        return Status(
            mode, found.st_ino, self.device, found.st_nlink,
            self.owner.uid if mine else NOBODY, self.owner.gid if group else NOBODY,
            found.st_size, found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns,
        )  # fmt: skip

    def permits(self, node: HostNode, who: Credentials, wanted: int) -> bool:
        """Return whether *who* is the owner, and the host lets them."""
        if who.uid != self.owner.uid:
            return False
        if isinstance(node, HeldNode):
            return True
        with self._place(node) as (name, fd):
            return os.access(name, wanted, dir_fd=fd, **_CAREFUL)

    def readlink(self, node: HostNode) -> bytes:
        """Return what a symbolic link says."""
        with self._place(node) as (name, fd):
            return os.readlink(name, dir_fd=fd)

    def entries(self, directory: HostNode, after: bytes, most: int) -> list[Entry]:
        """Return the next entries of a directory."""
        with self._listing(directory) as fd, os.scandir(fd) as scan:
            found = sorted((os.fsencode(entry.name), entry) for entry in scan)
            later = [pair for pair in found if pair[0] > after][:most]
            return [Entry(name, kind_of(entry)) for name, entry in later]

    @contextmanager
    def _listing(self, directory: HostNode) -> Iterator[int]:
        with self._place(directory) as (name, fd):
            inner = os.open(name, os.O_RDONLY | _DIRECTORY, dir_fd=fd)
            try:
                yield inner
            finally:
                os.close(inner)

    def open(self, node: HostNode, flags: int, who: Credentials) -> HostFile:
        """Open a file, without waiting for the other end of a named pipe."""
        wanted = flags & (os.O_ACCMODE | os.O_APPEND)
        safe = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        with self._place(node) as (name, fd):
            opened = os.open(name, wanted | safe, dir_fd=fd)
        kind = stat.S_IFMT(os.fstat(opened).st_mode)
        waits = kind not in {stat.S_IFREG, stat.S_IFBLK} and not flags & os.O_NONBLOCK
        file = HostFile(opened, None, waits)
        file.node = HeldNode(self, node.parts, opened)
        return file

    def room(self, who: Credentials) -> Room:
        """Return the room on the host's disk."""
        s = os.fstatvfs(self._fd)
        return Room(
            s.f_frsize, s.f_blocks, s.f_bfree, s.f_bavail, s.f_files, s.f_ffree, False, self.device
        )

    # -- changing ----------------------------------------------------------------------------------

    def create(self, directory: HostNode, name: bytes, mode: int, who: Credentials) -> HostNode:
        """Make an empty file."""
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._directory(directory.parts) as fd, _no_mask():
            os.close(os.open(name, flags, mode, dir_fd=fd))
        return HostNode(self, (*directory.parts, name))

    def mkdir(self, directory: HostNode, name: bytes, mode: int, who: Credentials) -> None:
        """Make a directory."""
        with self._directory(directory.parts) as fd, _no_mask():
            os.mkdir(name, mode, dir_fd=fd)

    def symlink(self, directory: HostNode, name: bytes, target: bytes, who: Credentials) -> None:
        """Make a symbolic link."""
        with self._directory(directory.parts) as fd:
            os.symlink(target, name, dir_fd=fd)

    def link(self, node: HostNode, directory: HostNode, name: bytes) -> None:
        """Give a file one more name."""
        with self._place(node) as (source, at), self._directory(directory.parts) as to:
            os.link(source, name, src_dir_fd=at, dst_dir_fd=to, follow_symlinks=False)

    def unlink(self, directory: HostNode, name: bytes) -> None:
        """Remove a name of a file."""
        with self._directory(directory.parts) as fd:
            os.unlink(name, dir_fd=fd)

    def rmdir(self, directory: HostNode, name: bytes) -> None:
        """Remove an empty directory."""
        with self._directory(directory.parts) as fd:
            os.rmdir(name, dir_fd=fd)

    def rename(self, directory: HostNode, name: bytes, to: HostNode, to_name: bytes) -> None:
        """Give a file another name, in place of what had it."""
        with self._directory(directory.parts) as source, self._directory(to.parts) as target:
            os.rename(name, to_name, src_dir_fd=source, dst_dir_fd=target)

    def truncate(self, node: HostNode, size: int, who: Credentials) -> None:
        """Cut or extend a file to *size* bytes."""
        file = self.open(node, os.O_WRONLY, who)
        try:
            file.truncate(size)
        finally:
            file.close()

    def chmod(self, node: HostNode, mode: int) -> None:
        """Change the permissions of a file."""
        if isinstance(node, HeldNode):
            os.fchmod(node.fd, mode)
        else:
            self._by_descriptor(node, lambda path: os.chmod(path, mode))

    def chown(self, node: HostNode, uid: int, gid: int) -> None:
        """Refuse: the host's files belong to the host's users."""
        if uid not in {-1, self.owner.uid} or gid not in {-1, self.owner.gid}:
            fail(errno.EPERM)

    def utime(self, node: HostNode, atime: int, mtime: int) -> None:
        """Set the times of access and modification."""
        if isinstance(node, HeldNode):
            os.utime(node.fd, ns=(atime, mtime))
            return
        with self._place(node) as (name, fd):
            os.utime(name, ns=(atime, mtime), dir_fd=fd, follow_symlinks=False)

    def _by_descriptor(self, node: HostNode, change: Callable[[Any], object]) -> None:
        """Change a file that is held, so that it cannot become a symbolic link meanwhile."""
        held = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        with self._place(node) as (name, at):
            fd = os.open(name, _PATH_ONLY | held, dir_fd=at)
        try:
            if stat.S_ISLNK(os.fstat(fd).st_mode):
                fail(errno.ELOOP)
            # A descriptor that was opened for its path alone is no use to fchmod.
            change(f"/proc/self/fd/{fd}" if _PATH_ONLY else fd)
        finally:
            os.close(fd)


_CAREFUL: Final[dict[str, bool]] = {
    **({"effective_ids": True} if os.access in os.supports_effective_ids else {}),
    **({"follow_symlinks": False} if os.access in os.supports_follow_symlinks else {}),
}
"""How to ask whether a file can be used, as far as the host can be asked so."""


def kind_of(entry: os.DirEntry[Any]) -> int:
    """Return the type bits of an entry of the host, 0 if unusual."""
    if entry.is_symlink():
        return stat.S_IFLNK
    if entry.is_dir(follow_symlinks=False):
        return stat.S_IFDIR
    return stat.S_IFREG if entry.is_file(follow_symlinks=False) else 0


@contextmanager
def _no_mask() -> Iterator[None]:
    """Make files with the mode that is asked for: the machine has its own mask of permissions."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)
