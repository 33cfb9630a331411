"""Between the host and the machine's file tree: put, get."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vmpp_shell.console import NotHereError
from vmpp_shell.file_tools import (
    PIECE,
    FileMistake,
    destination,
    is_directory,
    last_name,
)
from vmpp_shell.registry import command
from vmpp_shell.types import HOST_PATH, PATH

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
    files = context.session.files
    mode = stat.S_IMODE(source.stat().st_mode) & 0o777
    if source.is_dir():
        if not recursive:
            raise FileMistake(f"{source}: is a directory; -r copies all that is in it")
        if not await is_directory(files, target):
            await files.mkdir(target, mode | stat.S_IRWXU)
        for inner in sorted(source.iterdir()):
            await _put(context, inner, f"{target.rstrip('/')}/{inner.name}", recursive)
        return
    with source.open("rb") as original:
        async with await files.open(target, "w", permissions=mode) as copy:
            while piece := original.read(PIECE):
                await copy.write(piece)


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
    await _get(context, path, place, recursive)


async def _get(context: Context, path: str, target: Path, recursive: bool) -> None:
    files = context.session.files
    status = await files.stat(path)
    mode = stat.S_IMODE(status.mode) & 0o777
    if stat.S_ISDIR(status.mode):
        if not recursive:
            raise FileMistake(f"{path}: is a directory; -r copies all that is in it")
        target.mkdir(exist_ok=True)
        for entry in await files.entries(path):
            name = os.fsdecode(entry.name)
            await _get(context, f"{path.rstrip('/')}/{name}", target / name, recursive)
        return
    if not stat.S_ISREG(status.mode):
        raise FileMistake(f"{path}: is no file that could be copied")
    async with await files.open(path) as original:
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with open(fd, "wb") as copy:
            while piece := await original.read(PIECE):
                copy.write(piece)


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
