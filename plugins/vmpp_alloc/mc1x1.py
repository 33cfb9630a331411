"""MC1x1: the nodes in shells around one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from vmpp_alloc.grid import Cells, Counts, Grid, within

if TYPE_CHECKING:
    from vmpp.service import Places


_NEVER: Final = np.iinfo(np.int64).max


class MC1x1:
    """The free nodes nearest to a free node, around which there are most.

    Around each free node, shell after shell is filled: shell r are the nodes of which the farthest
    coordinate is r away, so that they form a square, or cube, around shell 0, which is the node
    itself. A choice costs the numbers of its nodes' shells together; the cheapest is taken, and of
    several the one whose middle comes first (Mache, Lo and Windisch, Minimizing message-passing
    contention in fragmentation-free processor allocation, 1997; with a first shell of one node:
    Bender et al., Communication-aware processor allocation for supercomputers, 2005). So no job
    waits while enough nodes are free.

    It works on meshes, tori, rings and hypercubes; shells reach round a torus.

    Raises:
        ValueError: the topology is no grid.
    """

    __slots__ = ("_grid",)

    def __init__(self, places: Places) -> None:
        self._grid = Grid(places.topology)

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        """Return *wanted* of *free*, by number, or None if there are too few."""
        if len(free) < wanted:
            return None
        cells = self._grid.cells(free)
        centres = np.flatnonzero(cells)
        costs = _costs(cells, centres, wanted, self._grid.rings)
        shells = self._shells(centres, centres[costs.argmin()])
        return self._grid.nodes(centres[np.argsort(shells, kind="stable")[:wanted]])

    def _shells(self, places: Counts, centre: np.int64) -> Counts:
        """Return in which shells around *centre* places are, all as flat indices."""
        shape = self._grid.shape
        ways = []
        for axis, middle in enumerate(np.unravel_index(centre, shape)):
            way = abs(np.unravel_index(places, shape)[axis] - middle)
            ways.append(np.minimum(way, shape[axis] - way) if self._grid.rings[axis] else way)
        found: Counts = np.max(ways, axis=0)
        return found


def _costs(cells: Cells, centres: Counts, wanted: int, rings: Sequence[bool]) -> Counts:
    """Return the sum of the shells' numbers of the *wanted* true cells around each centre.

    Each cell that is still wanted outside of a shell costs one more. Centres that can no longer be
    the cheapest are not followed to their last shell.
    """
    costs: Counts = np.zeros(len(centres), np.int64)
    complete = np.zeros(len(centres), np.bool_)
    radius = 0
    while not complete.any() or costs[~complete].min(initial=_NEVER) <= costs[complete].min():
        lacking = wanted - within(cells, radius, rings).flat[centres]
        complete = lacking <= 0
        costs += np.maximum(0, lacking)
        if complete.all():
            break
        radius += 1
    return costs
