"""A first look at what a machine's network is made of, which is somebody else's code.

What is asked for every message cannot be checked each time. So a topology and a model of timing are
tried once, at boot, where that costs nothing: then nonsense is told as such, with the plugin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from vmpp.engine import Engine
from vmpp.errors import broken, raised
from vmpp.hardware.interface import NetworkInterface
from vmpp.hardware.network import LinkParameters, Network, Topology


class _Letter(NamedTuple):
    """A message without a body from node 0 to node *nid*."""

    nid: int
    length: int = 0


def check_topology(topology: Topology) -> None:
    """Look at a topology. Raises PluginError if it says what cannot be."""
    for name in ("size", "links"):
        value = getattr(topology, name)
        if type(value) is not int or value < (name == "size"):
            raise broken(topology, name, f"is {value!r}", "it is a whole number")
    last = topology.size - 1
    for source, destination in ((0, 0), (0, last), (last, 0), (0, min(1, last)), (last // 2, last)):
        _check_way(topology, source, destination)


def _check_way(topology: Topology, source: int, destination: int) -> None:
    place = _asked(topology, "coordinates", source)
    if not isinstance(place, Sequence) or not all(isinstance(each, int) for each in place):
        rule = "it returns whole numbers"
        raise broken(topology, "coordinates", f"returned {place!r} for node {source}", rule)
    between = f"for the nodes {source} and {destination}"
    hops = _asked(topology, "hops", source, destination)
    if type(hops) is not int or hops < 0 or (hops == 0) != (source == destination):
        rule = "it returns the number of links between two nodes, 0 for one and the same"
        raise broken(topology, "hops", f"returned {hops!r} {between}", rule)
    route = _asked(topology, "route", source, destination)
    # A machine that grows has routes of thousands of links, on which no loop should be spent.
    known = isinstance(route, Sequence) and (
        not route
        or (set(map(type, route)) == {int} and min(route) >= 0 and max(route) < topology.links)
    )
    if not known or len(route) != hops:
        rule = (
            f"it returns as many links as hops says, which is {hops}, of 0 to {topology.links - 1}"
        )
        raise broken(topology, "route", f"returned {route!r:.80} {between}", rule)


def check_timing(
    make: Callable[..., Network], topology: Topology, parameters: LinkParameters
) -> None:
    """Send a message on a network that is thrown away. Raises PluginError if it does not arrive."""
    engine = Engine()
    network = make(engine, topology, parameters)
    arrived: list[Any] = []
    nodes = min(2, topology.size)
    for nid in range(nodes):
        interface = NetworkInterface(engine, nid, parameters)
        interface.deliver = arrived.append
        _asked(network, "attach", interface)
    letter = _Letter(nodes - 1)
    gone = _asked(network, "transmit", 0, letter, 1000)
    if type(gone) is not int or gone < 1000:
        what = f"returned {gone!r} for a message that was ready at 1000 ps"
        rule = "it returns the time in picoseconds at which that has been read"
        raise broken(network, "transmit", what, rule)
    try:
        engine.run()
    except Exception as error:
        raise raised(network, "transmit", error) from error
    if arrived != [letter]:
        what = f"had a message arrive {len(arrived)} times"
        raise broken(
            network, "transmit", what, "it schedules arrive of the destination's interface"
        )


def _asked(thing: object, operation: str, *arguments: Any) -> Any:
    try:
        return getattr(thing, operation)(*arguments)
    except Exception as error:
        raise raised(thing, operation, error) from error
