"""Commands about the machine itself: what it is, and what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vmpp.machine import listings
from vmpp.machine.quantities import DURATION, SIZE
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
        "policy": described.pct.policy,
        "allocator": described.service.allocator,
        "timing": described.network.timing,
        "up_ps": up.engine.now,
    }
    written: dict[str, Callable[[Any], str]] = {"memory": SIZE.write, "up_ps": DURATION.write}
    rows = [
        (name.removesuffix("_ps").replace("_", " "), written.get(name, str)(value))
        for name, value in facts.items()
    ]
    context.show(facts, table(("", ""), rows, header=False))


@command("plugins", section="machine", json=True)
async def plugins(context: Context) -> None:
    """List what plugins offer, and where each comes from.

    \b
    Example:
      plugins | grep policy
    """
    offers = context.console.plugins.listing()
    data = [
        {
            "kind": offer.kind,
            "name": offer.name,
            "plugin": offer.source.plugin,
            "distribution": offer.source.distribution,
            "version": offer.source.version,
            "module": offer.source.module,
        }
        for offer in offers
    ]
    context.show(data, listings.plugins(offers))
