"""What commands do with files of the machine's tree: copying, moving and removing them."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import trio

from vmpp.errors import VmppError
from vmpp.process import calls

if TYPE_CHECKING:
    from vmpp.machine.session_files import SessionFiles

PIECE: Final = 1 << 18
"""Bytes that are copied at a time: little enough that ^C is felt, much enough to be quick."""


class FileMistake(VmppError):
    """What cannot be done with a file; the message names it."""


def last_name(path: str) -> str:
    """Return the last component of a path."""
    return posixpath.basename(path.rstrip("/"))


async def is_directory(files: SessionFiles, path: str) -> bool:
    """Return whether there is a directory."""
    try:
        return stat.S_ISDIR((await files.stat(path)).mode)
    except OSError:
        return False


async def destination(files: SessionFiles, source: str, target: str) -> str:
    """Return where *source* goes to: into *target* if that is a directory."""
    if not await is_directory(files, target):
        return target
    name = last_name(posixpath.normpath(source))
    if name in {"", ".."}:
        raise FileMistake(f"{source}: give it a name: {target} is a directory")
    return posixpath.join(target, name)


async def many(files: SessionFiles, sources: tuple[str, ...], target: str) -> None:
    """Raise FileMistake if there are many *sources* and *target* is no directory."""
    if len(sources) > 1 and not await is_directory(files, target):
        raise FileMistake(f"{target}: there is no such directory to put {len(sources)} files into")


class Copier:
    """Copies files of a tree.

    Attributes:
        recursive: whether directories are copied, with all that is in them.
        preserve: whether copies get mode, times and, if they may, the owner of the originals.
    """

    def __init__(self, files: SessionFiles, *, recursive: bool, preserve: bool) -> None:
        self._files = files
        self.recursive = recursive
        self.preserve = preserve

    async def copy(self, source: str, target: str) -> None:
        """Copy *source* to *target*; a link itself only below a directory.

        Raises:
            OSError: it cannot be read, or *target* not written.
            FileMistake: it is a directory and nothing was said of those, or *target* itself.
        """
        status = await self._files.stat(source)
        await self._refuse_itself(source, status, target)
        if stat.S_ISDIR(status.mode):
            if not self.recursive:
                raise FileMistake(f"{source}: is a directory; -r copies all that is in it")
            if await self._is_within(status, target):
                raise FileMistake(f"{source}: cannot be copied into itself, {target}")
        await self._copy(source, status, target)

    async def _refuse_itself(self, source: str, status: calls.Attributes, target: str) -> None:
        try:
            there = await self._files.stat(target)
        except OSError:
            return
        if (there.dev, there.ino) == (status.dev, status.ino):
            raise FileMistake(f"{source}: is the same file as {target}")

    async def _is_within(self, status: calls.Attributes, target: str) -> bool:
        """Return whether *target* would be in the directory of that *status*."""
        place = posixpath.dirname(target.rstrip("/")) or "."
        while True:
            here = await self._files.stat(place)
            if (here.dev, here.ino) == (status.dev, status.ino):
                return True
            above = await self._files.stat(posixpath.join(place, ".."))
            if (above.dev, above.ino) == (here.dev, here.ino):
                return False
            place = posixpath.join(place, "..")

    async def _copy(self, source: str, status: calls.Attributes, target: str) -> None:
        kind = stat.S_IFMT(status.mode)
        if kind == stat.S_IFLNK:
            await self._files.symlink(await self._files.readlink(source), target)
            return
        if kind == stat.S_IFDIR:
            await self._copy_directory(source, status, target)
        elif kind == stat.S_IFREG:
            await self._copy_file(source, status, target)
        else:
            raise FileMistake(f"{source}: is a device or a pipe, which are not copied")
        if self.preserve:
            await self._preserve(status, target)

    async def _copy_directory(self, source: str, status: calls.Attributes, target: str) -> None:
        files = self._files
        mode = stat.S_IMODE(status.mode)
        made = not await is_directory(files, target)
        if made:
            await files.mkdir(target, mode | stat.S_IRWXU)
        for entry in await files.entries(source):
            name = os.fsdecode(entry.name)
            inner = posixpath.join(source, name)
            await self._copy(inner, await files.lstat(inner), posixpath.join(target, name))
        if made and mode & stat.S_IRWXU != stat.S_IRWXU:
            await files.chmod(target, mode)

    async def _copy_file(self, source: str, status: calls.Attributes, target: str) -> None:
        permissions = stat.S_IMODE(status.mode) & 0o777
        async with (
            await self._files.open(source) as original,
            await self._files.open(target, "w", permissions=permissions) as copy,
        ):
            while piece := await original.read(PIECE):
                await copy.write(piece)

    async def _preserve(self, status: calls.Attributes, target: str) -> None:
        with suppress(PermissionError):  # only root gives files away
            await self._files.chown(target, status.uid, status.gid)
        await self._files.chmod(target, stat.S_IMODE(status.mode))
        await self._files.utime(target, (status.atime_ns, status.mtime_ns))


async def move(files: SessionFiles, source: str, target: str) -> None:
    """Give *source* the name *target*, by a copy if that is on another volume.

    Raises:
        OSError: it cannot be done.
    """
    try:
        await files.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        await _move_by_copy(files, source, target)


async def _move_by_copy(files: SessionFiles, source: str, target: str) -> None:
    status = await files.lstat(source)
    if stat.S_ISLNK(status.mode):
        await files.symlink(await files.readlink(source), target)
    else:
        await Copier(files, recursive=True, preserve=True).copy(source, target)
    await remove(files, source, recursive=True)


async def remove(files: SessionFiles, path: str, *, recursive: bool) -> None:
    """Remove a file, or with *recursive* a directory and all that is in it.

    Raises:
        OSError: it cannot be removed.
        FileMistake: it is a directory, and nothing was said of those.
    """
    if last_name(path) in {"", ".", ".."}:
        raise FileMistake(f"{path}: '/', '.' and '..' are not removed")
    if not stat.S_ISDIR((await files.lstat(path)).mode):
        await files.unlink(path)
    elif recursive:
        await _remove(files, Place(calls.HERE, os.fsencode(path), path))
    else:
        raise FileMistake(f"{path}: is a directory; -r removes it with all that is in it")


async def _remove(files: SessionFiles, directory: Place) -> None:
    async with _opened(files, directory) as handle:
        for place, kind in await _inside(files, directory, handle):
            if kind == stat.S_IFDIR:
                await _remove(files, place)
            else:
                await files.ask(calls.Unlink(place.at, place.name), place.path)
    await files.ask(calls.Rmdir(directory.at, directory.name), directory.path)


class Place(NamedTuple):
    """A file, named so that nobody can put a symbolic link in the way there meanwhile.

    Attributes:
        at: the open directory that it is in, or `calls.HERE`.
        name: its name there.
        path: its path, for messages.
    """

    at: int
    name: bytes
    path: str


async def for_all(
    files: SessionFiles, path: str, act: Callable[[Place], Awaitable[None]], *, deep: bool
) -> None:
    """Call *act* with the file at *path*, and if that is a directory with all that is below it.

    Args:
        deep: whether what is below is meant.
    """
    await _for_all(files, Place(calls.HERE, os.fsencode(path), path), act, deep)


async def _for_all(
    files: SessionFiles, place: Place, act: Callable[[Place], Awaitable[None]], deep: bool
) -> None:
    await act(place)
    if not deep or not stat.S_ISDIR((await status_of(files, place)).mode):
        return
    async with _opened(files, place) as handle:
        for inner, kind in await _inside(files, place, handle):
            await _for_all(files, inner, act, kind == stat.S_IFDIR)


@asynccontextmanager
async def _opened(files: SessionFiles, place: Place) -> AsyncIterator[int]:
    """Open a directory, no link to one, for the time of a block."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    handle = (await files.ask(calls.Open(place.at, place.name, flags, 0), place.path)).handle
    try:
        yield handle
    finally:
        with trio.CancelScope(shield=True), suppress(VmppError, OSError):
            await files.ask(calls.Close(handle))


async def _inside(files: SessionFiles, place: Place, handle: int) -> list[tuple[Place, int]]:
    """Return what is in an open directory, each with the type bits of its mode."""
    found: list[tuple[Place, int]] = []
    more = True
    while more:
        after = found[-1][0].name if found else b""
        page = await files.ask(calls.Flistdir(handle, after), place.path)
        for entry in page.entries:
            path = posixpath.join(place.path, os.fsdecode(entry.name))
            found.append((Place(handle, entry.name, path), entry.kind))
        more = page.more
    return found


async def status_of(files: SessionFiles, place: Place) -> calls.Attributes:
    """Return what is known of a file, or of a symbolic link itself."""
    return await files.ask(calls.Stat(place.at, place.name, False), place.path)
