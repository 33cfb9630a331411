"""Topologies whose nodes stand on a grid, as arrays: what most allocators look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from vmpp.hardware import Topology

Cells: TypeAlias = NDArray[np.bool_]
"""One truth value for each place of a grid."""

Counts: TypeAlias = NDArray[np.int64]
"""One number for each."""

_NO_GRID: Final = (
    "the topology is no grid, such as a mesh, a torus or a hypercube: {}; "
    "take 'first-free' or 'random', which work on any"
)


class Grid:
    """The places of a topology as an array.

    A topology is a grid if its coordinates fill a box and any two nodes that are next to each other
    there have a link: meshes and tori of any number of dimensions, rings and hypercubes are. The
    first coordinate is the last axis, as meshes number their nodes; dimensions with a single place
    are left out.

    Attributes:
        shape: extents of the array.
        rings: in which of its dimensions links lead from the last places to the first ones.
    """

    __slots__ = ("_nodes", "_places", "rings", "shape")

    def __init__(self, topology: Topology) -> None:
        """Lay out the nodes of *topology*. Raises ValueError if it is no grid."""
        coordinates = [tuple(topology.coordinates(node)) for node in range(topology.size)]
        extents = _extents(coordinates)
        if prod(extents) != topology.size:
            raise ValueError(_NO_GRID.format("its nodes do not fill a box"))
        axes = np.array(coordinates, np.int64).T[::-1]
        self._places: Counts = np.ravel_multi_index(tuple(axes), extents).astype(np.int64)
        self.shape: tuple[int, ...] = tuple(each for each in extents if each > 1) or (1,)
        self._nodes: Counts = np.full(topology.size, -1, np.int64)
        self._nodes[self._places] = np.arange(topology.size)
        if self._nodes.min() < 0:
            raise ValueError(_NO_GRID.format("two of its nodes have one place"))
        self.rings: tuple[bool, ...] = tuple(
            self._is_ring(topology, axis) for axis in range(len(self.shape))
        )

    def _is_ring(self, topology: Topology, axis: int) -> bool:
        """Return whether links lead round *axis*. Raises ValueError if none lead along it."""
        nodes = np.moveaxis(self._nodes.reshape(self.shape), axis, 0)
        for here, there in pairwise(nodes):
            for node, other in _pairs(here, there):
                if topology.hops(node, other) != 1:
                    what = f"nodes {node} and {other} are side by side and not linked"
                    raise ValueError(_NO_GRID.format(what))
        ends = _pairs(nodes[0], nodes[-1])
        return len(nodes) > 2 and all(topology.hops(*pair) == 1 for pair in ends)

    def cells(self, nodes: Sequence[int]) -> Cells:
        """Return which places *nodes* have."""
        cells = np.zeros(len(self._nodes), np.bool_)
        cells[self._places[np.asarray(nodes, np.int64)]] = True
        return cells.reshape(self.shape)

    def coordinates(self, nodes: Sequence[int]) -> Counts:
        """Return the coordinates of *nodes*, one row a dimension."""
        return np.array(np.unravel_index(self._places[np.asarray(nodes, np.int64)], self.shape))

    def nodes(self, places: Counts) -> list[int]:
        """Return who stands at *places*, which are flat indices, by number."""
        return sorted(self._nodes[places].tolist())

    def box(self, corner: Sequence[int], extents: Sequence[int]) -> list[int]:
        """Return who stands in the box of *extents* from *corner* on, place by place.

        It may reach round what is a ring.
        """
        sides = zip(corner, extents, self.shape, strict=True)
        places = [np.arange(low, low + extent) % length for low, extent, length in sides]
        found: list[int] = self._nodes.reshape(self.shape)[np.ix_(*places)].ravel().tolist()
        return found


def integral(cells: Cells | Counts) -> Counts:
    """Return, at each place, the sum over all places below it in every dimension (Crow 1984)."""
    summed = np.pad(cells.astype(np.int64), [(1, 0)] * cells.ndim)
    for axis in range(cells.ndim):
        summed = summed.cumsum(axis)
    return summed


def windows(summed: Counts, extents: Iterable[int]) -> Counts:
    """Return the sums over all boxes of *extents*, by their lowest places, from an `integral`."""
    for axis, extent in enumerate(extents):
        length = summed.shape[axis]
        upper = summed[(slice(None),) * axis + (slice(extent, length),)]
        lower = summed[(slice(None),) * axis + (slice(0, max(0, length - extent)),)]
        summed = upper - lower
    return summed


def within(cells: Cells, radius: int, rings: Sequence[bool]) -> Counts:
    """Return how many true cells are no farther than *radius* from each in any dimension."""
    counts: Counts = cells.astype(np.int64)
    for axis, ring in enumerate(rings):
        along = np.moveaxis(counts, axis, -1)
        length = along.shape[-1]
        if ring and 2 * radius + 1 >= length:
            along = along.sum(-1, keepdims=True).repeat(length, -1)
        else:
            sides = [(0, 0)] * (along.ndim - 1) + [(radius, radius)]
            wide = np.pad(along, sides, "wrap" if ring else "constant").cumsum(-1)
            wide = np.pad(wide, [(0, 0)] * (along.ndim - 1) + [(1, 0)])
            along = wide[..., 2 * radius + 1 :] - wide[..., : -2 * radius - 1]
        counts = np.moveaxis(along, -1, axis)
    return counts


def _extents(coordinates: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the extents of the box that *coordinates* lie in, the last coordinate's first."""
    lengths = {len(each) for each in coordinates}
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError(_NO_GRID.format("its nodes have no coordinates in common"))
    if min(min(each) for each in coordinates) < 0:
        raise ValueError(_NO_GRID.format("its coordinates do not begin at 0"))
    return tuple(max(column) + 1 for column in zip(*coordinates, strict=True))[::-1]


def _pairs(here: Counts, there: Counts) -> Iterator[tuple[int, int]]:
    return zip(here.ravel().tolist(), there.ravel().tolist(), strict=True)
