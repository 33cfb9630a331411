"""Watching the machine: showmesh, nodes, top."""
# ruff: noqa: PLC0415 - rich takes a while, which who only asks for help need not wait for

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from vmpp.hardware import Partition
from vmpp.machine.nodesets import NodeSet
from vmpp.service.status import Activity, NodeState
from vmpp_shell.arguments.quantities import DURATION_TYPE
from vmpp_shell.arguments.types import JOB, NODE_SET
from vmpp_shell.live import DELAY, live
from vmpp_shell.registry import command
from vmpp_shell.watch import LinkWatch, look

if TYPE_CHECKING:
    from vmpp.service.status import NodeStatus
    from vmpp_shell.context import Context

_delay = click.option(
    "-d", "--delay", type=DURATION_TYPE, default=DELAY, metavar="TIME",
    help="Between two pictures, such as '0.5 s'; of virtual time where nobody looks.  "
    "[default: 1 s]",
)  # fmt: skip
_count = click.option(
    "-n", "--count", type=click.IntRange(1), metavar="N",
    help="Print so many pictures, one below the other.",
)  # fmt: skip

_STATES = [
    each.value for each in (*NodeState, *Activity) if each not in (Activity.NONE, Activity.READY)
]


@command("showmesh", section="watch", json=True)
@click.option("--live", "moving", is_flag=True, help="Show a picture that moves; q quits.")
@_delay
@_count
async def showmesh(context: Context, moving: bool, delay: int, count: int | None) -> None:
    """Show who has which nodes, a character a node.

    \b
    S  a service node       *  free
    I  an I/O node          +  allocated, with no job yet
    X  dead                 -  stale: it is silent, and nobody knows why yet
    ?  non-existent         =  held by a job, which has no rank there
    a to z, aa and so on: jobs, listed below; a/b: jobs that share a node

    With --live what each node does is shown as well, and how busy the links are between them.

    \b
    Example:
      showmesh
      showmesh --live
    """
    from vmpp_shell.views.showmesh import Showmesh

    if moving and not context.json:
        await _moving(context, delay, count)
        return
    nodes, jobs = await context.session.nodes(), await context.session.jobs()
    shown = Showmesh(nodes, jobs, context.machine.engine.now)
    context.show({"nodes": nodes, "jobs": jobs}, shown)


async def _moving(context: Context, delay: int, count: int | None) -> None:
    from vmpp_shell.views.letters import Lettering
    from vmpp_shell.views.picture import Picture

    machine = context.machine
    lettering = Lettering()
    with LinkWatch(machine) as links:

        async def frame() -> Any:
            nodes, jobs, now = machine.nodes(), machine.jobs(), machine.engine.now
            use = links.take(nodes)
            name = machine.description.name
            return Picture(nodes, jobs, now, use, heading=name, lettering=lettering)

        await live(context, frame, delay=delay, count=count)


@command("nodes", section="watch", json=True)
@click.argument("wanted", type=NODE_SET, default="all", metavar="[NODES]")
@click.option("-j", "--job", type=JOB, metavar="ID", help="Only those of a job.")
@click.option("-t", "--state", type=click.Choice(_STATES, case_sensitive=False), metavar="STATE",
              help=f"Only those that are, or do, this now: {', '.join(_STATES)}.")  # fmt: skip
async def nodes(context: Context, wanted: NodeSet, job: int | None, state: str | None) -> None:
    """List nodes: where each is, who has it, and what it does.

    NODES are numbers and ranges, such as 0..7,12, or compute, service, io or all.

    \b
    Example:
      nodes 0..15
      nodes service
    """
    from vmpp_shell.views.nodes import listing

    found: list[NodeStatus] = await context.session.nodes()
    try:
        numbers = wanted.numbers(Partition(node.partition) for node in found)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    chosen = [
        node
        for node in found
        if node.number in numbers
        and (job is None or job in node.jobs)
        and state in (None, node.state, node.activity)
    ]
    context.show(chosen, listing(chosen))


@command("top", section="watch", json=True)
@_delay
@_count
async def top(context: Context, delay: int, count: int | None) -> None:
    """Show what the machine and its jobs do, busiest first, time and again; q quits.

    Rates of jobs are a second of virtual time.

    \b
    Example:
      top
      top -n 2 -d '1 ms'
    """
    from vmpp_shell.views.top import Top

    machine = context.machine
    if context.json:
        seen = look(machine, time.monotonic())
        context.show({"now": seen.now, "counters": seen.counters, "jobs": seen.jobs})
        return
    before = None

    async def frame() -> Any:
        nonlocal before
        # What the host does is nothing for a transcript.
        host = time.monotonic() if context.out.is_terminal else 0.0
        seen, earlier = look(machine, host), before
        before = seen
        return Top(earlier, seen, heading=machine.description.name)

    await live(context, frame, delay=delay, count=count)
