"""Commands about the machine itself: what it is, and what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from vmpp.errors import VmppError
from vmpp.machine import listings
from vmpp.machine.options import policy_options
from vmpp.quantities import DURATION, SIZE
from vmpp_shell.arguments.types import CHOICES, MACHINE
from vmpp_shell.console import Boot
from vmpp_shell.registry import command
from vmpp_shell.tables import table

if TYPE_CHECKING:
    from vmpp_shell.context import Context


@command("machine", section="machine", json=True)
async def machine(context: Context) -> None:
    """Tell what machine this is.

    \b
    Example:
      machine
    """
    up = context.machine
    described = up.description
    facts: dict[str, Any] = {
        "name": described.name,
        "title": described.title,
        "topology": f"{described.topology.kind} {' x '.join(map(str, described.topology.dims))}",
        "compute_nodes": described.compute_nodes,
        "service_nodes": described.service.nodes,
        "io_nodes": described.nodes - described.compute_nodes - described.service.nodes,
        "cpus": described.node.cpus,
        "memory": described.node.memory,
        **{kind: text for kind, text in up.policies.items() if kind != "topology"},
        "level": described.pct.level,
        "up_ps": up.engine.now - up.began,
    }
    written: dict[str, Callable[[Any], str]] = {"memory": SIZE.write, "up_ps": DURATION.write}
    rows = [
        (name.removesuffix("_ps").replace("_", " "), written.get(name, str)(value))
        for name, value in facts.items()
    ]
    context.show(facts, table(("", ""), rows, header=False))


@command("plugins", section="machine", json=True)
async def plugins(context: Context) -> None:
    """List what plugins offer, where each comes from, and what is left out.

    \b
    Example:
      plugins | grep topology
    """
    found = context.console.plugins
    offers = found.listing()
    data = [
        {
            "kind": offer.kind,
            "name": offer.name,
            "plugin": offer.source.plugin,
            "distribution": offer.source.distribution,
            "version": offer.source.version,
            "module": offer.source.module,
            "parameters": [asdict(each) for each in listings.settable(offer, found)],
            "problem": None,
        }
        for offer in offers
    ]
    data += [
        {
            "kind": ", ".join(sorted(problem.kinds or ())),
            "name": problem.name,
            "plugin": problem.source.plugin,
            "distribution": problem.source.distribution,
            "version": problem.source.version,
            "module": problem.source.module,
            "parameters": [],
            "problem": str(problem),
        }
        for problem in found.problems
    ]
    tables: list[Any] = [listings.plugins(found)]
    if found.problems:
        tables += ["", listings.problems(found.problems)]
    context.show(data, *tables)


@command("boot", section="machine")
@click.option("--nodes", type=click.IntRange(1), metavar="N",
              help="Compute nodes, at least, of a machine that grows.")  # fmt: skip
@click.option("--seed", type=int, metavar="N", help="Seed of everything that is random.")
@partial(policy_options, type_of=CHOICES.get)
@click.argument("machine", required=False, type=MACHINE, metavar="[MACHINE]")
async def boot(
    context: Context,
    machine: str | None,
    nodes: int | None,
    seed: int | None,
    policies: dict[str, str],
    level: int | None,
) -> None:
    """Boot MACHINE, a name or a file, or the one that was up before.

    What 'policy' has chosen for the next boot is chosen then, as far as no option says otherwise.

    \b
    Example:
      shutdown
      boot paragon --network-timing wormhole --pct rr:2ms
    """
    console = context.console
    before = console.asked
    await console.boot(
        Boot(
            before.machine if machine is None else machine,
            before.nodes if nodes is None else nodes,
            before.seed if seed is None else seed,
            {**before.policies, **policies},
            before.host,
            before.level if level is None else level,
        )
    )
    up = console.machine.description
    context.out.print(f"{up.name} is up: {up.compute_nodes:,} compute nodes")


@command("shutdown", section="machine")
@click.option("--force", is_flag=True, help="Even if jobs run; they end with the machine.")
async def shutdown(context: Context, force: bool) -> None:
    """Shut the machine down, at its console.

    \b
    Example:
      shutdown
      boot
    """
    running = len(context.machine.jobs())
    if running and not force:
        jobs = "1 job runs" if running == 1 else f"{running} jobs run"
        raise VmppError(f"{jobs} or wait; --force ends them")
    await context.console.shut_down()
