"""Listing files: ls."""

from __future__ import annotations

import os
import posixpath
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import Struct

from vmpp.errors import VmppError
from vmpp.process import calls
from vmpp_shell.arguments.types import PATH
from vmpp_shell.attempts import Attempts
from vmpp_shell.printable import printable
from vmpp_shell.registry import command
from vmpp_shell.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.text import Text

    from vmpp.machine.session import Session
    from vmpp.machine.session_files import SessionFiles
    from vmpp_shell.context import Context

_KINDS: Final = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
}
_STYLES: Final = {"directory": "bold blue", "link": "cyan", "device": "yellow", "pipe": "yellow"}


class Listed(Struct, frozen=True, kw_only=True):
    """A file, as ``ls --json`` has it.

    Attributes:
        name: as it is listed.
        kind: file, directory, link, device, pipe or socket.
        mode: type and permissions, as in ``drwxr-xr-x``.
        links: how many names it has.
        user, group: names of the owner, or the numbers if nobody knows them.
        uid, gid: the numbers.
        size: in bytes.
        modified_ns: when it was written to, in virtual time, nanoseconds since 1970.
        inode: its number.
        target: what a link says; None of other files.
    """

    name: str
    kind: str
    mode: str
    links: int
    user: str
    uid: int
    group: str
    gid: int
    size: int
    modified_ns: int
    inode: int
    target: str | None = None


class Names:
    """The names of users and groups, asked for once, when one is needed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._users: dict[int, str] | None = None
        self._groups: dict[int, str] = {}

    async def of(self, uid: int, gid: int) -> tuple[str, str]:
        """Return the names of a user and a group; their numbers if nobody knows them."""
        if self._users is None:
            me = self._session.user
            self._users = {0: "root", me.uid: me.name}
            self._groups = {0: "root", me.gid: me.name}
            with suppress(VmppError):  # without a login server there are numbers
                self._users |= {each.uid: each.name for each in await self._session.users()}
                self._groups |= {each.gid: each.name for each in await self._session.groups()}
        return self._users.get(uid, str(uid)), self._groups.get(gid, str(gid))


@command("ls", section="files", json=True)
@click.option("-l", "long", is_flag=True, help="Mode, links, owner, group, size, time, name.")
@click.option("-a", "--all", "hidden", is_flag=True, help="Names that begin with a dot as well.")
@click.option("-d", "--directory", "itself", is_flag=True,
              help="A directory itself, not what is in it.")  # fmt: skip
@click.option("-R", "--recursive", is_flag=True, help="What is in directories below, too.")
@click.option("-t", "by_time", is_flag=True, help="The last modified first.")
@click.option("-S", "by_size", is_flag=True, help="The largest first.")
@click.option("-r", "--reverse", is_flag=True, help="The other way round.")
@click.option("-1", "single", is_flag=True, help="One name a line.")
@click.argument("paths", nargs=-1, type=PATH, metavar="[PATH]...")
async def ls(
    context: Context,
    paths: tuple[str, ...],
    long: bool,
    hidden: bool,
    itself: bool,
    recursive: bool,
    by_time: bool,
    by_size: bool,
    reverse: bool,
    single: bool,
) -> int:
    """List files, or what is in directories; the current one if no PATH is given.

    Times are virtual, as UTC.

    \b
    Example:
      ls -l /images
    """
    order = "time" if by_time else "size" if by_size else ""
    lister = _Lister(context, _Wishes(long, hidden, itself, recursive, order, reverse, single))
    await lister.run(paths or (context.session.directory,), named=len(paths) > 1)
    return lister.attempts.status


@dataclass(frozen=True, slots=True)
class _Wishes:
    """How files are to be listed: the options of ``ls``; *order* is ``time``, ``size`` or empty."""

    long: bool
    hidden: bool
    itself: bool
    recursive: bool
    order: str
    reverse: bool
    single: bool


class _Lister:
    """One run of ``ls``."""

    def __init__(self, context: Context, wishes: _Wishes) -> None:
        self.attempts = Attempts(context, "ls")
        self._context = context
        self._files: SessionFiles = context.session.files
        self._names = Names(context.session)
        self._wishes = wishes
        self._data: list[Listed] = []
        self._shown = False

    async def run(self, paths: Iterable[str], *, named: bool) -> None:
        """List files first, and then what is in directories."""
        single: list[Listed] = []
        folders: list[str] = []
        for path in paths:
            with self.attempts.at(path):
                status = await self._status(path)
                if stat.S_ISDIR(status.mode) and not self._wishes.itself:
                    folders.append(path)
                else:
                    single.append(await self._listed(path, path, status))
        if single:
            self._show("", single, "")
        for folder in folders:
            await self._folder(folder, named or self._wishes.recursive or bool(single))
        if self._context.json:
            self._context.show(self._data)

    async def _status(self, path: str) -> calls.Attributes:
        """Return what is known of what a path leads to; of a link itself where that is meant."""
        own = await self._files.lstat(path)
        if not stat.S_ISLNK(own.mode) or self._wishes.long or self._wishes.itself:
            return own
        try:
            return await self._files.stat(path)
        except OSError:
            return own

    async def _folder(self, path: str, named: bool) -> None:
        with self.attempts.at(path):
            entries = [entry for entry in await self._files.entries(path) if self._is_seen(entry)]
            found: list[Listed] = []
            for name in [*((".", "..") if self._wishes.hidden else ()), *map(_name, entries)]:
                inner = posixpath.join(path, name)
                with self.attempts.at(inner):
                    found.append(await self._listed(inner, name))
            self._show(path, found, f"{printable(path)}:" if named else "")
            if self._wishes.recursive:
                for entry in entries:
                    if entry.kind == stat.S_IFDIR:
                        await self._folder(posixpath.join(path, _name(entry)), True)

    def _is_seen(self, entry: calls.Entry) -> bool:
        return self._wishes.hidden or not entry.name.startswith(b".")

    async def _listed(self, path: str, name: str, status: calls.Attributes | None = None) -> Listed:
        known = await self._files.lstat(path) if status is None else status
        kind = _KINDS.get(stat.S_IFMT(known.mode), "file")
        wants_names = self._wishes.long or self._context.json
        user, group = await self._names.of(known.uid, known.gid) if wants_names else ("", "")
        return Listed(
            name=name,
            kind=kind,
            mode=stat.filemode(known.mode),
            links=known.nlink,
            user=user,
            uid=known.uid,
            group=group,
            gid=known.gid,
            size=known.size,
            modified_ns=known.mtime_ns,
            inode=known.ino,
            target=await self._files.readlink(path) if kind == "link" else None,
        )

    # -- showing -----------------------------------------------------------------------------------

    def _show(self, path: str, found: list[Listed], heading: str) -> None:
        found = self._sorted(found)
        if self._context.json:
            self._data += [self._whole(path, each) for each in found]
            return
        out = self._context.out
        if heading:
            out.print(f"\n{heading}" if self._shown else heading)
        self._shown = True
        if self._wishes.long:
            rows = [_row(each) for each in found]
            out.show(*([table([""] * 7, rows, right=(1, 4), header=False)] if rows else []))
        elif out.is_terminal and not self._wishes.single:
            out.show(*([_columns(found)] if found else []))
        else:
            for each in found:
                out.print(each.name)

    def _whole(self, path: str, each: Listed) -> Listed:
        """Return a record with the path that was listed, where there may be several."""
        if not self._wishes.recursive or not path:
            return each
        return Listed(**{**_fields(each), "name": posixpath.join(path, each.name)})

    def _sorted(self, found: list[Listed]) -> list[Listed]:
        keys: dict[str, Any] = {
            "time": lambda each: (-each.modified_ns, each.name),
            "size": lambda each: (-each.size, each.name),
        }
        ordered = sorted(found, key=keys[self._wishes.order]) if self._wishes.order else found
        return ordered[::-1] if self._wishes.reverse else ordered


def _fields(each: Listed) -> dict[str, Any]:
    return {name: getattr(each, name) for name in each.__struct_fields__}


def _name(entry: calls.Entry) -> str:
    return os.fsdecode(entry.name)


def _text(each: Listed) -> Text:
    from rich.text import Text  # noqa: PLC0415 - rich takes a while

    runnable = "bold green" if each.kind == "file" and "x" in each.mode else ""
    return Text(printable(each.name), style=_STYLES.get(each.kind, runnable))


def _row(each: Listed) -> tuple[object, ...]:
    name = _text(each)
    if each.target is not None:
        name.append(f" -> {printable(each.target)}", style="default")
    when = datetime.fromtimestamp(each.modified_ns // 10**9, UTC)
    return (
        each.mode, each.links, each.user, each.group, each.size, f"{when:%Y-%m-%d %H:%M:%S}", name,
    )  # fmt: skip


def _columns(found: list[Listed]) -> Any:
    from rich.columns import Columns  # noqa: PLC0415 - rich takes a while

    return Columns([_text(each) for each in found], padding=(0, 2), column_first=True)
