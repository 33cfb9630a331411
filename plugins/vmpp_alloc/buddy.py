"""The 2-D buddy system, for meshes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from vmpp_alloc.grid import Cells, Grid

if TYPE_CHECKING:
    from vmpp.service import Places


class Buddy:
    """Squares of free nodes, with sides that are powers of two, at multiples of their sides.

    A job gets the smallest such square that has as many nodes as it wants, and holds all of it:
    internal fragmentation. It is cut from the smallest free one, by quartering, and joins its
    buddies again as soon as all four are free (Li and Cheng, A two-dimensional buddy system for
    dynamic resource allocation in a partitionable mesh connected system, 1991). On a mesh whose
    sides are no powers of two the squares are those that lie in it. In three dimensions they are
    cubes, and so on; on a hypercube, every side of which has two nodes, there is little to divide.

    It works on meshes and tori, and on hypercubes worse than `subcube`.

    Raises:
        ValueError: the topology is no grid.
    """

    __slots__ = ("_grid",)

    def __init__(self, places: Places) -> None:
        self._grid = Grid(places.topology)

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        """Return all nodes of a block, row by row; None if none of at least *wanted* is free."""
        if len(free) < wanted:
            return None
        order = 0
        while (1 << order) ** len(self._grid.shape) < wanted:
            order += 1
        for level, whole in enumerate(_maximal(self._grid.cells(free))):
            if level >= order and whole.any():
                corner = np.unravel_index(whole.argmax(), whole.shape)
                side = 1 << order
                return self._grid.box([int(each) << level for each in corner], [side] * whole.ndim)
        return None


def _maximal(cells: Cells) -> list[Cells]:
    """Return which blocks of true cells are in no larger block, by the logarithm of their sides."""
    levels = [cells]
    while levels[-1].any():
        levels.append(_joined(levels[-1]))
    return [part & ~_divided(whole, part.shape) for part, whole in pairwise(levels)]


def _joined(parts: Cells) -> Cells:
    """Return which blocks of twice the side are whole; what sticks out of the array is not."""
    for axis in range(parts.ndim):
        padded = [(0, parts.shape[each] % 2 if each == axis else 0) for each in range(parts.ndim)]
        even = np.pad(parts, padded)
        first = even.take(range(0, even.shape[axis], 2), axis)
        parts = first & even.take(range(1, even.shape[axis], 2), axis)
    return parts


def _divided(whole: Cells, shape: tuple[int, ...]) -> Cells:
    """Return which blocks of half the side lie in whole ones."""
    for axis in range(whole.ndim):
        whole = whole.repeat(2, axis)
    return whole[tuple(slice(0, extent) for extent in shape)]
