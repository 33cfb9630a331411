"""The host's own files, served as the user who runs vmpp.

Nothing of a process is kept in a host-wide place: the host's own current directory never changes,
and its mask of permissions does for the time of one call.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vmpp.process import calls
from vmpp.service.filesystem.host_folder import kind_of
from vmpp.service.filesystem.open_file import HostFile, OpenFile
from vmpp.service.filesystem.space import At
from vmpp.service.filesystem.volume import Striping
from vmpp.service.stdio import BLOCK


class HostSpace:
    """The name space of a job that has the files of the host."""

    def __init__(self) -> None:
        self.mask = os.umask(0o077)
        os.umask(self.mask)

    def start(self, directory: str | None) -> bytes:
        """Return the path, free of symbolic links, of *directory*, or of the host's own."""
        return os.fsencode(os.path.realpath(directory or os.getcwd()))

    def view(self, start: bytes) -> HostView:
        """Return what a process sees that starts in the directory *start*."""
        return HostView(self, start)

    def close(self) -> None:
        """Do nothing: there is nothing to be closed."""


class HostView:
    """What one process sees of the host; the methods are those of `View`.

    Attributes:
        directory: its current directory.
        mask: the permissions that it withholds from new files; None: those of the host.
    """

    __slots__ = ("_space", "directory", "mask")

    def __init__(self, space: HostSpace, directory: bytes) -> None:
        self._space = space
        self.directory = directory
        self.mask: int | None = None

    @property
    def owner(self) -> tuple[int, int]:
        """Numbers of the user who runs vmpp and of that user's group."""
        return os.getuid(), os.getgid()

    def begin(self, time: int) -> None:
        """Do nothing: the host has a clock of its own."""

    def _place(self, at: At, path: bytes) -> tuple[bytes, int | None]:
        """Return a path for the host, and the descriptor of the directory that it starts from."""
        # An empty path stays one, for the host to refuse.
        if not path or path.startswith(b"/"):
            return path, None
        if at is None:
            return os.path.join(self.directory, path), None
        return path, _fd(at)

    def _path(self, path: bytes) -> bytes:
        return self._place(None, path)[0]

    @contextmanager
    def _masked(self) -> Iterator[None]:
        """Make files with the mask of the process, and put back the host's, everybody's."""
        if self.mask is None:
            yield
            return
        os.umask(self.mask)
        try:
            yield
        finally:
            os.umask(self._space.mask)

    def open(self, at: At, path: bytes, flags: int, mode: int) -> tuple[HostFile, int]:
        """Open a file."""
        name, start = self._place(at, path)
        # Never wait for the other end of a named pipe: the whole machine would wait.
        host_flags = flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        with self._masked():
            fd = os.open(name, host_flags, mode, dir_fd=start)
        try:
            found = os.fstat(fd).st_mode
            kind = stat.S_IFMT(found)
            directory = self._absolute(at, path) if kind == stat.S_IFDIR else None
            patient = kind not in {stat.S_IFREG, stat.S_IFDIR, stat.S_IFBLK}
            return HostFile(fd, directory, patient and not flags & os.O_NONBLOCK), found
        except BaseException:
            os.close(fd)
            raise

    def _absolute(self, at: At, path: bytes) -> bytes:
        """Return the absolute path, free of symbolic links, of the directory at *path*."""
        start = self.directory if at is None else at.directory
        return os.path.realpath(os.path.join(start or b"/", path))

    def is_pipe(self, at: At, path: bytes) -> bool:
        """Return whether *path* is a named pipe."""
        name, start = self._place(at, path)
        return stat.S_ISFIFO(os.stat(name, dir_fd=start).st_mode)

    # -- attributes --------------------------------------------------------------------------------

    def stat(self, at: At, path: bytes, follow: bool) -> calls.Attributes:
        """Return what is known of a file."""
        name, start = self._place(at, path)
        return _attributes(os.stat(name, dir_fd=start, follow_symlinks=follow))

    def fstat(self, file: OpenFile) -> calls.Attributes:
        """Return what is known of an open file."""
        return _attributes(os.fstat(_fd(file)))

    def access(self, at: At, path: bytes, mode: int, effective: bool, follow: bool) -> bool:
        """Return whether a file may be used as *mode* says."""
        name, start = self._place(at, path)
        return os.access(name, mode, dir_fd=start, effective_ids=effective, follow_symlinks=follow)

    def chmod(self, at: At, path: bytes, mode: int, follow: bool) -> None:
        """Change permissions."""
        name, start = self._place(at, path)
        if follow or os.chmod in os.supports_follow_symlinks:
            os.chmod(name, mode, dir_fd=start, follow_symlinks=follow)
            return
        # Linux has no such call; a file that is no link it can be asked for in the usual way.
        if stat.S_ISLNK(os.stat(name, dir_fd=start, follow_symlinks=False).st_mode):
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        os.chmod(name, mode, dir_fd=start)

    def fchmod(self, file: OpenFile, mode: int) -> None:
        """Change permissions of an open file."""
        os.fchmod(_fd(file), mode)

    def chown(self, at: At, path: bytes, uid: int, gid: int, follow: bool) -> None:
        """Change the owner."""
        name, start = self._place(at, path)
        os.chown(name, uid, gid, dir_fd=start, follow_symlinks=follow)

    def fchown(self, file: OpenFile, uid: int, gid: int) -> None:
        """Change the owner of an open file."""
        os.fchown(_fd(file), uid, gid)

    def utime(self, at: At, path: bytes, times: tuple[int, int] | None, follow: bool) -> None:
        """Set the times; None: to the host's now."""
        name, start = self._place(at, path)
        if times is None:
            os.utime(name, dir_fd=start, follow_symlinks=follow)
        else:
            os.utime(name, ns=times, dir_fd=start, follow_symlinks=follow)

    def futime(self, file: OpenFile, times: tuple[int, int] | None) -> None:
        """Set the times of an open file."""
        if times is None:
            os.utime(_fd(file))
        else:
            os.utime(_fd(file), ns=times)

    def truncate(self, path: bytes, size: int) -> None:
        """Cut or extend a file."""
        os.truncate(self._path(path), size)

    def striping(self, at: At, path: bytes) -> calls.Striped:
        """Refuse: no file of the host is striped."""
        self.stat(at, path, True)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    def set_striping(self, at: At, path: bytes, mode: int, wanted: Striping) -> None:
        """Refuse, likewise."""
        del at, path, mode, wanted
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    def statvfs(self, path: bytes) -> calls.Space:
        """Tell about the file system that a file is on."""
        return _space(os.statvfs(self._path(path)))

    def fstatvfs(self, file: OpenFile) -> calls.Space:
        """Tell about the file system that an open file is on."""
        return _space(os.fstatvfs(_fd(file)))

    def umask(self, mask: int) -> int:
        """Set the mask and return the one before."""
        before = self._space.mask if self.mask is None else self.mask
        self.mask = mask
        return before

    def quota(self, uid: int) -> calls.Limits:
        """Refuse: nobody keeps account of the host's files."""
        del uid
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    # -- names and directories ---------------------------------------------------------------------

    def mkdir(self, at: At, path: bytes, mode: int) -> None:
        """Make a directory."""
        name, start = self._place(at, path)
        with self._masked():
            os.mkdir(name, mode, dir_fd=start)

    def rmdir(self, at: At, path: bytes) -> None:
        """Remove a directory."""
        name, start = self._place(at, path)
        os.rmdir(name, dir_fd=start)

    def unlink(self, at: At, path: bytes) -> None:
        """Remove a name."""
        name, start = self._place(at, path)
        os.unlink(name, dir_fd=start)

    def rename(self, at: At, path: bytes, to_at: At, to: bytes) -> None:
        """Give a file another name."""
        name, start = self._place(at, path)
        target, to_start = self._place(to_at, to)
        os.rename(name, target, src_dir_fd=start, dst_dir_fd=to_start)

    def link(self, at: At, path: bytes, to_at: At, to: bytes, follow: bool) -> None:
        """Give a file a second name."""
        name, start = self._place(at, path)
        target, to_start = self._place(to_at, to)
        os.link(name, target, src_dir_fd=start, dst_dir_fd=to_start, follow_symlinks=follow)

    def symlink(self, at: At, path: bytes, target: bytes) -> None:
        """Make a symbolic link."""
        name, start = self._place(at, path)
        os.symlink(target, name, dir_fd=start)

    def readlink(self, at: At, path: bytes) -> bytes:
        """Return what a symbolic link says."""
        name, start = self._place(at, path)
        return os.readlink(name, dir_fd=start)

    def listdir(self, at: At, path: bytes, after: bytes) -> calls.Entries:
        """List a directory."""
        name, start = self._place(at, path)
        if start is None:
            return _page(name, after)
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=start)
        try:
            return _page(fd, after)
        finally:
            os.close(fd)

    def flistdir(self, file: OpenFile, after: bytes) -> calls.Entries:
        """List an open directory."""
        return _page(_fd(file), after)

    def chdir(self, path: bytes) -> None:
        """Make a directory the current one."""
        name = self._path(path)
        if not stat.S_ISDIR(os.stat(name).st_mode):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(name, os.X_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        self.directory = os.path.realpath(name)

    def fchdir(self, file: OpenFile) -> None:
        """Make an open directory the current one."""
        if file.directory is None:
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        self.directory = file.directory

    def getcwd(self) -> bytes:
        """Return the path of the current directory."""
        os.stat(self.directory)  # as on any Unix, an error once somebody has removed it
        return self.directory


def _fd(file: OpenFile) -> int:
    assert isinstance(file, HostFile)
    return file.fd


def _attributes(s: os.stat_result) -> calls.Attributes:
    times = (s.st_atime_ns, s.st_mtime_ns, s.st_ctime_ns)
    owner = (s.st_nlink, s.st_uid, s.st_gid, s.st_size)
    return calls.fill(
        calls.Attributes(
            s.st_mode, s.st_ino, s.st_dev, *owner, *times, BLOCK, s.st_blocks, s.st_rdev
        )
    )


def _space(s: os.statvfs_result) -> calls.Space:
    counts = (s.f_blocks, s.f_bfree, s.f_bavail, s.f_files, s.f_ffree, s.f_favail)
    ids = (s.f_flag, s.f_namemax, s.f_fsid)
    return calls.fill(calls.Space(s.f_bsize, s.f_frsize, *counts, *ids))


def _page(directory: bytes | int, after: bytes) -> calls.Entries:
    # In the order of their names: that of the host's file system differs between hosts.
    with os.scandir(directory) as scan:
        found: list[tuple[bytes, os.DirEntry[Any]]] = sorted(
            (os.fsencode(entry.name), entry) for entry in scan
        )
        later = [pair for pair in found if pair[0] > after]
        entries = [calls.Entry(name, kind_of(entry)) for name, entry in later[: calls.PAGE]]
    return calls.Entries(entries, len(later) > calls.PAGE)
