"""The parallel file system: pfs df, pfs stat, pfs setstripe."""

from __future__ import annotations

import errno
import stat
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import Struct

from vmpp.errors import VmppError
from vmpp.process.calls import BOUNDLESS
from vmpp.process.striping import LEAST_UNIT, Layout, server_name
from vmpp.quantities import SIZE
from vmpp.service.filesystem.striped_volume import MOST_UNIT
from vmpp_shell.arguments.quantities import SIZE_TYPE
from vmpp_shell.arguments.types import PATH
from vmpp_shell.attempts import Attempts
from vmpp_shell.registry import command
from vmpp_shell.tables import table

if TYPE_CHECKING:
    from vmpp.process import calls
    from vmpp.service.status import ParallelServerStatus
    from vmpp_shell.context import Context


class StripesError(VmppError):
    """A file is not striped, or cannot be in the way that was asked for."""


class Disk(Struct, frozen=True):
    """An I/O node, as ``pfs df --json`` has it; sizes in bytes.

    Attributes:
        server: the name of its parallel file server.
        node: its number on the machine.
        state: up, stopped (the server) or crashed (the node).
        size, used, free: of its disk.
        requests: how many it has been sent.
        read, written: what it has moved for processes.
        hits: share of the blocks read that were in its memory; None: none was read.
    """

    server: str
    node: int
    state: str
    size: int
    used: int
    free: int
    requests: int
    read: int
    written: int
    hits: float | None


class Part(Struct, frozen=True):
    """What one I/O node has of a file: the most that it can be, as there may be holes."""

    server: str
    bytes: int


class Stripes(Struct, frozen=True):
    """How a file is striped, as ``pfs stat --json`` has it.

    Attributes:
        path: as it was given.
        directory: whether this is about files that are made in a directory.
        size: of the file in bytes; None of a directory.
        unit: bytes of a stripe unit.
        factor: over how many I/O nodes.
        first: number of the I/O node with the first unit; None: each in turn.
        parts: what each of them has.
    """

    path: str
    directory: bool
    size: int | None
    unit: int
    factor: int
    first: int | None
    parts: list[Part]


@command("pfs", section="files", json=True)
@click.option("-h", "--human", is_flag=True, help="df: sizes with their units.")
@click.option("-S", "--unit", type=SIZE_TYPE, default=0, metavar="SIZE",
              help="setstripe: bytes in a row on one I/O node.")  # fmt: skip
@click.option("-c", "--factor", type=click.IntRange(0), default=0, metavar="N",
              help="setstripe: over how many I/O nodes.")  # fmt: skip
@click.option("-i", "--first", type=click.IntRange(BOUNDLESS), default=BOUNDLESS, metavar="N",
              help="setstripe: the I/O node, counted from 0, with the first; -1: each in turn.",
              )  # fmt: skip
@click.argument("action", required=False, type=click.Choice(["df", "stat", "setstripe"]),
                metavar="{df|stat|setstripe}")  # fmt: skip
@click.argument("paths", nargs=-1, type=PATH, metavar="[PATH]...")
async def pfs(
    context: Context,
    action: str | None,
    paths: tuple[str, ...],
    human: bool,
    unit: int,
    factor: int,
    first: int,
) -> int:
    """Tell of the parallel file system in /pfs, or say how files are striped.

    'df' tells how full the disk of each I/O node is, and what its server has done; 'stat' how
    files are striped, and which I/O node has how much of them; of a directory, how files are that
    are made in it. 'setstripe' makes an empty file that is striped in its own way, or says how
    new files of a directory are. What is left out is as the machine has it.

    \b
    Example:
      pfs df -h
      pfs setstripe -S '1 MiB' -c 4 results
      pfs stat results/*
    """
    if action is None:
        raise click.UsageError("say what: df, stat or setstripe")
    if action == "df":
        if paths:
            raise click.UsageError("'pfs df' tells of all I/O nodes, and takes no PATH")
        return _df(context, human)
    if not paths:
        raise click.UsageError("give a PATH")
    if action == "stat":
        return await _stat(context, paths)
    return await _each(
        context, paths, lambda path: _set_stripes(context, path, unit, factor, first)
    )


# -- df ----------------------------------------------------------------------------------------


def _df(context: Context, human: bool) -> int:
    disks = [_disk(each) for each in context.machine.io.status()]
    if not disks:
        raise StripesError("this machine has no I/O nodes")
    size: Callable[[int], Any] = _short if human else _kibibytes
    rows = [
        (d.server, d.node, size(d.size), size(d.used), size(d.free), d.requests,
         size(d.read), size(d.written), "-" if d.hits is None else f"{d.hits:.0%}", d.state)
        for d in disks
    ]  # fmt: skip
    titles = (
        "SERVER", "NODE", "SIZE" if human else "KIB", "USED", "FREE", "REQUESTS", "READ", "WRITTEN",
        "HITS", "STATE",
    )  # fmt: skip
    context.show(disks, table(titles, rows, right=range(1, 9)))
    return 0


def _disk(status: ParallelServerStatus) -> Disk:
    looked = status.hits + status.misses
    return Disk(
        status.name,
        status.node,
        "crashed" if status.crashed else "up" if status.running else "stopped",
        status.capacity,
        status.used,
        status.capacity - status.used,
        status.requests,
        status.bytes_read,
        status.bytes_written,
        status.hits / looked if looked else None,
    )


def _kibibytes(size: int) -> int:
    return -(-size // 1024)


_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def _short(size: int) -> str:
    """Return a size with three digits at the most, as ``df -h`` of any Unix."""
    number, power = float(size), 0
    while number >= 1000 and power < len(_UNITS) - 1:
        number /= 1024
        power += 1
    digits = 1 if power and number < 10 else 0
    return f"{number:.{digits}f} {_UNITS[power]}"


# -- stat --------------------------------------------------------------------------------------


async def _stat(context: Context, paths: tuple[str, ...]) -> int:
    found: list[Stripes] = []

    async def look(path: str) -> None:
        found.append(await _stripes(context, path))

    status = await _each(context, paths, look)
    shown: list[Any] = []
    for each in found:
        shown += _described(each)
    context.show(found, *shown)
    return status


async def _each(
    context: Context, paths: tuple[str, ...], act: Callable[[str], Awaitable[None]]
) -> int:
    attempts = Attempts(context, "pfs")
    for path in paths:
        with attempts.at(path):
            try:
                await act(path)
            except OSError as error:
                raise _explained(error, path) from None
    return attempts.status


def _explained(error: OSError, path: str) -> Exception:
    """Return what to tell of an error."""
    if error.errno != errno.EINVAL:
        return error
    return StripesError(f"{path}: is not on the parallel file system, which is in /pfs")


async def _stripes(context: Context, path: str) -> Stripes:
    files = context.session.files
    told, status = await files.striping(path), await files.stat(path)
    if stat.S_ISDIR(status.mode):
        return _for_new(context, path, told)
    layout = Layout(status.ino, told.unit, told.servers)
    parts = [
        Part(server_name(number), layout.part_length(place, status.size))
        for place, number in enumerate(told.servers)
    ]
    return Stripes(path, False, status.size, told.unit, told.factor, told.first, parts)


def _for_new(context: Context, path: str, told: calls.Striped) -> Stripes:
    """Return how files of a directory are striped, with what the machine has for the rest."""
    io, nodes = context.machine.description.io, len(context.machine.io.servers)
    factor = min(told.factor or io.stripe_factor or nodes, nodes)
    first = None if told.first == BOUNDLESS else told.first
    return Stripes(path, True, None, told.unit or io.stripe_unit, factor, first, [])


def _described(stripes: Stripes) -> list[Any]:
    nodes = f"{stripes.factor} I/O node{'s' * (stripes.factor != 1)}"
    if stripes.directory:
        first = "each in turn" if stripes.first is None else server_name(stripes.first)
        return [
            f"{stripes.path}: new files in units of {SIZE.write(stripes.unit)} over {nodes}, "
            f"beginning with {first}"
        ]
    units = f"in units of {SIZE.write(stripes.unit)} over {nodes}"
    head = f"{stripes.path}: {stripes.size:,} bytes {units}"
    rows = [(part.server, part.bytes) for part in stripes.parts]
    return [head, table(("SERVER", "BYTES"), rows, right=(1,))]


# -- setstripe ---------------------------------------------------------------------------------


async def _set_stripes(context: Context, path: str, unit: int, factor: int, first: int) -> None:
    nodes = len(context.machine.io.servers)
    if factor > nodes or first >= nodes:
        raise StripesError(f"{path}: there are {nodes} I/O nodes, numbered from 0")
    if unit and not LEAST_UNIT <= unit <= MOST_UNIT:
        least, most = SIZE.write(LEAST_UNIT), SIZE.write(MOST_UNIT)
        raise StripesError(f"{path}: a stripe unit has {least} to {most}")
    try:
        await context.session.files.set_striping(path, unit, factor, first)
    except FileExistsError:
        raise StripesError(
            f"{path}: is there already; how a file is striped is said when it is made"
        ) from None
