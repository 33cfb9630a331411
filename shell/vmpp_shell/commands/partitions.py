"""Partitions of the compute nodes, by the Paragon's commands: mkpart, rmpart and the others."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from vmpp.errors import VmppError, suggestion
from vmpp.quantities import DURATION
from vmpp.ranges import write_ranges
from vmpp.service.record import MOST_URGENT
from vmpp.service.status import NodeState
from vmpp_shell.arguments.modes import changed
from vmpp_shell.arguments.quantities import DURATION_TYPE
from vmpp_shell.arguments.types import CHOICES, NODES, PARTITION, SIZE
from vmpp_shell.registry import command
from vmpp_shell.tables import table

if TYPE_CHECKING:
    from vmpp.machine.session import Session
    from vmpp.service.node_partitions import NodePartition
    from vmpp.service.partition_calls import PartitionStatus
    from vmpp.service.status import JobStatus, NodeStatus
    from vmpp_shell.context import Context

SPACE_SHARING: Final = "single"
"""Scheduling policy of ``-sps``: an application has its nodes to itself."""
STANDARD: Final = "rr"
"""That of ``-ss``: every node shares its CPU out, and knows nothing of the others."""
GANG: Final = "gang"
"""That of ``-rq``: applications have all of their nodes at the same time, for a rollin quantum."""

_URGENCY: Final = click.IntRange(-MOST_URGENT, MOST_URGENT)
_OWN: Final = "*"
_OTHER: Final = "."
_DOWN: Final = "X"


class NobodyError(VmppError):
    """There is no user or group of a name."""


def _scheduling(body: Any) -> Any:
    """Give a command the options that say how the nodes of a partition are scheduled."""
    for option in reversed(_SCHEDULING):
        body = option(body)
    return body


_SCHEDULING: Final = (
    click.option("-epl", "urgency", type=_URGENCY, metavar="N",
                 help="The highest priority of jobs in it."),
    click.option("-ss", "standard", is_flag=True,
                 help="Each node shares its CPU out: --pct rr."),
    click.option("-sps", "space", is_flag=True,
                 help="A job has its nodes to itself: --pct single."),
    click.option("-rq", "quantum", type=DURATION_TYPE, metavar="TIME",
                 help="Jobs have all of their nodes at once, for so long: --pct gang:TIME."),
    click.option("--pct", "policy", type=CHOICES["pct"], metavar="NAME[:ARG]...",
                 help="Scheduling policy of its nodes."),
)  # fmt: skip


def _policy(standard: bool, space: bool, quantum: int | None, policy: str | None) -> str | None:
    """Return the scheduling policy that options choose; None if none does."""
    chosen = [
        text
        for text, said in (
            (STANDARD, standard),
            (SPACE_SHARING, space),
            (f"{GANG}:{DURATION.write(quantum or 0)}", quantum is not None),
            (policy, policy is not None),
        )
        if said
    ]
    if len(chosen) > 1:
        raise click.UsageError("-ss, -sps, -rq and --pct say the same: give one of them")
    return chosen[0] if chosen else None


@command("mkpart", section="launch")
@click.option("-sz", "size", type=SIZE, metavar="N|HxW",
              help="How many nodes, or the rows and columns of a rectangle of them.")  # fmt: skip
@click.option("-nd", "nodes", type=NODES, metavar="NODES",
              help="Which nodes, counted from 0 in the outer partition.")  # fmt: skip
@click.option("-mod", "mode", metavar="MODE", help="Permissions, as of a file.  [default: 755]")
@_scheduling
@click.argument("name", type=PARTITION, metavar="PARTITION")
async def mkpart(
    context: Context,
    name: str,
    size: tuple[int, ...] | None,
    nodes: tuple[int, ...] | None,
    mode: str | None,
    urgency: int | None,
    **scheduling: Any,
) -> None:
    """Make a partition of the compute nodes, which 'yod -pn PARTITION' runs jobs in.

    A name that begins with a dot is a whole one, as .compute.weather; any other is one in .compute.
    The partition has all nodes of the outer one, or those that are said. Who may read (r) a
    partition sees what is in it, who may write (w) makes partitions in it, and who may execute (x)
    runs jobs in it. How jobs are scheduled is as in the outer partition if it is not said.

    \b
    Example:
      mkpart -sz 16 weather
      mkpart -sz 4x4 -rq 10ms -mod 700 weather.night
    """
    if size is not None and nodes is not None:
        raise click.UsageError("-sz and -nd say the same: give one of them")
    wanted: dict[str, Any] = {"nodes": nodes or ()}
    if size is not None:
        wanted |= {"size": size[0]} if len(size) == 1 else {"shape": size}
    if urgency is not None:
        wanted["most_urgent"] = urgency
    permissions = 0o755 if mode is None else changed(mode, 0o755) & 0o777
    policy = _policy(**scheduling) or ""
    await context.session.make_partition(name, mode=permissions, policy=policy, **wanted)


@command("rmpart", section="launch")
@click.option("-f", "force", is_flag=True, help="Kill the jobs that are in it.")
@click.option("-r", "deep", is_flag=True, help="Remove the partitions in it as well.")
@click.argument("name", type=PARTITION, metavar="PARTITION")
async def rmpart(context: Context, name: str, force: bool, deep: bool) -> None:
    """Remove a partition, for which one has to be allowed to write to the outer one.

    \b
    Example:
      rmpart weather.night
      rmpart -r -f weather
    """
    await context.session.remove_partition(name, force=force, deep=deep)


@command("chpart", section="launch")
@click.option("-mod", "mode", metavar="MODE", help="Permissions, as 750, or g-x.")
@click.option("-nm", "new_name", default="", metavar="WORD", help="The last word of its name.")
@click.option("-o", "owner", metavar="USER[.GROUP]",
              help="Whose it is; only root may give one away.")  # fmt: skip
@click.option("-g", "group", metavar="GROUP", help="Its group.")
@_scheduling
@click.argument("name", type=PARTITION, metavar="PARTITION")
async def chpart(
    context: Context,
    name: str,
    mode: str | None,
    new_name: str,
    owner: str | None,
    group: str | None,
    urgency: int | None,
    **scheduling: Any,
) -> None:
    """Change a partition, which only its owner may, or root.

    Jobs that are in it already go on as they are.

    \b
    Example:
      chpart -mod 750 -g programmers weather
      chpart -rq 20ms weather
    """
    session = context.session
    user, _, named = (owner or "").partition(".")
    if named and group:
        raise click.UsageError(f"-o {owner} and -g {group} both say the group: give one of them")
    changes: dict[str, Any] = {
        "new_name": new_name,
        "policy": _policy(**scheduling),
        "most_urgent": urgency,
    }
    if mode is not None:
        before = (await session.partition(name)).partition.mode
        changes["mode"] = changed(mode, before) & 0o777
    if user:
        changes["uid"] = _number(user, "user", {v: k for k, v in (await _users(session)).items()})
    if named or group:
        known = {v: k for k, v in (await _groups(session)).items()}
        changes["gid"] = _number(named or group or "", "group", known)
    await session.change_partition(name, **changes)


@command("lspart", section="launch", json=True)
@click.option("-r", "deep", is_flag=True, help="List the partitions in these as well.")
@click.argument("name", type=PARTITION, required=False, default="", metavar="[PARTITION]")
async def lspart(context: Context, name: str, deep: bool) -> None:
    """List the partitions in PARTITION, or in .compute.

    ACCESS is who may do what: see what is in it (r), make partitions in it (w), run jobs in it (x).
    FREE is how many of its nodes nobody has; EPL the highest priority of jobs in it.

    \b
    Example:
      lspart
      lspart -r .
    """
    found = await context.session.partitions(name, deep=deep)
    context.show(found, await _table(context, found))


@command("showpart", section="launch", json=True)
@click.argument("name", type=PARTITION, required=False, default="", metavar="[PARTITION]")
async def showpart(context: Context, name: str) -> None:
    """Show which nodes of the machine a partition has.

    A * is one of its nodes, an X one of them that is down, and a dot any other compute node.

    \b
    Example:
      showpart weather
    """
    status = await context.session.partition(name)
    lines = _picture(status.partition, await context.session.nodes())
    context.show(status, await _table(context, [status]), *lines)


@command("pspart", section="launch", json=True)
@click.option("-r", "deep", is_flag=True, help="List the jobs in the partitions in it as well.")
@click.argument("name", type=PARTITION, required=False, default="", metavar="[PARTITION]")
async def pspart(context: Context, name: str, deep: bool) -> None:
    """List the jobs in a partition, or in .compute.

    \b
    Example:
      pspart weather
    """
    session = context.session
    found = [await session.partition(name)]
    found += await session.partitions(name, deep=True) if deep else []
    places = {job: status.partition.name for status in found for job in status.jobs}
    jobs = [job for job in await session.jobs() if job.id in places]
    rows = [(each.id, each.user, each.size, each.priority, each.state.value, _since(each),
             places[each.id], each.command or each.name) for each in jobs]  # fmt: skip
    titles = ("JOB", "USER", "SIZE", "PRI", "STATE", "START", "PARTITION", "COMMAND")
    context.show(jobs, table(titles, rows, right=(0, 2, 3, 5)))


def _since(job: JobStatus) -> str:
    return "" if job.start is None else DURATION.write(job.start)


async def _table(context: Context, found: Sequence[PartitionStatus]) -> Any:
    """Return the table of some partitions."""
    session = context.session
    users, groups = await _users(session), await _groups(session)
    free = {node.number for node in await session.nodes() if node.state is NodeState.FREE}
    rows = [
        (
            users.get(each.uid, each.uid),
            groups.get(each.gid, each.gid),
            stat.filemode(each.mode)[1:],
            f"{each.shape[0]}x{each.shape[1]}" if each.shape else len(each.nodes),
            len(free.intersection(each.nodes)),
            each.policy or "-",
            each.most_urgent,
            each.name,
        )
        for each in (status.partition for status in found)
    ]
    titles = ("USER", "GROUP", "ACCESS", "SIZE", "FREE", "SCHEDULING", "EPL", "PARTITION")
    return table(titles, rows, right=(3, 4, 6))


def _picture(partition: NodePartition, nodes: Iterable[NodeStatus]) -> list[str]:
    """Return the compute nodes in rows as they stand in a mesh, or else which are its own."""
    compute = [node for node in nodes if node.partition == "compute"]
    own = set(partition.nodes)
    if any(len(node.place) != 2 for node in compute):
        return [f"nodes {write_ranges(partition.nodes)}"]
    cells = {node.place: _cell(node, own) for node in compute}
    columns = range(max(column for column, _ in cells) + 1)
    rows = range(max(row for _, row in cells) + 1)
    return [" ".join(cells.get((column, row), " ") for column in columns).rstrip() for row in rows]


def _cell(node: NodeStatus, own: set[int]) -> str:
    if node.number not in own:
        return _OTHER
    return _DOWN if node.state is NodeState.DOWN else _OWN


async def _users(session: Session) -> dict[int, str]:
    """Return the names of users by number; without accounts there is one user."""
    if not session.has_accounts:
        return {session.user.uid: session.user.name}
    return {each.uid: each.name for each in await session.users()}


async def _groups(session: Session) -> dict[int, str]:
    if not session.has_accounts:
        return {}
    return {each.gid: each.name for each in await session.groups()}


def _number(text: str, what: str, known: dict[str, int]) -> int:
    if text.isdecimal() and text.isascii():
        return int(text)
    if text not in known:
        raise NobodyError(f"there is no {what} {text!r}{suggestion(text, known)}")
    return known[text]
