"""Files and their names: cat, cp, mv, rm, mkdir, rmdir, ln, touch."""

from __future__ import annotations

import errno
import posixpath
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import click

from vmpp_shell.arguments.modes import changed
from vmpp_shell.arguments.types import FOLDER, PATH
from vmpp_shell.attempts import Attempts
from vmpp_shell.file_tools import PIECE, Copier, destination, last_name, many, move, remove
from vmpp_shell.registry import command

if TYPE_CHECKING:
    from vmpp_shell.context import Context

_RECURSIVE = click.option(
    "-r", "-R", "--recursive", is_flag=True, help="Directories, with all that is in them."
)
_VERBOSE = click.option("-v", "--verbose", is_flag=True, help="Tell of each.")


@command("cat", section="files")
@click.argument("paths", nargs=-1, type=PATH, metavar="[FILE]...")
async def cat(context: Context, paths: tuple[str, ...]) -> int:
    """Print what files hold, one after the other.

    Without a FILE it is what '<' gives.

    \b
    Example:
      cat results.txt
      cat part1 part2 > whole
    """
    if not paths:
        given = context.terminal.stdin
        if not isinstance(given, bytes):
            raise click.UsageError("give a FILE, or one after '<'")
        context.out.write(given)
    attempts = Attempts(context, "cat")
    for path in paths:
        with attempts.at(path):
            async with await context.session.files.open(path) as file:
                while piece := await file.read(PIECE):
                    context.out.write(piece)
    return attempts.status


@command("cp", section="files")
@_RECURSIVE
@click.option("-p", "--preserve", is_flag=True, help="Mode, times and owner of the originals.")
@click.option("-n", "--no-clobber", is_flag=True, help="Nothing that is there already.")
@_VERBOSE
@click.argument("sources", nargs=-1, required=True, type=PATH, metavar="FILE...")
@click.argument("target", type=PATH, metavar="TARGET")
async def cp(
    context: Context,
    sources: tuple[str, ...],
    target: str,
    recursive: bool,
    preserve: bool,
    no_clobber: bool,
    verbose: bool,
) -> int:
    """Copy FILE to TARGET, or into it if it is a directory.

    \b
    Example:
      cp /images/heat.py mine.py
      cp -r experiment /tmp
    """
    copier = Copier(context.session.files, recursive=recursive, preserve=preserve)
    return await _each_to(context, sources, target, copier.copy, no_clobber, verbose)


async def _each_to(
    context: Context,
    sources: tuple[str, ...],
    target: str,
    act: Callable[[str, str], Awaitable[None]],
    no_clobber: bool,
    verbose: bool,
) -> int:
    """Call *act* with each of *sources* and where it goes to; return the status."""
    files = context.session.files
    await many(files, sources, target)
    attempts = Attempts(context, context.name)
    for source in sources:
        with attempts.at(source):
            to = await destination(files, source, target)
            if no_clobber and await files.exists(to):
                continue
            await act(source, to)
            if verbose:
                context.out.print(f"{source} -> {to}")
    return attempts.status


@command("mv", section="files")
@click.option("-f", "--force", is_flag=True, help="Do not ask; nothing is ever asked.", hidden=True)
@click.option("-n", "--no-clobber", is_flag=True, help="Nothing in place of what is there.")
@_VERBOSE
@click.argument("sources", nargs=-1, required=True, type=PATH, metavar="FILE...")
@click.argument("target", type=PATH, metavar="TARGET")
async def mv(
    context: Context,
    sources: tuple[str, ...],
    target: str,
    force: bool,
    no_clobber: bool,
    verbose: bool,
) -> int:
    """Give FILE the name TARGET, or move it into TARGET if that is a directory.

    \b
    Example:
      mv draft.py ring.py
      mv *.out results
    """
    del force
    act = partial(move, context.session.files)
    return await _each_to(context, sources, target, act, no_clobber, verbose)


@command("rm", section="files")
@_RECURSIVE
@click.option("-f", "--force", is_flag=True, help="Without a word of what is not there.")
@_VERBOSE
@click.argument("paths", nargs=-1, type=PATH, metavar="FILE...")
async def rm(
    context: Context, paths: tuple[str, ...], recursive: bool, force: bool, verbose: bool
) -> int:
    """Remove files for good.

    \b
    Example:
      rm core
      rm -rf scratch
    """
    if not paths and not force:
        raise click.UsageError("give a FILE")
    attempts = Attempts(context, "rm")
    for path in paths:
        with attempts.at(path):
            try:
                await remove(context.session.files, path, recursive=recursive)
            except FileNotFoundError:
                if not force:
                    raise
                continue
            if verbose:
                context.out.print(f"removed {path}")
    return attempts.status


@command("mkdir", section="files")
@click.option("-p", "--parents", is_flag=True,
              help="Those above as well; one that is there is fine.")  # fmt: skip
@click.option("-m", "--mode", metavar="MODE", help="Permissions, as 'chmod' takes them.")
@click.argument("paths", nargs=-1, required=True, type=FOLDER, metavar="DIRECTORY...")
async def mkdir(context: Context, paths: tuple[str, ...], parents: bool, mode: str | None) -> int:
    """Make directories.

    \b
    Example:
      mkdir -p runs/today
    """
    wanted = None if mode is None else changed(mode, stat.S_IFDIR | 0o777, mask=0) & 0o7777
    attempts = Attempts(context, "mkdir")
    for path in paths:
        with attempts.at(path):
            if parents:
                await _make_above(context, path)
            await _make(context, path, wanted, fine_if_there=parents)
    return attempts.status


async def _make_above(context: Context, path: str) -> None:
    above = posixpath.dirname(path.rstrip("/"))
    if above.strip("/") and not await context.session.files.exists(above):
        await _make_above(context, above)
        await _make(context, above, None, fine_if_there=True)


async def _make(context: Context, path: str, mode: int | None, *, fine_if_there: bool) -> None:
    files = context.session.files
    try:
        await files.mkdir(path)
    except FileExistsError:
        if not fine_if_there or not stat.S_ISDIR((await files.stat(path)).mode):
            raise
        return
    if mode is not None:
        await files.chmod(path, mode)


@command("rmdir", section="files")
@click.argument("paths", nargs=-1, required=True, type=FOLDER, metavar="DIRECTORY...")
async def rmdir(context: Context, paths: tuple[str, ...]) -> int:
    """Remove directories that have nothing in them.

    \b
    Example:
      rmdir scratch
    """
    attempts = Attempts(context, "rmdir")
    for path in paths:
        with attempts.at(path):
            await context.session.files.rmdir(path)
    return attempts.status


@command("ln", section="files")
@click.option("-s", "--symbolic", is_flag=True, help="A symbolic link, which says a path.")
@click.option("-f", "--force", is_flag=True, help="In place of what has the name.")
@click.argument("target", type=PATH, metavar="TARGET")
@click.argument("name", required=False, type=PATH, metavar="[NAME]")
async def ln(context: Context, target: str, name: str | None, symbolic: bool, force: bool) -> None:
    """Give TARGET a second NAME, or with -s make a link to it; in the current directory if none.

    \b
    Example:
      ln -s /images/heat.py heat.py
    """
    files = context.session.files
    place = await destination(files, target, name if name is not None else ".")
    if force:
        with suppress(FileNotFoundError):
            await files.unlink(place)
    if symbolic:
        await files.symlink(target, place)
    else:
        await files.link(target, place)


@command("touch", section="files")
@click.option("-c", "--no-create", is_flag=True, help="Nothing that is not there.")
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="FILE...")
async def touch(context: Context, paths: tuple[str, ...], no_create: bool) -> int:
    """Make empty files, or note for those that are there that they were modified now.

    \b
    Example:
      touch done
    """
    attempts = Attempts(context, "touch")
    for path in paths:
        with attempts.at(path):
            await _touch(context, path, no_create)
    return attempts.status


async def _touch(context: Context, path: str, no_create: bool) -> None:
    files = context.session.files
    try:
        await files.utime(path)
    except FileNotFoundError:
        if no_create:
            return
        if not last_name(path) or path.endswith("/"):
            raise OSError(errno.EISDIR, "is a directory's name", path) from None
        await files.write(path, b"", append=True)
