"""Between the host and the machine's file tree: put, get."""

from __future__ import annotations

import os
import posixpath
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vmpp_shell.arguments.types import HOST_PATH, PATH
from vmpp_shell.console import NotHereError
from vmpp_shell.file_tools import (
    PIECE,
    FileMistake,
    destination,
    is_directory,
    last_name,
)
from vmpp_shell.registry import command

if TYPE_CHECKING:
    from vmpp_shell.context import Context

_RECURSIVE = click.option(
    "-r", "--recursive", is_flag=True, help="Directories, with all that is in them."
)


@command("put", section="files")
@_RECURSIVE
@click.argument("source", type=HOST_PATH, metavar="HOSTFILE")
@click.argument("target", required=False, type=PATH, metavar="[PATH]")
async def put(context: Context, source: str, target: str | None, recursive: bool) -> None:
    """Copy HOSTFILE, a file of the host, to PATH, a file or a directory of the machine's tree.

    Without PATH it goes to the current directory. At the machine's own console only; elsewhere
    there is sftp.

    \b
    Example:
      put ring.py
      put data.csv results/input.csv
    """
    _check_here(context)
    place = await destination(context.session.files, source, "." if target is None else target)
    await _put(context, Path(source), place, recursive)


async def _put(context: Context, source: Path, target: str, recursive: bool) -> None:
    status = source.stat()
    if stat.S_ISDIR(status.st_mode):
        await _put_directory(context, source, target, recursive)
        return
    if not stat.S_ISREG(status.st_mode):
        raise FileMistake(f"{source}: is no file that could be copied")
    permissions = stat.S_IMODE(status.st_mode) & 0o777
    files = context.session.files
    with source.open("rb") as original:
        async with await files.open(target, "w", permissions=permissions) as copy:
            while piece := original.read(PIECE):
                await copy.write(piece)


async def _put_directory(context: Context, source: Path, target: str, recursive: bool) -> None:
    files = context.session.files
    if not recursive:
        raise FileMistake(f"{source}: is a directory; -r copies all that is in it")
    if not await is_directory(files, target):
        await files.mkdir(target, stat.S_IMODE(source.stat().st_mode) & 0o777 | stat.S_IRWXU)
    for inner in sorted(source.iterdir()):
        to = posixpath.join(target, inner.name)
        if inner.is_symlink():
            # As it is: followed, it might lead round in a circle.
            await files.symlink(os.readlink(inner), to)
        else:
            await _put(context, inner, to, recursive)


@command("get", section="files")
@_RECURSIVE
@click.argument("path", type=PATH, metavar="PATH")
@click.argument("target", required=False, type=HOST_PATH, metavar="[HOSTFILE]")
async def get(context: Context, path: str, target: str | None, recursive: bool) -> None:
    """Copy PATH of the machine's file tree to HOSTFILE, a file or a directory of the host.

    Without HOSTFILE it goes to the directory that vmpp was started in. At the machine's own console
    only; elsewhere there is sftp.

    \b
    Example:
      get heat.png
      get -r results /host/tmp
    """
    _check_here(context)
    place = Path("." if target is None else target)
    if place.is_dir():
        name = last_name(path)
        if name in {"", ".", ".."}:
            raise FileMistake(f"{path}: give it a name: {place} is a directory")
        place = place / name
    await _get(context, path, place, recursive, 0)


async def _get(context: Context, path: str, target: Path, recursive: bool, flags: int) -> None:
    files = context.session.files
    status = await files.stat(path)
    if stat.S_ISDIR(status.mode):
        await _get_directory(context, path, target, recursive)
        return
    if not stat.S_ISREG(status.mode):
        raise FileMistake(f"{path}: is no file that could be copied")
    async with await files.open(path) as original:
        wanted = flags | os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        fd = os.open(target, wanted, stat.S_IMODE(status.mode) & 0o777)
        with open(fd, "wb") as copy:
            while piece := await original.read(PIECE):
                copy.write(piece)


async def _get_directory(context: Context, path: str, target: Path, recursive: bool) -> None:
    if not recursive:
        raise FileMistake(f"{path}: is a directory; -r copies all that is in it")
    target.mkdir(exist_ok=True)
    for entry in await context.session.files.entries(path):
        name = os.fsdecode(entry.name)
        inner = posixpath.join(path, name)
        if entry.kind == stat.S_IFLNK and await is_directory(context.session.files, inner):
            context.err.print(f"get: {inner}: a link to a directory is left out")
            continue
        # Somebody else may have made these names: they are written through no link of the host.
        await _get(context, inner, target / name, recursive, os.O_NOFOLLOW)


def _check_here(context: Context) -> None:
    """Refuse whoever is not at the console, or is there as somebody else.

    Raises:
        NotHereError: it is not the person who started vmpp.
    """
    if not context.console.local:
        raise NotHereError("the host's files are for its own console; use sftp")
    installation = context.machine.installation
    user = context.session.user
    if installation is not None and not (user.is_root or user.name == installation.store.console):
        raise NotHereError(
            f"the host's files are not {user.name}'s, but {installation.store.console}'s; 'logout'"
        )
