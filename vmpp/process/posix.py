"""The operating system's interface as a program on a compute node has it: ``os.*``, ``open``, ...

`TABLE` says which functions of which modules are replaced while a machine is up. Each replacement
is a *virtual function*: it takes the process first and then the arguments of the original, and asks
the file server for what the original would ask the host's kernel for, with the same results and the
same exceptions. Nothing in here touches a file of the host.

A process stays the user that it is: ``setuid`` and its kin raise OSError(EPERM), as ``chroot``.
What a compute node does not have raises OSError(ENOSYS): pipes, pseudo-terminals, anonymous memory
files, device nodes, ``splice`` and ``copy_file_range``. It has no extended attributes either
(ENOTSUP), no file locks (ENOLCK) and no terminals (ENOTTY).

Out of reach are C libraries that open files themselves (sqlite3, dbm.gnu, HDF5), or that take a
descriptor's number to the host: ``mmap``, ``select``, ``fcntl``, ``ndarray.tofile`` and
``numpy.fromfile`` get EBADF or an OSError that says so. ``io.FileIO`` itself is not replaced.
"""

from __future__ import annotations

import contextlib
import errno
import operator
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any, Final

from vmpp.process import calls
from vmpp.process.file_transfers import flat
from vmpp.process.files import FIRST, Descriptor, Files
from vmpp.process.stdio import encode_path, open_file, read_line
from vmpp.process.virtual import Functions, Virtual, absent, refused

if TYPE_CHECKING:
    from random import Random

    from vmpp.kernel.process import Process


# -- open files ----------------------------------------------------------------------------------


def _open(
    process: Process, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None
) -> int:
    at = _at(process, dir_fd)
    return _files(process).open(encode_path(path), operator.index(flags), mode, at, path)


def _close(process: Process, fd: int) -> None:
    _files(process).close(_fd(fd))


def _closerange(process: Process, fd_low: int, fd_high: int, /) -> None:
    for fd in _files(process).descriptors():
        if fd_low <= fd < fd_high:
            _files(process).close(fd)


def _dup(process: Process, fd: int, /) -> int:
    if operator.index(fd) >= FIRST and not isinstance(fd, Descriptor):
        raise OSError(
            errno.EBADF,
            "C code cannot use a file of a compute node (instead of array.tofile(f) and "
            "numpy.fromfile(f): f.write(array.tobytes()) and numpy.frombuffer(f.read()))",
        )
    return _files(process).dup(fd)


def _dup2(process: Process, fd: int, fd2: int, inheritable: bool = True) -> int:
    del inheritable  # there is no exec on a compute node
    return _files(process).dup2(_fd(fd), _fd(fd2))


def _read(process: Process, fd: int, length: int, /) -> bytes:
    return _files(process).read(_fd(fd), _size(length))


def _write(process: Process, fd: int, data: Any, /) -> int:
    return _files(process).write(_fd(fd), data)


def _pread(process: Process, fd: int, length: int, offset: int, /) -> bytes:
    return _files(process).pread(_fd(fd), _size(length), offset)


def _pwrite(process: Process, fd: int, data: Any, offset: int, /) -> int:
    return _files(process).pwrite(_fd(fd), data, offset)


def _readv(process: Process, fd: int, buffers: Any, /) -> int:
    files, fd = _files(process), _fd(fd)
    if len(buffers) == 1:
        return files.readinto(fd, flat(buffers[0]))
    views = [flat(buffer) for buffer in buffers]
    return _scatter(files.read(fd, sum(map(len, views))), views)


def _preadv(process: Process, fd: int, buffers: Any, offset: int, flags: int = 0, /) -> int:
    _refuse_flags(flags)
    files, fd = _files(process), _fd(fd)
    if len(buffers) == 1:
        return files.pread_into(fd, flat(buffers[0]), offset)
    views = [flat(buffer) for buffer in buffers]
    return _scatter(files.pread(fd, sum(map(len, views)), offset), views)


def _scatter(data: bytes, views: list[memoryview]) -> int:
    done = 0
    for view in views:
        part = data[done : done + len(view)]
        view[: len(part)] = part
        done += len(part)
    return done


def _writev(process: Process, fd: int, buffers: Any, /) -> int:
    return _files(process).write(_fd(fd), b"".join(buffers))


def _pwritev(process: Process, fd: int, buffers: Any, offset: int, flags: int = 0, /) -> int:
    _refuse_flags(flags)
    return _pwrite(process, fd, b"".join(buffers), offset)


def _refuse_flags(flags: int) -> None:
    if flags:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))


def _sendfile(process: Process, out_fd: int, in_fd: int, offset: int | None, count: int) -> int:
    """Copy through the process, in pieces: `shutil` calls again until nothing is left."""
    most = min(_size(count), calls.MOST)
    here = offset is None
    data = _read(process, in_fd, most) if here else _pread(process, in_fd, most, offset or 0)
    return _files(process).write(_fd(out_fd), data) if data else 0


def _lseek(process: Process, fd: int, position: int, how: int, /) -> int:
    return _files(process).lseek(_fd(fd), operator.index(position), how)


def _ftruncate(process: Process, fd: int, length: int, /) -> None:
    _files(process).truncate(_fd(fd), operator.index(length))


def _posix_fallocate(process: Process, fd: int, offset: int, length: int, /) -> None:
    if _fstat(process, fd).st_size < offset + length:
        _ftruncate(process, fd, offset + length)


def _posix_fadvise(process: Process, fd: int, offset: int, length: int, advice: int, /) -> None:
    del offset, length, advice
    _files(process).lookup(_fd(fd))


def _fsync(process: Process, fd: int) -> None:
    _files(process).sync(_fd(fd))


def _sync(process: Process) -> None:
    for fd in _files(process).descriptors():
        if fd >= FIRST:
            _fsync(process, fd)


def _isatty(process: Process, fd: int, /) -> bool:
    try:
        handle = _files(process).handle(_fd(fd))
    except OSError:
        return False
    return _files(process).call(calls.Isatty(handle)).value


def _device_encoding(process: Process, fd: int) -> str | None:
    return "UTF-8" if _isatty(process, fd) else None


def _get_blocking(process: Process, fd: int, /) -> bool:
    _files(process).lookup(_fd(fd))
    return True


def _set_blocking(process: Process, fd: int, blocking: bool, /) -> None:
    _files(process).lookup(_fd(fd))
    if not blocking:
        raise OSError(errno.ENOSYS, "a compute node has no files that do not block")


def _get_inheritable(process: Process, fd: int, /) -> bool:
    _files(process).lookup(_fd(fd))
    return False


def _set_inheritable(process: Process, fd: int, inheritable: int, /) -> None:
    del inheritable  # there is no exec on a compute node
    _files(process).lookup(_fd(fd))


# -- attributes ----------------------------------------------------------------------------------


def _stat(
    process: Process, path: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True
) -> os.stat_result:
    if isinstance(path, int):
        return _fstat(process, path)
    request = calls.Stat(_at(process, dir_fd), encode_path(path), bool(follow_symlinks))
    return _stat_result(_files(process).call(request, path))


def _lstat(process: Process, path: Any, *, dir_fd: int | None = None) -> os.stat_result:
    return _stat(process, path, dir_fd=dir_fd, follow_symlinks=False)


def _fstat(process: Process, fd: int) -> os.stat_result:
    return _stat_result(_files(process).call(calls.Fstat(_files(process).handle(_fd(fd)))))


def _stat_result(a: calls.Attributes) -> os.stat_result:
    times = (a.atime_ns, a.mtime_ns, a.ctime_ns)
    whole = [ns // 10**9 for ns in times]
    exact = [s + 1e-9 * (ns - s * 10**9) for s, ns in zip(whole, times, strict=True)]
    fields = (a.mode, a.ino, a.dev, a.nlink, a.uid, a.gid, a.size, *whole, *exact, *times)
    rest = {"st_blksize": a.blksize, "st_blocks": a.blocks, "st_rdev": a.rdev}
    return os.stat_result(fields, rest)


def _access(
    process: Process,
    path: Any,
    mode: int,
    *,
    dir_fd: int | None = None,
    effective_ids: bool = False,
    follow_symlinks: bool = True,
) -> bool:
    request = calls.Access(
        _at(process, dir_fd), encode_path(path), mode, bool(effective_ids), bool(follow_symlinks)
    )
    return _files(process).call(request, path).value


def _chmod(
    process: Process,
    path: Any,
    mode: int,
    *,
    dir_fd: int | None = None,
    follow_symlinks: bool = True,
) -> None:
    if isinstance(path, int):
        return _fchmod(process, path, mode)
    if not follow_symlinks and "chmod" not in CAPABILITIES["supports_follow_symlinks"]:
        raise NotImplementedError("chmod: follow_symlinks unavailable on this platform")
    at = _at(process, dir_fd)
    _files(process).call(calls.Chmod(at, encode_path(path), mode, bool(follow_symlinks)), path)
    return None


def _fchmod(process: Process, fd: int, mode: int) -> None:
    _files(process).call(calls.Fchmod(_files(process).handle(_fd(fd)), mode))


def _chown(
    process: Process,
    path: Any,
    uid: int,
    gid: int,
    *,
    dir_fd: int | None = None,
    follow_symlinks: bool = True,
) -> None:
    if isinstance(path, int):
        return _fchown(process, path, uid, gid)
    at = _at(process, dir_fd)
    _files(process).call(calls.Chown(at, encode_path(path), uid, gid, bool(follow_symlinks)), path)
    return None


def _lchown(process: Process, path: Any, uid: int, gid: int) -> None:
    _chown(process, path, uid, gid, follow_symlinks=False)


def _fchown(process: Process, fd: int, uid: int, gid: int) -> None:
    _files(process).call(calls.Fchown(_files(process).handle(_fd(fd)), uid, gid))


_UNSET: Final = object()


def _utime(
    process: Process,
    path: Any,
    times: Any = None,
    *,
    ns: Any = _UNSET,
    dir_fd: int | None = None,
    follow_symlinks: bool = True,
) -> None:
    both = _both_times(times, ns)
    if isinstance(path, int):
        _files(process).call(calls.Futime(_files(process).handle(path), both))
        return
    at = _at(process, dir_fd)
    _files(process).call(calls.Utime(at, encode_path(path), both, bool(follow_symlinks)), path)


def _both_times(times: Any, ns: Any) -> tuple[int, int] | None:
    if times is not None and ns is not _UNSET:
        raise ValueError(
            "utime: you may specify either 'times' or 'ns' but not both",
        )
    pair = times if ns is _UNSET else ns
    if pair is None:
        return None
    if not isinstance(pair, tuple) or len(pair) != 2:
        name = "times" if ns is _UNSET else "ns"
        raise TypeError(f"utime: {name!r} must be a tuple of two ints")
    if ns is _UNSET:
        return _nanoseconds(pair[0]), _nanoseconds(pair[1])
    return operator.index(pair[0]), operator.index(pair[1])


def _nanoseconds(seconds: float) -> int:
    # Whole and fraction apart: 53 bits do not hold today's date in nanoseconds.
    whole = int(seconds // 1)
    return whole * 10**9 + int((seconds - whole) * 1e9)


def _truncate(process: Process, path: Any, length: int) -> None:
    if isinstance(path, int):
        _ftruncate(process, path, length)
    else:
        _files(process).call(calls.Truncate(encode_path(path), operator.index(length)), path)


def _statvfs(process: Process, path: Any) -> os.statvfs_result:
    if isinstance(path, int):
        return _fstatvfs(process, path)
    return _statvfs_result(_files(process).call(calls.Statvfs(encode_path(path)), path))


def _fstatvfs(process: Process, fd: int, /) -> os.statvfs_result:
    return _statvfs_result(_files(process).call(calls.Fstatvfs(_files(process).handle(_fd(fd)))))


def _statvfs_result(s: calls.Space) -> os.statvfs_result:
    sizes = (s.bsize, s.frsize, s.blocks, s.bfree, s.bavail, s.files, s.ffree, s.favail)
    return os.statvfs_result((*sizes, s.flag, s.namemax), {"f_fsid": s.fsid})


def _umask(process: Process, mask: int, /) -> int:
    return _files(process).call(calls.Umask(mask & 0o777)).mask


# -- names ---------------------------------------------------------------------------------------


def _mkdir(process: Process, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
    _files(process).call(calls.Mkdir(_at(process, dir_fd), encode_path(path), mode), path)


def _rmdir(process: Process, path: Any, *, dir_fd: int | None = None) -> None:
    _files(process).call(calls.Rmdir(_at(process, dir_fd), encode_path(path)), path)


def _unlink(process: Process, path: Any, *, dir_fd: int | None = None) -> None:
    _files(process).call(calls.Unlink(_at(process, dir_fd), encode_path(path)), path)


def _rename(
    process: Process,
    src: Any,
    dst: Any,
    *,
    src_dir_fd: int | None = None,
    dst_dir_fd: int | None = None,
) -> None:
    source, to = _at(process, src_dir_fd), _at(process, dst_dir_fd)
    request = calls.Rename(source, encode_path(src), to, encode_path(dst))
    _files(process).call(request, src, dst)


def _link(
    process: Process,
    src: Any,
    dst: Any,
    *,
    src_dir_fd: int | None = None,
    dst_dir_fd: int | None = None,
    follow_symlinks: bool = True,
) -> None:
    source, to = _at(process, src_dir_fd), _at(process, dst_dir_fd)
    request = calls.Link(source, encode_path(src), to, encode_path(dst), bool(follow_symlinks))
    _files(process).call(request, src, dst)


def _symlink(
    process: Process,
    src: Any,
    dst: Any,
    target_is_directory: bool = False,
    *,
    dir_fd: int | None = None,
) -> None:
    del target_is_directory  # only Windows asks for it
    request = calls.Symlink(_at(process, dir_fd), encode_path(dst), encode_path(src))
    _files(process).call(request, src, dst)


def _readlink(process: Process, path: Any, *, dir_fd: int | None = None) -> Any:
    found = _files(process).call(calls.Readlink(_at(process, dir_fd), encode_path(path)), path).path
    return found if isinstance(os.fspath(path), bytes) else os.fsdecode(found)


# -- directories ---------------------------------------------------------------------------------


def _chdir(process: Process, path: Any) -> None:
    if isinstance(path, int):
        _fchdir(process, path)
    else:
        _files(process).call(calls.Chdir(encode_path(path)), path)


def _fchdir(process: Process, fd: Any) -> None:
    fd = fd if isinstance(fd, int) else fd.fileno()
    _files(process).call(calls.Fchdir(_files(process).handle(fd)))


def _getcwdb(process: Process) -> bytes:
    return _files(process).call(calls.Getcwd()).path


def _getcwd(process: Process) -> str:
    return os.fsdecode(_getcwdb(process))


def _entries(process: Process, path: Any) -> Iterator[calls.Entry]:
    files = _files(process)
    after = b""
    while True:
        request: calls.Call[calls.Entries]
        if isinstance(path, int):
            request = calls.Flistdir(files.handle(path), after)
        else:
            request = calls.Listdir(calls.HERE, encode_path(path), after)
        page = files.call(request, path)
        yield from page.entries
        if not page.more:
            return
        after = page.entries[-1].name


def _listdir(process: Process, path: Any = None) -> list[Any]:
    path = "." if path is None else path
    names = [entry.name for entry in _entries(process, path)]
    if not isinstance(path, int) and isinstance(os.fspath(path), bytes):
        return names
    return [os.fsdecode(name) for name in names]


class DirEntry:
    """An entry of a directory as `os.scandir` yields it: an `os.DirEntry` of a compute node."""

    __slots__ = ("_attributes", "_entry", "_fd", "_process", "name", "path")

    def __init__(self, process: Process, directory: Any, entry: calls.Entry) -> None:
        self._process = process
        self._entry = entry
        self._fd: int | None = directory if isinstance(directory, int) else None
        self._attributes: dict[bool, os.stat_result] = {}
        if isinstance(directory, bytes):
            self.name: Any = entry.name
        else:
            self.name = os.fsdecode(entry.name)
        self.path: Any = self.name if self._fd is not None else os.path.join(directory, self.name)

    def __fspath__(self) -> Any:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"

    def inode(self) -> int:
        """Return the inode number of the entry."""
        return self.stat(follow_symlinks=False).st_ino

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return the attributes of the entry, asked for once."""
        follow = bool(follow_symlinks) and self.is_symlink()
        if follow not in self._attributes:
            self._attributes[follow] = _stat(
                self._process, self.path, dir_fd=self._fd, follow_symlinks=follow
            )
        return self._attributes[follow]

    def is_symlink(self) -> bool:
        """Return whether the entry is a symbolic link."""
        return self._kind(False) == stat.S_IFLNK

    def is_junction(self) -> bool:
        """Return False: only Windows has junctions."""
        return False

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether the entry is a directory."""
        return self._kind(follow_symlinks) == stat.S_IFDIR

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether the entry is a regular file."""
        return self._kind(follow_symlinks) == stat.S_IFREG

    def _kind(self, follow: bool) -> int:
        kind = self._entry.kind
        if kind != stat.S_IFLNK or not follow:
            return kind
        try:
            return stat.S_IFMT(self.stat().st_mode)
        except FileNotFoundError:
            return 0


class Scan:
    """What `os.scandir` returns: an iterator over a directory that can be closed."""

    __slots__ = ("_directory", "_entries", "_process")

    def __init__(self, process: Process, directory: Any) -> None:
        self._process = process
        self._directory = directory if isinstance(directory, int) else os.fspath(directory)
        # The first page is asked for at once: a missing directory is an error of scandir itself.
        entries = _entries(process, directory)
        first = next(entries, None)
        self._entries = iter(()) if first is None else _chain(first, entries)

    def __iter__(self) -> Scan:
        return self

    def __next__(self) -> DirEntry:
        return DirEntry(self._process, self._directory, next(self._entries))

    def __enter__(self) -> Scan:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Yield nothing more."""
        self._entries = iter(())


def _chain(first: calls.Entry, others: Iterator[calls.Entry]) -> Iterator[calls.Entry]:
    yield first
    yield from others


def _scandir(process: Process, path: Any = None) -> Scan:
    return Scan(process, "." if path is None else path)


# -- what other modules have taken from these at import ------------------------------------------


def _open_code(process: Process, path: str) -> IO[Any]:
    if not isinstance(path, str):
        raise TypeError(f"open_code() argument 'path' must be str, not {type(path).__name__}")
    return open_file(process, path, "rb")


def _numpy_open(
    process: Process,
    path: Any,
    mode: str = "r",
    destpath: Any = os.curdir,
    encoding: str | None = None,
    newline: str | None = None,
) -> IO[Any]:
    """Open a text for `numpy.loadtxt` and its kin, which hold the host's ``open`` themselves."""
    del destpath  # where NumPy would put downloads; a compute node has no Internet
    path = os.fspath(path)
    openers: dict[str, str] = {".gz": "gzip", ".bz2": "bz2", ".xz": "lzma"}
    module = openers.get(os.path.splitext(path)[1])
    if module is None:
        return open_file(process, path, mode, encoding=encoding, newline=newline)
    opener: Callable[..., IO[Any]] = import_module(module).open
    return opener(path, mode, encoding=encoding, newline=newline)


def _gettempdir(process: Process) -> str:
    # The original waits for a lock that another rank may hold across a system call.
    if tempfile.tempdir is not None:
        return os.fsdecode(tempfile.tempdir)
    files = _files(process)
    if files.temporary_folder is None:
        files.temporary_folder = _find_folder(process)
    return str(files.temporary_folder)


def _find_folder(process: Process) -> str:
    wanted = [os.getenv(name) for name in ("TMPDIR", "TEMP", "TMP")]
    for folder in [*filter(None, wanted), "/tmp", "/var/tmp", "/usr/tmp", _getcwd(process)]:
        with contextlib.suppress(OSError):
            path = os.path.join(_getcwd(process), folder)
            is_folder = stat.S_ISDIR(_stat(process, path).st_mode)
            if is_folder and _access(process, path, os.W_OK | os.X_OK):
                return os.path.normpath(path)
    raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")


def _get_candidate_names(process: Process) -> Iterator[str]:
    files = _files(process)
    if files.temporary_names is None:
        files.temporary_names = _random_names(process.stream("tempfile"))
    names: Iterator[str] = files.temporary_names
    return names


def _random_names(stream: Random) -> Iterator[str]:
    while True:
        yield "".join(stream.choices("abcdefghijklmnopqrstuvwxyz0123456789_", k=8))


def _temporary_file_closer(process: Process, *args: Any, **kwargs: Any) -> Any:
    del process
    return _Closer(*args, **kwargs)


class _Closer(tempfile._TemporaryFileCloser):  # type: ignore[name-defined,misc]
    """Deletes a named temporary file by today's ``os.unlink``, not that of tempfile's import."""

    if sys.version_info >= (3, 12):

        def cleanup(self, windows: bool = False, unlink: Virtual | None = None) -> None:
            super().cleanup(windows, unlink or os.unlink)

    else:

        def close(self, unlink: Virtual | None = None) -> None:
            super().close(unlink or os.unlink)


# -- the table -----------------------------------------------------------------------------------


def _files(process: Process) -> Files:
    files: Files = process.files
    return files


def _fd(fd: Any) -> int:
    return operator.index(fd)


def _size(length: Any) -> int:
    length = operator.index(length)
    if length < 0:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return int(length)


def _at(process: Process, dir_fd: int | None) -> int:
    return calls.HERE if dir_fd is None else _files(process).handle(_fd(dir_fd))


TABLE: Final[Functions] = {
    "builtins": {
        "input": read_line,
        "open": open_file,
    },
    "io": {
        "open": open_file,
        "open_code": _open_code,
    },
    "os": {
        "access": _access,
        "chdir": _chdir,
        "chmod": _chmod,
        "chown": _chown,
        "chroot": refused(errno.EPERM),
        "close": _close,
        "closerange": _closerange,
        "copy_file_range": absent("copy_file_range"),
        "device_encoding": _device_encoding,
        "dup": _dup,
        "dup2": _dup2,
        "eventfd": absent("event descriptors"),
        "eventfd_read": absent("event descriptors"),
        "eventfd_write": absent("event descriptors"),
        "fchdir": _fchdir,
        "fchmod": _fchmod,
        "fchown": _fchown,
        "fdatasync": _fsync,
        "fpathconf": absent("fpathconf"),
        "fstat": _fstat,
        "fstatvfs": _fstatvfs,
        "fsync": _fsync,
        "ftruncate": _ftruncate,
        "get_blocking": _get_blocking,
        "get_inheritable": _get_inheritable,
        "get_terminal_size": refused(errno.ENOTTY),
        "getcwd": _getcwd,
        "getcwdb": _getcwdb,
        "getxattr": refused(errno.ENOTSUP),
        "initgroups": refused(errno.EPERM),
        "isatty": _isatty,
        "lchown": _lchown,
        "link": _link,
        "listdir": _listdir,
        "listxattr": refused(errno.ENOTSUP),
        "lockf": refused(errno.ENOLCK),
        "login_tty": refused(errno.ENOTTY),
        "lseek": _lseek,
        "lstat": _lstat,
        "memfd_create": absent("anonymous memory files"),
        "mkdir": _mkdir,
        "mkfifo": absent("named pipes"),
        "mknod": absent("device nodes"),
        "open": _open,
        "openpty": absent("pseudo-terminals"),
        "pathconf": absent("pathconf"),
        "pipe": absent("pipes"),
        "pipe2": absent("pipes"),
        "posix_fadvise": _posix_fadvise,
        "posix_fallocate": _posix_fallocate,
        "pread": _pread,
        "preadv": _preadv,
        "pwrite": _pwrite,
        "pwritev": _pwritev,
        "read": _read,
        "readlink": _readlink,
        "readv": _readv,
        "remove": _unlink,
        "removexattr": refused(errno.ENOTSUP),
        "rename": _rename,
        "replace": _rename,
        "rmdir": _rmdir,
        "scandir": _scandir,
        "sendfile": _sendfile,
        "set_blocking": _set_blocking,
        "set_inheritable": _set_inheritable,
        "setegid": refused(errno.EPERM),
        "seteuid": refused(errno.EPERM),
        "setgid": refused(errno.EPERM),
        "setgroups": refused(errno.EPERM),
        "setregid": refused(errno.EPERM),
        "setresgid": refused(errno.EPERM),
        "setresuid": refused(errno.EPERM),
        "setreuid": refused(errno.EPERM),
        "setuid": refused(errno.EPERM),
        "setxattr": refused(errno.ENOTSUP),
        "splice": absent("splice"),
        "stat": _stat,
        "statvfs": _statvfs,
        "symlink": _symlink,
        "sync": _sync,
        "tcgetpgrp": refused(errno.ENOTTY),
        "tcsetpgrp": refused(errno.ENOTTY),
        "truncate": _truncate,
        "ttyname": refused(errno.ENOTTY),
        "umask": _umask,
        "unlink": _unlink,
        "utime": _utime,
        "write": _write,
        "writev": _writev,
    },
    # Modules that keep the original under another name from the moment they are imported.
    "bz2": {"_builtin_open": open_file},
    "numpy.lib._datasource": {"open": _numpy_open},
    "tarfile": {"bltn_open": open_file},
    "tempfile": {
        "_TemporaryFileCloser": _temporary_file_closer,
        "_get_candidate_names": _get_candidate_names,
        "_gettempdir": _gettempdir,
    },
    "tokenize": {"_builtin_open": open_file},
}
"""Virtual functions by module and name, which `vmpp.process.interpose` puts into place."""

CAPABILITIES: Final[Mapping[str, frozenset[str]]] = {
    capability: frozenset(n for n in TABLE["os"] if getattr(os, n) in getattr(os, capability))
    for capability in (
        "supports_dir_fd",
        "supports_effective_ids",
        "supports_fd",
        "supports_follow_symlinks",
    )
}
"""Which virtual functions belong into the sets ``os.supports_dir_fd``..., where modules such as
`shutil` look for what they may do: those whose originals are in there."""
