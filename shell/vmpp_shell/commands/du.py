"""How much room files take: du."""

from __future__ import annotations

import posixpath
import stat
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from vmpp_shell.arguments.types import PATH
from vmpp_shell.attempts import Attempts
from vmpp_shell.file_tools import Place, for_all, status_of
from vmpp_shell.registry import command
from vmpp_shell.tables import table

if TYPE_CHECKING:
    from vmpp_shell.context import Context

_AFTER_ALL = "\U0010ffff"


class Taken(Struct, frozen=True):
    """What a file takes, or a directory with all that is below it, as ``du --json`` has it."""

    path: str
    bytes: int


@command("du", section="files", json=True)
@click.option("-a", "--all", "every", is_flag=True, help="Of every file, too.")
@click.option("-s", "--summarize", is_flag=True, help="Of each PATH alone.")
@click.argument("paths", nargs=-1, type=PATH, metavar="[PATH]...")
async def du(context: Context, paths: tuple[str, ...], every: bool, summarize: bool) -> int:
    """Tell how much files take, of directories with all that is below; here if PATH is left out.

    A file with several names counts once.

    \b
    Example:
      du -s ~ /pfs
    """
    attempts = Attempts(context, "du")
    found: list[Taken] = []
    seen: set[tuple[int, int]] = set()
    for path in paths or (".",):
        with attempts.at(path):
            top = path.rstrip("/") or "/"
            taken = await _taken(context, top, every, seen)
            found += [each for each in taken if each.path == top or not summarize]
    rows = [(-(-each.bytes // 1024), each.path) for each in found]
    context.show(found, *([table(("KIB", "PATH"), rows, right=(0,))] if rows else []))
    return attempts.status


async def _taken(
    context: Context, path: str, every: bool, seen: set[tuple[int, int]]
) -> list[Taken]:
    """Return what is taken at *path* and below, each directory after what is in it."""
    files, sizes = context.session.files, {path: 0}
    directories = {path}

    async def count(place: Place) -> None:
        status = await status_of(files, place)
        if stat.S_ISDIR(status.mode):
            directories.add(place.path)
        sizes[place.path] = 0
        if (status.dev, status.ino) in seen:
            return
        seen.add((status.dev, status.ino))
        above = place.path
        while True:
            sizes[above] += status.size
            if above == path:
                return
            above = posixpath.dirname(above)

    await for_all(files, path, count, deep=True)
    order = sorted(sizes, key=lambda name: [*name.split("/"), _AFTER_ALL])
    return [Taken(each, sizes[each]) for each in order if every or each in directories]
