"""``sftp`` and ``scp``: the machine's file tree, with the rights of the user who is logged in.

Every operation is a system call to the machine's file server, as a program would make it; there is
no way from here to the host's files.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, NoReturn, Protocol, TypeVar

import asyncssh
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_READ, FXF_TRUNC, FXF_WRITE
from asyncssh.constants import (
    FILEXFER_TYPE_DIRECTORY,
    FILEXFER_TYPE_REGULAR,
    FILEXFER_TYPE_SPECIAL,
    FILEXFER_TYPE_SYMLINK,
)
from trio_asyncio import trio_as_aio

from vmpp.errors import VmppError
from vmpp.process import calls
from vmpp.process.calls import HERE, Attributes

R = TypeVar("R", bound=calls.Reply)

VERSION: Final = 3
"""The version of the protocol: the one that OpenSSH speaks."""
LINKS: Final = 40
"""Symbolic links that are followed on the way to a file, at the most."""

_NANOSECONDS: Final = 10**9
_PERMISSIONS: Final = 0o7777
_ACCESS: Final = {
    FXF_READ: os.O_RDONLY,
    FXF_WRITE: os.O_WRONLY,
    FXF_READ | FXF_WRITE: os.O_RDWR,
    0: os.O_RDONLY,
}
_FLAGS: Final = {
    FXF_APPEND: os.O_APPEND,
    FXF_CREAT: os.O_CREAT,
    FXF_TRUNC: os.O_TRUNC,
    FXF_EXCL: os.O_EXCL,
}
_TYPES: Final = {
    stat.S_IFREG: FILEXFER_TYPE_REGULAR,
    stat.S_IFDIR: FILEXFER_TYPE_DIRECTORY,
    stat.S_IFLNK: FILEXFER_TYPE_SYMLINK,
}


class Ask(Protocol):
    """Makes a system call for the user, under Trio; raises OSError as the server answers."""

    def __call__(self, call: calls.Call[R]) -> Awaitable[R]:
        """Return the reply to *call*."""
        ...


class OpenFile:
    """A file that a client has opened."""

    __slots__ = ("appends", "handle")

    def __init__(self, handle: int, *, appends: bool) -> None:
        self.handle = handle
        self.appends = appends

    def seek(self, offset: int, whence: int) -> int:
        """Return where data, or a hole, begins at or after *offset*: it is all data."""
        return offset if whence == os.SEEK_DATA else 1 << 62


class SftpServer(asyncssh.SFTPServer):
    """The SFTP server of one channel."""

    def __init__(
        self,
        chan: asyncssh.SSHServerChannel[bytes],
        ask: Ask,
        *,
        users: Mapping[int, str],
        groups: Mapping[int, str],
        closed: Callable[[], object],
    ) -> None:
        """Serve the files that *ask* reaches; asyncssh calls the methods under asyncio.

        Args:
            users: names of users by number, for listings.
            groups: likewise of groups.
            closed: told when the client has gone.
        """
        super().__init__(chan)
        self._make = ask
        self._users = users
        self._groups = groups
        self._closed = closed

    def exit(self) -> None:
        """Tell that the client has gone; ``scp`` wants to hear that all went well."""
        self.channel.exit(0)
        self._closed()

    async def _ask(self, call: calls.Call[R]) -> R:
        """Make a system call, from asyncio."""
        # What passes between asyncio and Trio stays in a cycle of references until Python's
        # collector comes by, which while a machine is up is seldom; pieces of files must not.
        passed: list[Any] = [call]
        await trio_as_aio(self._pass)(passed)
        reply: R = passed.pop()
        return reply

    async def _pass(self, passed: list[Any]) -> None:
        """Make the call in *passed* and put its reply there; most errors asyncssh knows to tell."""
        try:
            passed.append(await self._make(passed.pop()))
        except PermissionError as error:
            raise asyncssh.SFTPPermissionDenied(error.strerror or "") from None
        except VmppError as error:
            raise asyncssh.SFTPFailure(str(error)) from None

    # -- open files ------------------------------------------------------------------------------

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> OpenFile:
        """Open a file."""
        flags = _ACCESS[pflags & (FXF_READ | FXF_WRITE)]
        for wanted, flag in _FLAGS.items():
            if pflags & wanted:
                flags |= flag
        mode = 0o666 if attrs.permissions is None else attrs.permissions & _PERMISSIONS
        opened = await self._ask(calls.Open(HERE, path, flags, mode))
        return OpenFile(opened.handle, appends=bool(flags & os.O_APPEND))

    async def close(self, file_obj: object) -> None:
        """Close a file."""
        await self._ask(calls.Close(_handle(file_obj)))

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Read up to *size* bytes, fewer at the end of the file only."""
        handle, data = _handle(file_obj), b""
        while len(data) < size:
            count = min(size - len(data), calls.MOST)
            piece = (await self._ask(calls.Pread(handle, count, offset + len(data)))).data
            data += piece
            if len(piece) < count:
                break
        return data

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write all of *data*."""
        assert isinstance(file_obj, OpenFile)
        written = 0
        while written < len(data):
            piece = data[written : written + calls.MOST]
            if file_obj.appends:
                count = await self._ask(calls.Write(file_obj.handle, piece))
            else:
                count = await self._ask(calls.Pwrite(file_obj.handle, piece, offset + written))
            written += count.count
        return written

    async def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        """Return what is known of an open file."""
        return _attributes(await self._ask(calls.Fstat(_handle(file_obj))))

    async def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """Change what is known of an open file."""
        handle = _handle(file_obj)
        if attrs.size is not None:
            await self._ask(calls.Ftruncate(handle, attrs.size))
        if attrs.permissions is not None:
            await self._ask(calls.Fchmod(handle, attrs.permissions & _PERMISSIONS))
        if attrs.uid is not None and attrs.gid is not None:
            await self._ask(calls.Fchown(handle, attrs.uid, attrs.gid))
        if (times := _times(attrs)) is not None:
            await self._ask(calls.Futime(handle, times))

    async def fsync(self, file_obj: object) -> None:
        """Have an open file's contents kept."""
        await self._ask(calls.Fsync(_handle(file_obj)))

    async def fstatvfs(self, file_obj: object) -> asyncssh.SFTPVFSAttrs:
        """Return how much room there is where an open file is."""
        return _room(await self._ask(calls.Fstatvfs(_handle(file_obj))))

    # -- files by name ---------------------------------------------------------------------------

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Return what is known of a file; symbolic links are followed."""
        return _attributes(await self._ask(calls.Stat(HERE, path, True)))

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Return what is known of a file, or of a symbolic link itself."""
        return _attributes(await self._ask(calls.Stat(HERE, path, False)))

    async def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Change what is known of a file; symbolic links are followed."""
        if attrs.size is not None:
            await self._ask(calls.Truncate(path, attrs.size))
        await self._set(path, attrs, follow=True)

    async def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Change what is known of a file, or of a symbolic link itself."""
        await self._set(path, attrs, follow=False)

    async def _set(self, path: bytes, attrs: asyncssh.SFTPAttrs, *, follow: bool) -> None:
        if attrs.permissions is not None:
            mode = attrs.permissions & _PERMISSIONS
            await self._ask(calls.Chmod(HERE, path, mode, follow))
        if attrs.uid is not None and attrs.gid is not None:
            await self._ask(calls.Chown(HERE, path, attrs.uid, attrs.gid, follow))
        if (times := _times(attrs)) is not None:
            await self._ask(calls.Utime(HERE, path, times, follow))

    async def statvfs(self, path: bytes) -> asyncssh.SFTPVFSAttrs:
        """Return how much room there is where a file is: that of the user's quota, if any."""
        return _room(await self._ask(calls.Statvfs(path)))

    async def remove(self, path: bytes) -> None:
        """Remove a file."""
        await self._ask(calls.Unlink(HERE, path))

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file, unless there is one of the new name."""
        try:
            await self._ask(calls.Stat(HERE, newpath, False))
        except FileNotFoundError:
            await self.posix_rename(oldpath, newpath)
        else:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fsdecode(newpath))

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file, in place of one that has the new name."""
        await self._ask(calls.Rename(HERE, oldpath, HERE, newpath))

    async def link(self, oldpath: bytes, newpath: bytes) -> None:
        """Give a file one more name."""
        await self._ask(calls.Link(HERE, oldpath, HERE, newpath, False))

    async def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """Make the symbolic link *newpath*, which says *oldpath*."""
        await self._ask(calls.Symlink(HERE, newpath, oldpath))

    async def readlink(self, path: bytes) -> bytes:
        """Return what a symbolic link says."""
        return (await self._ask(calls.Readlink(HERE, path))).path

    # -- directories -----------------------------------------------------------------------------

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """Yield what is in a directory, with what is known of it."""
        after, more = b"", True
        yield asyncssh.SFTPName(b".", attrs=await self.stat(path))
        yield asyncssh.SFTPName(b"..", attrs=await self.stat(posixpath.join(path, b"..")))
        while more:
            listed = await self._ask(calls.Listdir(HERE, path, after))
            for entry in listed.entries:
                after = entry.name
                try:
                    attrs = await self.lstat(posixpath.join(path, entry.name))
                except FileNotFoundError:
                    continue  # somebody has removed it meanwhile
                yield asyncssh.SFTPName(entry.name, attrs=attrs)
            more = listed.more

    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Make a directory."""
        mode = 0o777 if attrs.permissions is None else attrs.permissions & _PERMISSIONS
        await self._ask(calls.Mkdir(HERE, path, mode))

    async def rmdir(self, path: bytes) -> None:
        """Remove an empty directory."""
        await self._ask(calls.Rmdir(HERE, path))

    async def realpath(self, path: bytes) -> bytes:
        """Return *path* from the root, without links; what is not there may be at the end of it."""
        here = (await self._ask(calls.Getcwd())).path
        left = [*here.split(b"/"), *path.split(b"/")] if path[:1] != b"/" else path.split(b"/")
        found, links = b"/", 0
        while left:
            name = left.pop(0)
            if name == b"..":
                found = posixpath.dirname(found)
            elif name not in (b"", b"."):
                target = await self._target(posixpath.join(found, name))
                if target is None:
                    found = posixpath.join(found, name)
                    continue
                links += 1
                if links > LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fsdecode(path))
                left[:0] = target.split(b"/")
                found = b"/" if target[:1] == b"/" else found
        return found

    async def _target(self, path: bytes) -> bytes | None:
        """Return what a symbolic link says, None for what is none."""
        try:
            attributes = await self._ask(calls.Stat(HERE, path, False))
        except FileNotFoundError:
            return None
        return await self.readlink(path) if stat.S_ISLNK(attributes.mode) else None

    # -- listings --------------------------------------------------------------------------------

    def format_user(self, uid: int | None) -> str:
        """Return the name of a user, for listings."""
        return "" if uid is None else self._users.get(uid, str(uid))

    def format_group(self, gid: int | None) -> str:
        """Return the name of a group, for listings."""
        return "" if gid is None else self._groups.get(gid, str(gid))


def _refused(self: SftpServer, *arguments: Any) -> NoReturn:
    raise asyncssh.SFTPOpUnsupported("this machine's files have no such operation")


HARMLESS: Final = frozenset(
    {"channel", "connection", "env", "logger", "convert_attrs", "_to_sftpname", "format_longname"}
)
"""What is used of asyncssh's own SFTP server."""

# All else of it, in this version or in later ones, reaches the files of the host.
for _name in vars(asyncssh.SFTPServer).keys() - vars(SftpServer).keys() - HARMLESS:
    if not _name.startswith("__"):
        setattr(SftpServer, _name, _refused)


def _handle(file: object) -> int:
    assert isinstance(file, OpenFile)
    return file.handle


def _attributes(known: Attributes) -> asyncssh.SFTPAttrs:
    return asyncssh.SFTPAttrs(
        type=_TYPES.get(stat.S_IFMT(known.mode), FILEXFER_TYPE_SPECIAL),
        size=known.size,
        uid=known.uid,
        gid=known.gid,
        permissions=known.mode,
        atime=known.atime_ns // _NANOSECONDS,
        mtime=known.mtime_ns // _NANOSECONDS,
        nlink=known.nlink,
    )


def _times(attrs: asyncssh.SFTPAttrs) -> tuple[int, int] | None:
    if attrs.atime is None or attrs.mtime is None:
        return None
    return attrs.atime * _NANOSECONDS, attrs.mtime * _NANOSECONDS


def _room(space: calls.Space) -> asyncssh.SFTPVFSAttrs:
    return asyncssh.SFTPVFSAttrs(
        bsize=space.bsize,
        frsize=space.frsize,
        blocks=space.blocks,
        bfree=space.bfree,
        bavail=space.bavail,
        files=space.files,
        ffree=space.ffree,
        favail=space.favail,
        fsid=space.fsid,
        flags=space.flag,
        namemax=space.namemax,
    )
