"""Links by what they join: nodes, by number, and switches, called ``s0``, ``s1`` and so on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from vmpp.hardware import Topology, Wired

MOST_NEIGHBOURS: Final = 12
"""How many neighbours of a node an error names."""

Vertex: TypeAlias = int | str
"""The number of a node, or the name of a switch."""


def links_between(topology: Topology, nodes: int, source: Vertex, destination: Vertex) -> list[int]:
    """Return the numbers of the links that lead from one vertex to another.

    Args:
        nodes: how many there are on the machine, which may be fewer than places.

    Raises:
        ValueError: there is none, or no such vertex.
    """
    begin, end = (_number(topology, nodes, vertex) for vertex in (source, destination))
    if begin < topology.size and end < topology.size:
        route = topology.route(begin, end)
        found = list(route) if len(route) == 1 else []
    else:
        found = [link for link, ends in _wires(topology) if ends == (begin, end)]
    if not found:
        between = f"{source} and {destination}"
        if isinstance(source, int) and isinstance(destination, int):
            between = f"nodes {between}"
        neighbours = _neighbours(topology, nodes, begin)
        raise ValueError(f"{between} have no link between them; {neighbours}")
    return found


def name_of(topology: Topology, vertex: int) -> str:
    """Return what a vertex is called: a node by its number, a switch such as ``s0``."""
    return str(vertex) if vertex < topology.size else f"s{vertex - topology.size}"


def joined(topology: Topology, one: int, other: int) -> str:
    """Return in words where the link between two vertices is."""
    if hasattr(topology, "attached"):
        return "on the medium"
    return f"between {name_of(topology, one)} and {name_of(topology, other)}"


def _number(topology: Topology, nodes: int, vertex: Vertex) -> int:
    """Return the number of a vertex; ValueError if there is none."""
    if isinstance(vertex, int):
        if not 0 <= vertex < nodes:
            raise ValueError(f"there is no node {vertex}: they are 0 to {nodes - 1}")
        return vertex
    number = int(vertex.removeprefix("s"))
    switches = topology.vertices - topology.size if isinstance(topology, Wired) else 0
    if number >= switches:
        are = f"they are s0 to s{switches - 1}" if switches else "this topology has none"
        raise ValueError(f"there is no switch {vertex}: {are}")
    return topology.size + number


def _wires(topology: Topology) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield each link with its ends, of a topology that knows them."""
    if isinstance(topology, Wired):
        for link in range(topology.links):
            ends = topology.ends(link)
            if ends is not None:
                yield link, ends


def _neighbours(topology: Topology, nodes: int, vertex: int) -> str:
    """Return who the neighbours of a vertex are, in words."""
    found: list[int] = []
    if vertex < topology.size:
        found = [other for other in range(nodes) if topology.hops(vertex, other) == 1]
    if isinstance(topology, Wired) and topology.vertices > topology.size:
        joined = {end for _, (begin, end) in _wires(topology) if begin == vertex}
        # Nobody is in a place that the machine has no node for.
        found += sorted(end for end in joined if end >= topology.size or end < nodes)
    of = f"node {vertex}" if vertex < topology.size else name_of(topology, vertex)
    names = [name_of(topology, other) for other in found]
    if not names:
        return f"{of} has no neighbours"
    if len(names) == 1:
        return f"the neighbour of {of} is {names[0]}"
    if len(names) > MOST_NEIGHBOURS:
        return f"{of} has {len(names)} neighbours, {names[0]} to {names[-1]}"
    *others, last = names
    return f"the neighbours of {of} are {', '.join(others)} and {last}"
