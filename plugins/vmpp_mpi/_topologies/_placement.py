"""Which process takes which place in a topology, so that neighbours are near in the machine.

Places and nodes are cut in halves, again and again, and a half of the places goes to a half of the
nodes: dual recursive bipartitioning (Pellegrini, Static Mapping by Dual Recursive Bipartitioning of
Process and Architecture Graphs, 1994). Halves go either by the order of coordinates, which suits
topologies of the machine's own shape, or the way round that leaves them nearer to where their
neighbours have gone, which folds those of another shape. Where nodes lie as far apart in two
directions, either may be cut. The best of all these ways counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

Edges = Sequence[Sequence[tuple[int, int]]]
"""For each place the neighbours with their weights."""


class Layout(NamedTuple):
    """What is asked of a topology.

    Attributes:
        edges: of its places.
        divide: cuts two or more places into two parts that few edges join.
    """

    edges: Edges
    divide: Callable[[list[int]], tuple[list[int], list[int]]]


class Distances(Protocol):
    """What is asked of the machine: `vmpp.machine.nodemap.NodeMap` knows it."""

    def place(self, node: int) -> tuple[int, ...]:
        """Return the coordinates of a node."""
        ...

    def hops(self, one: int, other: int) -> int:
        """Return the number of links between two nodes."""
        ...


def total_hops(edges: Edges, nodes: Sequence[int], machine: Distances) -> int:
    """Return the weighted sum of hops along *edges* when place i is on ``nodes[i]``."""
    hops = machine.hops
    return sum(
        weight * hops(nodes[place], nodes[other])
        for place, neighbours in enumerate(edges)
        for other, weight in neighbours
    )


def arrange(layout: Layout, nodes: Sequence[int], machine: Distances) -> list[int]:
    """Return for each place of a topology which of *nodes* takes it, as an index.

    Args:
        layout: of the topology; there are as many places as nodes.
        nodes: node numbers, which may come more than once.
        machine: where the nodes are.

    Returns:
        A permutation; that which leaves everything as it is unless another has fewer hops in all.
    """
    candidates = [list(range(len(nodes)))]
    if len(set(nodes)) > 1:
        candidates += [
            _bisect(layout, nodes, machine, turns, last)
            for turns in (False, True)
            for last in (False, True)
        ]

    def cost(candidate: list[int]) -> int:
        return total_hops(layout.edges, [nodes[index] for index in candidate], machine)

    return min(candidates, key=cost)


def _bisect(
    layout: Layout, nodes: Sequence[int], machine: Distances, turns: bool, last: bool
) -> list[int]:
    """Return a candidate.

    Args:
        layout, nodes, machine: as for `arrange`.
        turns: whether halves go the way round that brings them nearer to their neighbours.
        last: whether the last of several longest directions is cut, not the first.
    """
    edges, divide = layout
    count = len(nodes)
    coordinates = [machine.place(node) for node in nodes]
    parts = [(list(range(count)), list(range(count)))]
    part_of = [0] * count
    """The part that a place is in, by number."""
    homes = [nodes[0]] * count
    """A node in the middle of those that a place may still go to."""
    found = [0] * count
    numbers = 0
    while parts:
        smaller: list[tuple[list[int], list[int]]] = []
        for places, hosts in parts:
            if len(places) == 1:
                found[places[0]] = hosts[0]
                continue
            first, second = divide(places)
            near, far = _halves(hosts, coordinates, len(first), last)
            homes_of = _middle(near, nodes), _middle(far, nodes)
            if (
                turns
                and len(first) == len(second)
                and _gain(first, second, homes_of, edges, part_of, homes, machine) > 0
            ):
                near, far = far, near
                homes_of = homes_of[::-1]
            for half, home in zip((first, second), homes_of, strict=True):
                numbers += 1
                for place in half:
                    part_of[place] = numbers
                    homes[place] = home
            smaller += [(first, near), (second, far)]
        parts = smaller
    return found


def _middle(hosts: list[int], nodes: Sequence[int]) -> int:
    return nodes[hosts[len(hosts) // 2]]


def _halves(
    hosts: list[int], coordinates: Sequence[tuple[int, ...]], count: int, last: bool
) -> tuple[list[int], list[int]]:
    """Cut *hosts* across the direction in which they lie furthest apart, the first of *count*."""
    extents = []
    for direction in range(len(coordinates[0])):
        values = [coordinates[host][direction] for host in hosts]
        extents.append((max(values) - min(values), direction if last else -direction))
    longest = abs(max(extents)[1])
    ordered = sorted(hosts, key=lambda host: (coordinates[host][longest], coordinates[host], host))
    return ordered[:count], ordered[count:]


def _gain(
    first: list[int],
    second: list[int],
    homes_of: tuple[int, int],
    edges: Edges,
    part_of: list[int],
    homes: list[int],
    machine: Distances,
) -> int:
    """Return how many hops it saves if the two halves change sides."""
    near, far = homes_of
    hops = machine.hops
    own = part_of[first[0]]
    gain = 0
    for half, sign in ((first, 1), (second, -1)):
        for place in half:
            for other, weight in edges[place]:
                if part_of[other] != own:
                    home = homes[other]
                    gain += sign * weight * (hops(near, home) - hops(far, home))
    return gain
