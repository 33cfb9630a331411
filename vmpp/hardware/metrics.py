"""What a topology amounts to: its degree, diameter, average distance and bisection width.

What a topology states in closed form (`vmpp.hardware.network.Measured`) is taken from it, and
otherwise computed from its distances and links.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from vmpp.hardware.network import Measured, Topology, Wired

MOST_SOURCES: Final = 512
"""From how many nodes distances are taken where there is no closed form."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a topology amounts to.

    Attributes:
        nodes: how many there are.
        switches: vertices that are no nodes, and no medium that nodes tap; None if it is not known
            where links lead.
        links: that there are, of one direction each.
        degree: the most links that leave a node or switch; None if that is not known.
        diameter: the most links between two nodes.
        average: the mean number of links between two different nodes.
        bisection: the bisection width: the fewest links, of one direction, from one half of the
            nodes to the other. Without a closed form it is an upper bound, from the halves by
            number; None if it is not known where links lead.
        exact: whether all of this is in closed form.
    """

    nodes: int
    switches: int | None
    links: int
    degree: int | None
    diameter: int
    average: Fraction
    bisection: int | None
    exact: bool


def measure(topology: Topology) -> Metrics:
    """Return what *topology* amounts to, from its closed forms if it has any."""
    wired = topology if isinstance(topology, Wired) else None
    switches = None if wired is None else wired.vertices - wired.size
    if hasattr(topology, "attached"):
        switches = 0
    if isinstance(topology, Measured):
        return Metrics(
            nodes=topology.size,
            switches=switches,
            links=topology.cables(),
            degree=topology.degree(),
            diameter=topology.diameter(),
            average=topology.average_distance(),
            bisection=topology.bisection(),
            exact=True,
        )
    diameter, average = distances(topology)
    return Metrics(
        nodes=topology.size,
        switches=switches,
        links=topology.links if wired is None else sum(1 for _ in edges(wired)),
        degree=None if wired is None else degree(wired),
        diameter=diameter,
        average=average,
        bisection=None if wired is None else narrowest(wired, range(wired.size // 2)),
        exact=False,
    )


def distances(topology: Topology) -> tuple[int, Fraction]:
    """Return the diameter and the average distance, by looking at all pairs of nodes.

    Of more nodes than `MOST_SOURCES` so many that stand evenly among them are looked at from.
    """
    size, hops = topology.size, topology.hops
    sources = range(0, size, -(-size // MOST_SOURCES))
    most = total = 0
    for source in sources:
        found = [hops(source, destination) for destination in range(size)]
        most = max(most, *found)
        total += sum(found)
    return most, Fraction(total, len(sources) * (size - 1)) if size > 1 else Fraction()


def edges(topology: Wired) -> Iterator[tuple[int, int]]:
    """Yield the ends of every link that there is, in order of their numbers."""
    for link in range(topology.links):
        ends = topology.ends(link)
        if ends is not None:
            yield ends


def attached(topology: Wired, node: int) -> tuple[int, int]:
    """Return the vertices that a node sends into and hears: itself, unless it taps a medium."""
    found = getattr(topology, "attached", None)
    return (node, node) if found is None else found(node)


def degree(topology: Wired) -> int:
    """Return the most links that leave a vertex, the medium of a bus included."""
    return max(Counter(begin for begin, _ in edges(topology)).values(), default=0)


def narrowest(topology: Wired, half: Iterable[int]) -> int:
    """Return the fewest links that part the nodes of *half* from all others.

    By the theorem of Ford and Fulkerson, the greatest flow from one to the other is as great.
    """
    # SciPy takes a while to import, and who asks for closed forms does not need it.
    import numpy as np  # noqa: PLC0415
    from scipy.sparse import csr_array  # noqa: PLC0415
    from scipy.sparse.csgraph import maximum_flow  # noqa: PLC0415

    inside = set(half)
    source, sink = topology.vertices, topology.vertices + 1
    capacities = Counter(edges(topology))
    for node in range(topology.size):
        into, out_of = attached(topology, node)
        ends = (source, into) if node in inside else (out_of, sink)
        capacities[ends] = topology.links
    rows, columns = zip(*capacities, strict=True)
    graph = csr_array(
        (np.array(list(capacities.values()), np.int32), (rows, columns)), shape=(sink + 1, sink + 1)
    )
    return int(maximum_flow(graph, source, sink).flow_value)
