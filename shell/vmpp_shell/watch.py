"""What pictures need to see of a machine, without its virtual time taking part."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from vmpp_shell.views.links import LinkUse
from vmpp_shell.views.top import Look

if TYPE_CHECKING:
    from vmpp.hardware import LinkLoad
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
        """Return what links between neighbours of a mesh have carried since the last call."""
        pairs = self._pairs or self._neighbours(nodes)
        now = self._machine.engine.now
        carried: dict[tuple[int, int], int] = {}
        for link, count in self._load.take().items():
            pair = pairs.get(link)
            if pair is not None:
                carried[pair] = carried.get(pair, 0) + count
        since, self._since = self._since, now
        return LinkUse(carried, now - since)

    def _neighbours(self, nodes: Iterable[NodeStatus]) -> dict[int, tuple[int, int]]:
        """Return the nodes at both ends of each link that joins two places side by side."""
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
