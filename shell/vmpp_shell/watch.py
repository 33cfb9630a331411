"""What pictures need to see of a machine, without its virtual time taking part."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from vmpp.hardware import LinkLoad, Wired
from vmpp.machine.wiring import joined
from vmpp_shell.views.links import LinkUse
from vmpp_shell.views.top import Look

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine
    from vmpp.service.status import NodeStatus


def node_names(machine: Machine) -> Callable[[int], str]:
    """Return what says how the node of a number is called."""
    name = machine.description.name
    return lambda number: f"{name}-n{number:05d}"


def look(machine: Machine, host: float) -> Look:
    """Return what there is to see now, at the host's time *host*, in seconds."""
    return Look(host, machine.engine.now, machine.nodes(), machine.jobs(), machine.counters())


class LinkWatch:
    """Has the use of links counted, within a ``with`` block."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._since = machine.engine.now
        self._pairs: dict[int, tuple[int, int]] = {}
        self._load: LinkLoad

    def __enter__(self) -> LinkWatch:
        self._load = self._machine.fabric.watch()
        self._since = self._machine.engine.now
        return self

    def __exit__(self, *_: object) -> None:
        self._machine.fabric.unwatch(self._load)

    def take(self, nodes: Iterable[NodeStatus]) -> LinkUse:
        """Return what links have carried since the last call."""
        now = self._machine.engine.now
        topology = self._machine.topology
        carried: dict[tuple[int, int], int] = {}
        for link, count in self._load.take().items():
            pair = self._ends(link, nodes)
            if pair is not None:
                carried[pair] = carried.get(pair, 0) + count
        since, self._since = self._since, now
        return LinkUse(carried, now - since, lambda one, other: joined(topology, one, other))

    def _ends(self, link: int, nodes: Iterable[NodeStatus]) -> tuple[int, int] | None:
        """Return what a link joins, the lower number first; None if nobody knows."""
        topology = self._machine.topology
        if not isinstance(topology, Wired):
            return (self._pairs or self._neighbours(nodes)).get(link)
        ends = topology.ends(link)
        return None if ends is None else (min(ends), max(ends))

    def _neighbours(self, nodes: Iterable[NodeStatus]) -> dict[int, tuple[int, int]]:
        """Return the nodes at both ends of each link that joins two places side by side.

        That is what can be said of a topology which does not tell where its links lead.
        """
        topology = self._machine.topology
        places = {node.place: node.number for node in nodes if len(node.place) == 2}
        for (column, row), number in places.items():
            for place in ((column + 1, row), (column, row + 1)):
                other = places.get(place)
                if other is None:
                    continue
                for ends in ((number, other), (other, number)):
                    route = topology.route(*ends)
                    if len(route) == 1:
                        self._pairs[route[0]] = min(ends), max(ends)
        return self._pairs
