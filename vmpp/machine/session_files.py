"""The files that a session reaches: system calls to the server `files`, under the session's number.

So they take virtual time, with the rights of whoever is logged in, and a relative path starts from
the session's own current directory, which the server keeps.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Awaitable, Callable
from os import PathLike
from types import TracebackType
from typing import Final, TypeAlias, TypeVar

from vmpp.process import calls
from vmpp.service.client import ServerDownError

R = TypeVar("R", bound=calls.Reply)
Path: TypeAlias = str | bytes | PathLike[str]

PIECE: Final = calls.MOST
"""Bytes of a file that one request reads or writes at the most."""

_MODES: Final = {
    "r": os.O_RDONLY,
    "r+": os.O_RDWR,
    "w": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    "w+": os.O_RDWR | os.O_CREAT | os.O_TRUNC,
    "a": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
    "a+": os.O_RDWR | os.O_CREAT | os.O_APPEND,
    "x": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
    "x+": os.O_RDWR | os.O_CREAT | os.O_EXCL,
}


class SessionFiles:
    """Files as somebody who is logged in sees them.

    Names come back as the file system has them, with `os.fsdecode`. All methods raise `OSError`
    with the name of the file, and `ServerDownError` if the file server does not answer.
    """

    def __init__(self, call: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Set it up; *call* asks a server, by name, on behalf of the session."""
        self._call = call

    async def ask(self, call: calls.Call[R], *paths: Path) -> R:
        """Make a system call and return its reply; an error names *paths*."""
        try:
            reply = calls.decode_reply(await self._call("files", calls.encode(call)))
        except ServerDownError:
            culprit = "".join(f"{os.fsdecode(path)}: " for path in paths[:1])
            raise ServerDownError(f"{culprit}the file server does not answer") from None
        if isinstance(reply, calls.Failed):
            names = [os.fsdecode(path) for path in paths]
            text = reply.text or os.strerror(reply.errno)
            if len(names) > 1:
                raise OSError(reply.errno, text, names[0], None, names[1])
            raise OSError(reply.errno, text, *names)
        return reply  # type: ignore[return-value]

    # -- contents --------------------------------------------------------------------------------

    async def open(self, path: Path, mode: str = "r", *, permissions: int = 0o666) -> SessionFile:
        """Open a file of bytes.

        Args:
            mode: as for `open`; ``b`` may be left out, there is no text.
            permissions: of a file that is made.

        Raises:
            ValueError: there is no such mode.
        """
        flags = _MODES.get(mode.replace("b", ""))
        if flags is None:
            raise ValueError(f"no such mode: {mode!r}")
        opened = await self.ask(calls.Open(calls.HERE, _bytes(path), flags, permissions), path)
        return SessionFile(self, path, opened.handle)

    async def read(self, path: Path) -> bytes:
        """Return the contents of a file."""
        async with await self.open(path) as file:
            return await file.read()

    async def write(
        self, path: Path, data: bytes, *, append: bool = False, permissions: int = 0o666
    ) -> None:
        """Write a file, or what is added to it."""
        mode = "a" if append else "w"
        async with await self.open(path, mode, permissions=permissions) as file:
            await file.write(data)

    async def truncate(self, path: Path, size: int) -> None:
        """Cut or extend a file to *size* bytes."""
        await self.ask(calls.Truncate(_bytes(path), size), path)

    # -- stripes ---------------------------------------------------------------------------------

    async def striping(self, path: Path) -> calls.Striped:
        """Return how a file is striped over I/O nodes, or new files of a directory are.

        Raises OSError(EINVAL) for what is not in ``/pfs``.
        """
        return await self.ask(calls.GetStripes(calls.HERE, _bytes(path)), path)

    async def set_striping(
        self,
        path: Path,
        unit: int = 0,
        factor: int = 0,
        first: int = calls.BOUNDLESS,
        *,
        permissions: int = 0o666,
    ) -> None:
        """Make an empty file that is striped so, or say how new files of a directory are.

        Args:
            unit: bytes of a stripe unit; 0: as the directory, or the machine, has it.
            factor: over how many I/O nodes; likewise.
            first: the I/O node with the first unit; -1: each in turn.
            permissions: of the file.
        """
        call = calls.SetStripes(calls.HERE, _bytes(path), permissions, unit, factor, first)
        await self.ask(call, path)

    # -- names -----------------------------------------------------------------------------------

    async def listdir(self, path: Path = ".") -> list[str]:
        """Return the names in a directory, sorted."""
        return [os.fsdecode(entry.name) for entry in await self.entries(path)]

    async def entries(self, path: Path = ".") -> list[calls.Entry]:
        """Return the entries of a directory, in the order of their names."""
        found: list[calls.Entry] = []
        more = True
        while more:
            after = found[-1].name if found else b""
            reply = await self.ask(calls.Listdir(calls.HERE, _bytes(path), after), path)
            found += reply.entries
            more = reply.more
        return found

    async def mkdir(self, path: Path, mode: int = 0o777) -> None:
        """Make a directory."""
        await self.ask(calls.Mkdir(calls.HERE, _bytes(path), mode), path)

    async def rmdir(self, path: Path) -> None:
        """Remove an empty directory."""
        await self.ask(calls.Rmdir(calls.HERE, _bytes(path)), path)

    async def unlink(self, path: Path) -> None:
        """Remove a name of a file."""
        await self.ask(calls.Unlink(calls.HERE, _bytes(path)), path)

    async def rename(self, path: Path, to: Path) -> None:
        """Give a file another name, in place of what had it."""
        call = calls.Rename(calls.HERE, _bytes(path), calls.HERE, _bytes(to))
        await self.ask(call, path, to)

    async def link(self, path: Path, to: Path) -> None:
        """Give a file a second name."""
        call = calls.Link(calls.HERE, _bytes(path), calls.HERE, _bytes(to), False)
        await self.ask(call, path, to)

    async def symlink(self, target: Path, path: Path) -> None:
        """Make a symbolic link at *path* that says *target*."""
        await self.ask(calls.Symlink(calls.HERE, _bytes(path), _bytes(target)), path)

    async def readlink(self, path: Path) -> str:
        """Return what a symbolic link says."""
        reply = await self.ask(calls.Readlink(calls.HERE, _bytes(path)), path)
        return os.fsdecode(reply.path)

    # -- attributes ------------------------------------------------------------------------------

    async def stat(self, path: Path, *, follow: bool = True) -> calls.Attributes:
        """Return the attributes of a file, or unless *follow* those of a symbolic link itself."""
        return await self.ask(calls.Stat(calls.HERE, _bytes(path), follow), path)

    async def lstat(self, path: Path) -> calls.Attributes:
        """Return the attributes of a file; of a symbolic link its own."""
        return await self.stat(path, follow=False)

    async def exists(self, path: Path) -> bool:
        """Return whether there is such a file, as far as one can see."""
        try:
            await self.stat(path)
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP}:
                raise
            return False
        return True

    async def access(self, path: Path, mode: int = os.F_OK) -> bool:
        """Return whether a file may be used as *mode* (``os.R_OK``...) says."""
        reply = await self.ask(calls.Access(calls.HERE, _bytes(path), mode, True, True), path)
        return reply.value

    async def chmod(self, path: Path, mode: int, *, follow: bool = True) -> None:
        """Change the permissions of a file."""
        await self.ask(calls.Chmod(calls.HERE, _bytes(path), mode, follow), path)

    async def chown(self, path: Path, uid: int = -1, gid: int = -1, *, follow: bool = True) -> None:
        """Change the owner of a file; -1 leaves the user or the group."""
        await self.ask(calls.Chown(calls.HERE, _bytes(path), uid, gid, follow), path)

    async def utime(
        self, path: Path, times: tuple[int, int] | None = None, *, follow: bool = True
    ) -> None:
        """Set the times of access and modification, in nanoseconds; None: to now."""
        await self.ask(calls.Utime(calls.HERE, _bytes(path), times, follow), path)

    async def statvfs(self, path: Path = ".") -> calls.Space:
        """Return how much room there is where a file is, for whoever asks."""
        return await self.ask(calls.Statvfs(_bytes(path)), path)

    async def quota(self, uid: int = calls.BOUNDLESS) -> calls.Limits:
        """Return what one has of the files, and may have, or as root what the user *uid* has."""
        return await self.ask(calls.Quota(uid))

    # -- the session's own -----------------------------------------------------------------------

    async def umask(self, mask: int) -> int:
        """Withhold permissions from files made from now on; return what was withheld before."""
        return (await self.ask(calls.Umask(mask))).mask


class SessionFile:
    """An open file of a session; to be used in an ``async with`` statement, or closed."""

    def __init__(self, files: SessionFiles, name: Path, handle: int) -> None:
        self._files = files
        self.name = name
        self.handle = handle

    async def __aenter__(self) -> SessionFile:
        """Return the file itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
        await self.close()

    async def read(self, size: int = -1) -> bytes:
        """Return *size* bytes, fewer at the end of the file only; all there are if negative."""
        found = bytearray()
        while size < 0 or len(found) < size:
            count = PIECE if size < 0 else min(PIECE, size - len(found))
            piece = (await self._files.ask(calls.Read(self.handle, count), self.name)).data
            if not piece:
                break
            found += piece
        return bytes(found)

    async def write(self, data: bytes) -> None:
        """Write all of *data*."""
        view = memoryview(data)
        while view:
            piece = bytes(view[:PIECE])
            written = await self._files.ask(calls.Write(self.handle, piece), self.name)
            view = view[written.count :]

    async def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the file's position, and return where it is now."""
        reply = await self._files.ask(calls.Lseek(self.handle, offset, whence), self.name)
        return reply.offset

    async def close(self) -> None:
        """Close the file."""
        await self._files.ask(calls.Close(self.handle), self.name)


def _bytes(path: Path) -> bytes:
    return os.fsencode(path)
