"""How far apart some nodes are: what an allocation amounts to."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Final

from vmpp.hardware.network import Pairwise, Topology

MOST_NODES: Final = 512
"""Of so many nodes all pairs are looked at where there is no closed form."""


def average_pairwise(topology: Topology, nodes: Iterable[int]) -> float | None:
    """Return the mean number of links between two of *nodes*, each of which counts once.

    On a mesh that is the average pairwise L1 distance by which allocations are judged (Leung et
    al., 2002), for one node 0.

    Returns:
        None for more than `MOST_NODES` nodes of a topology that has no closed form of it.
    """
    distinct = sorted(set(nodes))
    pairs = len(distinct) * (len(distinct) - 1) // 2
    if not pairs:
        return 0.0
    if isinstance(topology, Pairwise):
        return topology.pairwise(distinct) / pairs
    if len(distinct) > MOST_NODES:
        return None
    return sum(topology.hops(*pair) for pair in combinations(distinct, 2)) / pairs
