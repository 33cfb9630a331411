"""Who may do what with files: chmod, chown, umask."""

from __future__ import annotations

import re
import stat
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from vmpp.errors import VmppError, suggestion
from vmpp.process import calls
from vmpp_shell.arguments.modes import changed
from vmpp_shell.arguments.types import PATH, USER
from vmpp_shell.attempts import Attempts
from vmpp_shell.file_tools import Place, for_all, status_of
from vmpp_shell.registry import command

if TYPE_CHECKING:
    from vmpp_shell.context import Context

_DEEP = click.option("-R", "--recursive", is_flag=True, help="What is in directories as well.")

_DIGITS = 10
"""Those of the highest number that a user or group can have."""


class NobodyError(VmppError):
    """There is no user or group of a name."""


@command("chmod", section="files", context_settings={"ignore_unknown_options": True})
@_DEEP
@click.argument("mode", metavar="MODE")
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="FILE...")
async def chmod(context: Context, mode: str, paths: tuple[str, ...], recursive: bool) -> int:
    """Change the permissions of files.

    MODE is octal, as 640, or says what changes: of the user (u), the group (g), others (o) or all
    (a) is added (+), taken (-) or exactly set (=) what lets one read (r), write (w), execute (x).

    \b
    Example:
      chmod 640 notes
      chmod -R go-w,u+x tools
    """
    files = context.session.files
    changed(mode, 0)
    mask = await files.umask(0)
    await files.umask(mask)

    async def change(place: Place, named: bool) -> None:
        status = await status_of(files, place)
        if stat.S_ISLNK(status.mode):
            if not named:
                return  # links below a directory are left alone, as by any chmod
            status = await files.stat(place.path)
        wanted = changed(mode, status.mode, mask=mask)
        await files.ask(calls.Chmod(place.at, place.name, wanted, named), place.path)

    return await _each(context, "chmod", paths, recursive, change)


@command("chown", section="files")
@_DEEP
@click.argument("owner", metavar="USER[:GROUP]", type=USER)
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="FILE...")
async def chown(context: Context, owner: str, paths: tuple[str, ...], recursive: bool) -> int:
    """Give files to another user, as only root may, or another group.

    \b
    Example:
      chown alice:programmers shared
      chown :programmers notes
    """
    user, _, group = owner.partition(":")
    session = context.session
    uid = _number(user, "user", {u.name: u.uid for u in await session.users()}) if user else -1
    gid = _number(group, "group", {g.name: g.gid for g in await session.groups()}) if group else -1

    async def change(place: Place, named: bool) -> None:
        call = calls.Chown(place.at, place.name, uid, gid, named)
        await session.files.ask(call, place.path)

    return await _each(context, "chown", paths, recursive, change)


async def _each(
    context: Context,
    name: str,
    paths: tuple[str, ...],
    recursive: bool,
    change: Callable[[Place, bool], Awaitable[None]],
) -> int:
    """Change every file; *change* is told of each whether it was named. Return the status."""
    attempts = Attempts(context, name)

    async def attempt(place: Place) -> None:
        with attempts.at(place.path):
            await change(place, place.path in paths)

    for path in paths:
        with attempts.at(path):
            await for_all(context.session.files, path, attempt, deep=recursive)
    return attempts.status


@command("umask", section="files")
@click.argument("mask", required=False, metavar="[MASK]")
async def umask(context: Context, mask: str | None) -> None:
    """Withhold the permissions MASK, in octal, from the files that you make here; or tell which.

    \b
    Example:
      umask 077
    """
    files = context.session.files
    if mask is None:
        before = await files.umask(0)
        await files.umask(before)
        context.out.print(f"{before:04o}")
    elif re.fullmatch("[0-7]{1,4}", mask):
        await files.umask(int(mask, 8))
    else:
        raise click.UsageError(f"{mask!r} is no mask; write such as 022")


def _number(text: str, what: str, known: dict[str, int]) -> int:
    if text.isdecimal() and text.isascii() and len(text) <= _DIGITS:
        return int(text)
    if text not in known:
        raise NobodyError(f"there is no {what} {text!r}{suggestion(text, known)}")
    return known[text]
