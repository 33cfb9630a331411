"""The 2-D buddy system, for meshes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
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
    dynamic resource allocation in a partitionable mesh connected system, 1991). In three dimensions
    squares are cubes, and so on. On a mesh whose sides are no powers of two they are those that lie
    in it; and where one side of the mesh is too short for the next larger square, two squares join
    along the other to a block twice as long.

    It works on meshes, tori and hypercubes, where blocks are squares of the grid as it is drawn.

    Raises:
        ValueError: the topology is no grid.
    """

    __slots__ = ("_grid", "_sides")

    def __init__(self, places: Places) -> None:
        self._grid = Grid(places.topology)
        self._sides = _sides(self._grid.shape)

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        """Return all nodes of a block, row by row; None if none of at least *wanted* is free."""
        large = [level for level, sides in enumerate(self._sides) if prod(sides) >= wanted]
        if len(free) < wanted or not large:
            return None
        blocks = _maximal(self._grid.cells(free), self._sides)
        for level in large:
            whole = blocks[level]
            if whole.any():
                places = np.unravel_index(whole.argmax(), whole.shape)
                sides = zip(places, self._sides[level], strict=True)
                return self._grid.box([int(at) * side for at, side in sides], self._sides[large[0]])
        return None


def _sides(extents: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the sides of blocks, the smallest first, that there are in a box of *extents*."""
    found = [tuple(1 for _ in extents)]
    most = [1 << extent.bit_length() - 1 for extent in extents]
    while list(found[-1]) != most:
        found.append(tuple(min(2 * side, m) for side, m in zip(found[-1], most, strict=True)))
    return found


def _maximal(cells: Cells, sides: Sequence[tuple[int, ...]]) -> list[Cells]:
    """Return which blocks of true cells are in no larger one, for each of the *sides*."""
    levels = [cells]
    for smaller, larger in pairwise(sides):
        levels.append(_joined(levels[-1], _growing(smaller, larger)))
    blocks = [
        part & ~_divided(whole, part.shape, _growing(smaller, larger))
        for (part, whole), (smaller, larger) in zip(pairwise(levels), pairwise(sides), strict=True)
    ]
    return [*blocks, levels[-1]]


def _growing(smaller: tuple[int, ...], larger: tuple[int, ...]) -> list[int]:
    """Return in which dimensions the larger block is larger."""
    sides = zip(smaller, larger, strict=True)
    return [axis for axis, (one, other) in enumerate(sides) if one < other]


def _joined(parts: Cells, axes: Sequence[int]) -> Cells:
    """Return which blocks, twice as large along *axes*, are whole; none sticks out of the array."""
    for axis in axes:
        padded = [(0, parts.shape[each] % 2 if each == axis else 0) for each in range(parts.ndim)]
        even = np.pad(parts, padded)
        first = even.take(range(0, even.shape[axis], 2), axis)
        parts = first & even.take(range(1, even.shape[axis], 2), axis)
    return parts


def _divided(whole: Cells, shape: tuple[int, ...], axes: Sequence[int]) -> Cells:
    """Return which blocks, half as large along *axes*, lie in whole ones."""
    for axis in axes:
        whole = whole.repeat(2, axis)
    return whole[tuple(slice(0, extent) for extent in shape)]
