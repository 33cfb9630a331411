"""The commands that users of Slurm know: sinfo, squeue, scancel, sacct."""
# ruff: noqa: PLC0415 - rich takes a while, which who only asks for help need not wait for

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from vmpp.errors import VmppError
from vmpp.quantities import duration
from vmpp_shell.arguments.signals import SIGNAL
from vmpp_shell.arguments.types import JOB, USER
from vmpp_shell.registry import Body, command
from vmpp_shell.watch import node_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from vmpp.service.status import JobStatus
    from vmpp_shell.context import Context
    from vmpp_shell.views.jobs import Names

_SECONDS = re.compile(r"[\d.]+(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
"""A time without a unit."""
_NOHEADER = click.option("-h", "--noheader", is_flag=True, help="Leave the titles out.")


class NoJobError(VmppError):
    """There is no such job."""


def _list(context: click.Context, parameter: click.Parameter, given: str | None) -> list[str]:
    """Divide a list at its commas."""
    return [] if given is None else [each for each in given.split(",") if each]


def _ids(context: click.Context, parameter: click.Parameter, given: str | None) -> list[int]:
    return [JOB.convert(each, parameter, context) for each in _list(context, parameter, given)]


def _users(text: str) -> Callable[[Body], Body]:
    return click.option("-u", "--user", "users", metavar="NAME,...", type=USER,
                        callback=_list, help=text)  # fmt: skip


_JOBS = click.option("-j", "--jobs", "ids", metavar="ID,...", callback=_ids,
                     help="Only these jobs.")  # fmt: skip
_NAMES = click.option("-n", "--name", "names", metavar="NAME,...", callback=_list,
                      help="Only jobs of these names: those of programs.")  # fmt: skip


def _names(context: Context) -> Names:
    """Return what says how a node is called."""
    return node_names(context.machine)


@command("squeue", section="jobs", json=True)
@_users("Only jobs of these users.")
@click.option("--me", is_flag=True, help="Only jobs of mine.")
@_JOBS
@click.option("-t", "--states", "states", metavar="STATE,...",
              help="Only jobs in these states, such as PD or running, or all.  "
              "[default: all that have not ended]")  # fmt: skip
@_NAMES
@click.option("-l", "--long", "is_long", is_flag=True, help="Say more.")
@click.option("-o", "--format", "layout", metavar="FORMAT",
              help="The columns, such as '%.18i %j %u %T'.")  # fmt: skip
@_NOHEADER
async def squeue(
    context: Context,
    users: list[str],
    me: bool,
    ids: list[int],
    states: str | None,
    names: list[str],
    is_long: bool,
    layout: str | None,
    noheader: bool,
) -> None:
    """List the jobs that wait and run, as Slurm does.

    Columns of a format: %i number, %P partition, %j name, %u user, %t and %T state, %M time,
    %D nodes, %N and %R where, %r why not, %Q priority, %y nice, %V submitted, %S started, %e ended,
    %o command.

    \b
    Example:
      squeue -u alice
      squeue -t all -o '%i %j %T %r'
    """
    from vmpp_shell.views import jobs
    from vmpp_shell.views import squeue as view

    wanted = view.WAITING_OR_RUNNING if states is None else jobs.states(states)
    found = await context.session.jobs()
    if wanted - view.WAITING_OR_RUNNING:
        found = await _with_past(context, found)
    chosen = view.select(
        found,
        users=[*users, *([context.session.user.name] if me else [])],
        ids=ids,
        names=names,
        states=wanted,
    )
    usual = view.LONG if is_long else view.SHORT
    now = context.machine.engine.now
    table = view.squeue(chosen, now, _names(context), layout=layout or usual, header=not noheader)
    context.show(chosen, table)


async def _with_past(context: Context, jobs: list[JobStatus]) -> list[JobStatus]:
    """Return *jobs* and those that have ended, as far as they may be known."""
    known = {job.id for job in jobs}
    return jobs + [job for job in await context.session.history() if job.id not in known]


@command("sinfo", section="watch", json=True)
@click.option("-N", "--Node", "each", is_flag=True, help="A line for each node.")
@click.option("-l", "--long", "is_long", is_flag=True, help="Say more.")
@click.option("-s", "--summarize", is_flag=True, help="A line for each partition.")
@click.option("-p", "--partition", "partitions", metavar="NAME,...", callback=_list,
              help="Only these: compute, service, io.")  # fmt: skip
@click.option("-t", "--states", "states", metavar="STATE,...", callback=_list,
              help="Only nodes that are idle, alloc, down or resv.")  # fmt: skip
@click.option("-o", "--format", "layout", metavar="FORMAT",
              help="The columns, such as '%P %D %t %N'.")  # fmt: skip
@_NOHEADER
async def sinfo(
    context: Context,
    each: bool,
    is_long: bool,
    summarize: bool,
    partitions: list[str],
    states: list[str],
    layout: str | None,
    noheader: bool,
) -> None:
    """Say how many nodes are in which state, as Slurm does.

    A star behind a state says that a node does not respond. Nodes for servers are reserved.

    \b
    Example:
      sinfo
      sinfo -N -t down
    """
    from vmpp_shell.views import sinfo as view

    found = await context.session.nodes()
    chosen = view.select(found, partitions=partitions, states=states)
    usual = {
        (False, False): view.BY_STATE,
        (False, True): view.BY_STATE_LONG,
        (True, False): view.BY_NODE,
        (True, True): view.BY_NODE_LONG,
    }[each, is_long]
    layout = layout or (view.SUMMARY if summarize else usual)
    table = view.sinfo(chosen, layout=layout, each=each, header=not noheader)
    context.show(chosen, table)


@command("scancel", section="jobs")
@click.argument("ids", nargs=-1, type=JOB, metavar="[ID]...")
@click.option("-s", "--signal", "number", type=SIGNAL, default="TERM", metavar="SIGNAL",
              help="Send this one.  [default: TERM]")  # fmt: skip
@_users("All jobs of these users.")
@click.option("--me", is_flag=True, help="All jobs of mine.")
@_NAMES
@click.option("-t", "--state", "states", metavar="STATE,...",
              help="Only jobs in these states, such as PD or running.")  # fmt: skip
@click.option("-Q", "--quiet", is_flag=True, help="Say nothing of jobs that are not there.")
async def scancel(
    context: Context,
    ids: tuple[int, ...],
    number: int,
    users: list[str],
    me: bool,
    names: list[str],
    states: str | None,
    quiet: bool,
) -> int:
    """End jobs, or send them a signal.

    \b
    Example:
      scancel 7
      scancel --me -t pending
      scancel -s USR1 7
    """
    from vmpp_shell.views import jobs
    from vmpp_shell.views import squeue as view

    if me:
        users = [*users, context.session.user.name]
    if not (ids or users or names or states):
        raise click.UsageError("which jobs? Give numbers, or -u, -n, -t or --me")
    found = view.select(
        await context.session.jobs(),
        users=users,
        ids=ids,
        names=names,
        states=view.WAITING_OR_RUNNING if states is None else jobs.states(states),
    )
    missing = [each for each in ids if each not in {job.id for job in found}]
    failures = [] if quiet else [NoJobError(f"there is no job {each}") for each in missing]
    for job in found:
        try:
            await context.session.signal(job.id, number)
        except VmppError as error:
            failures.append(error)  # type: ignore[arg-type]
    for failure in failures:
        context.err.print(f"scancel: {failure}")
    return 1 if failures else 0


@command("sacct", section="jobs", json=True)
@_users("Only jobs of these users; root alone sees those of others.")
@_JOBS
@click.option("--name", "names", metavar="NAME,...", callback=_list,
              help="Only jobs of these names: those of programs.")  # fmt: skip
@click.option("-s", "--state", "states", metavar="STATE,...",
              help="Only jobs in these states, such as F or completed.")  # fmt: skip
@click.option("-S", "--starttime", "since", metavar="TIME",
              help="Only jobs that had not ended at this time, such as '2 ms'.")  # fmt: skip
@click.option("-E", "--endtime", "until", metavar="TIME",
              help="Only jobs that had been submitted at this time.")  # fmt: skip
@click.option("-o", "--format", "layout", metavar="COLUMN,...",
              help="The columns, such as JobID,State%20,Elapsed.")  # fmt: skip
@click.option("-e", "--helpformat", is_flag=True, help="List the columns there are.")
@click.option("-X", "--allocations", is_flag=True, help="Only jobs, not steps: all are jobs here.")
@click.option("-P", "--parsable2", is_flag=True, help="With | between columns, for programs.")
@click.option("-p", "--parsable", is_flag=True, help="Likewise, and | at the end.")
@click.option("-n", "--noheader", is_flag=True, help="Leave the titles out.")
async def sacct(
    context: Context,
    users: list[str],
    ids: list[int],
    names: list[str],
    states: str | None,
    since: str | None,
    until: str | None,
    layout: str | None,
    helpformat: bool,
    allocations: bool,
    parsable2: bool,
    parsable: bool,
    noheader: bool,
) -> None:
    """List what jobs there have been, as Slurm does: mine, or everybody's to root.

    \b
    Example:
      sacct
      sacct -S '1 s' --format JobID,JobName,State,Elapsed,Messages -P
    """
    from vmpp_shell.views import jobs
    from vmpp_shell.views import sacct as view

    if helpformat:
        context.out.print(view.help_format(_names(context)))
        return
    now = context.machine.engine.now
    found = await _with_present(context)
    chosen = view.select(
        found,
        users=users,
        ids=ids,
        names=names,
        states=jobs.states(states) if states else (),
        begin=_instant(since, now),
        end=_instant(until, now),
    )
    table = view.sacct(
        chosen,
        now,
        _names(context),
        layout=layout or view.USUAL,
        header=not noheader,
        delimiter="|" if parsable or parsable2 else "",
        end="|" if parsable else "",
    )
    context.show(chosen, table)


async def _with_present(context: Context) -> list[JobStatus]:
    """Return the jobs on record, and those that are still to be recorded."""
    session = context.session
    found = await session.history()
    known = {job.id for job in found}
    mine = [
        job
        for job in await session.jobs()
        if job.id not in known and (session.user.is_root or job.uid == session.user.uid)
    ]
    return [*found, *mine]


def _instant(text: str | None, now: int) -> int | None:
    """Return a virtual time in picoseconds: seconds, a quantity, or ``now``."""
    if text is None:
        return None
    if text.lower() == "now":
        return now
    written = f"{text} s" if _SECONDS.fullmatch(text) else text
    try:
        return duration(written)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
