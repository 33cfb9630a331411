"""How much room there is: df, quota."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
from msgspec import Struct

from vmpp.errors import VmppError, suggestion
from vmpp.process.calls import BOUNDLESS
from vmpp_shell.arguments.quantities import SIZE_TYPE
from vmpp_shell.arguments.types import PATH, USER
from vmpp_shell.attempts import Attempts
from vmpp_shell.registry import command
from vmpp_shell.tables import table

if TYPE_CHECKING:
    from vmpp.process import calls
    from vmpp_shell.context import Context

_MOUNTS: Final = ("/", "/images", "/host", "/pfs")
"""Where volumes with files are mounted."""


class Room(Struct, frozen=True):
    """How much room there is where a path leads to, as ``df --json`` has it; sizes in bytes."""

    path: str
    size: int
    used: int
    available: int


class Quota(Struct, frozen=True):
    """What a user has and may have, as ``quota --json`` has it; no limit is None."""

    user: str
    bytes: int
    byte_limit: int | None
    files: int
    file_limit: int | None


@command("df", section="files", json=True)
@click.argument("paths", nargs=-1, type=PATH, metavar="[PATH]...")
async def df(context: Context, paths: tuple[str, ...]) -> int:
    """Tell how much room there is where PATH is, or on all that is mounted.

    Of a user's own files that is what the quota leaves, if there is one.

    \b
    Example:
      df .
    """
    attempts = Attempts(context, "df")
    found: list[Room] = []
    for path in paths or _MOUNTS:
        try:
            s = await context.session.files.statvfs(path)
        except PermissionError:
            if paths:
                attempts.failed(f"{path}: Permission denied")
            continue
        except FileNotFoundError:
            if paths:
                attempts.failed(f"{path}: No such file or directory")
            continue
        sizes = (s.frsize * blocks for blocks in (s.blocks, s.blocks - s.bfree, s.bavail))
        found.append(Room(path, *sizes))
    rows = [
        (r.path, _kibibytes(r.size), _kibibytes(r.used), _kibibytes(r.available), _share(r))
        for r in found
    ]
    titles = ("PATH", "KIB", "USED", "AVAILABLE", "USE")
    context.show(found, *([table(titles, rows, right=(1, 2, 3, 4))] if rows else []))
    return attempts.status


def _kibibytes(size: int) -> int:
    return size // 1024


def _share(room: Room) -> str:
    taken = room.used + room.available
    return f"{-(-100 * room.used // taken)}%" if taken else "-"


@command("quota", section="files", json=True)
@click.option("--size", type=SIZE_TYPE, metavar="SIZE",
              help="Limit what USER's files take; root only.")  # fmt: skip
@click.option("--files", "count", type=click.IntRange(0), metavar="N",
              help="Limit how many files USER has; root only.")  # fmt: skip
@click.option("--none", "boundless", is_flag=True, help="Lift the limits; root only.")
@click.argument("user", required=False, type=USER, metavar="[USER]")
async def quota(
    context: Context, user: str | None, size: int | None, count: int | None, boundless: bool
) -> None:
    """Tell what your files take, and may take; root sees, and sets, those of USER.

    \b
    Example:
      quota
      quota alice --size '1 GiB' --files 10000
    """
    session = context.session
    name = session.user.name if user is None else user
    uid = BOUNDLESS if name == session.user.name else await _uid(context, name)
    if boundless or size is not None or count is not None:
        before = await session.files.quota(uid)
        size = _limit(before.byte_limit) if size is None and not boundless else size
        count = _limit(before.file_limit) if count is None and not boundless else count
        await session.set_quota(name, size, count)
        return
    try:
        told = await session.files.quota(uid)
    except PermissionError:
        raise VmppError(f"only root sees what {name} has; 'login root' first") from None
    has = _quota(name, told)
    rows = [
        ("bytes", has.bytes, "-" if has.byte_limit is None else has.byte_limit),
        ("files", has.files, "-" if has.file_limit is None else has.file_limit),
    ]
    context.show(has, table((name, "USED", "LIMIT"), rows, right=(1, 2)))


async def _uid(context: Context, name: str) -> int:
    known = {each.name: each.uid for each in await context.session.users()}
    if name not in known:
        raise VmppError(f"there is no user {name!r}{suggestion(name, known)}")
    return known[name]


def _limit(limit: int) -> int | None:
    return None if limit == BOUNDLESS else limit


def _quota(name: str, told: calls.Limits) -> Quota:
    limits = _limit(told.byte_limit), _limit(told.file_limit)
    return Quota(name, told.bytes, limits[0], told.files, limits[1])
