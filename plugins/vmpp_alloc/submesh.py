"""Contiguous submeshes, by first fit and by best fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from vmpp_alloc.grid import Cells, Counts, Grid, integral, windows
from vmpp_alloc.shapes import shapes

if TYPE_CHECKING:
    from vmpp.service import Places

Box: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
"""Its lowest corner, and its extents."""


class Submesh:
    """A box of free nodes: no other job is inside, and no message of the job leaves it.

    First fit takes the first place where the box fits, in the order of node numbers; best fit, of
    all places in any orientation, one that breaks up least what is left: that with the most busy
    nodes and edges of the machine around it (after Zhu, Efficient processor allocation strategies
    for mesh-connected parallel computers, 1992). A job says how many nodes it wants, not in which
    shape: it gets the free box nearest to a cube, and holds what its size leaves over there.
    If no box is free it waits, be there ever so many free nodes: external fragmentation.

    It works on meshes, tori, rings and hypercubes; a box may reach round a torus.

    Raises:
        ValueError: the topology is no grid.
    """

    __slots__ = ("_find", "_grid", "_shapes")

    def __init__(self, places: Places, fit: str = "first") -> None:
        self._grid = Grid(places.topology)
        self._find = _FITS[fit]
        self._shapes = lru_cache(maxsize=256)(shapes)

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        """Return all nodes of a box, row by row; None if none of at least *wanted* is free."""
        if len(free) < wanted:
            return None
        cells = self._grid.cells(free)
        found = self._find(cells, self._shapes(wanted, self._grid.shape), self._grid.rings)
        return None if found is None else self._grid.box(*found)


def first_fit(
    cells: Cells, candidates: Sequence[tuple[int, ...]], rings: Sequence[bool]
) -> Box | None:
    """Return the first place of the first of the *candidates* that fits into the true cells."""
    summed = integral(_unrolled(cells, rings))
    for extents in candidates:
        fits = _fits(summed, extents, cells.shape, rings)
        if fits.any():
            return _corner(fits.argmax(), fits.shape), extents
    return None


def best_fit(
    cells: Cells, candidates: Sequence[tuple[int, ...]], rings: Sequence[bool]
) -> Box | None:
    """Return the place with the most false cells and edges around it.

    The *candidates* are tried in turn, those together that differ in their orientation alone.
    """
    summed = integral(_unrolled(cells, rings))
    taken = integral(_bordered(~cells, rings))
    for _, alike in groupby(candidates, key=sorted):
        found: list[tuple[int, Box]] = []
        for extents in alike:
            fits = _fits(summed, extents, cells.shape, rings)
            if fits.any():
                scores = np.where(fits, _around(taken, extents, fits.shape), -1)
                best = scores.argmax()
                found.append((int(scores.flat[best]), (_corner(best, fits.shape), extents)))
        if found:
            return max(found, key=lambda each: each[0])[1]
    return None


def _unrolled(cells: Cells, rings: Sequence[bool]) -> Cells:
    """Return the array with what comes after the last places of rings: once more the first ones."""
    lengths = zip(cells.shape, rings, strict=True)
    return np.pad(cells, [(0, (length - 1) * ring) for length, ring in lengths], "wrap")


def _bordered(taken: Cells, rings: Sequence[bool]) -> Cells:
    """Return the array with a border, of what comes next on rings, and taken everywhere else."""
    lengths = zip(taken.shape, rings, strict=True)
    unrolled = np.pad(taken, [(int(ring), length * ring) for length, ring in lengths], "wrap")
    return np.pad(unrolled, [(int(not ring),) * 2 for ring in rings], constant_values=True)


def _fits(
    summed: Counts, extents: tuple[int, ...], shape: tuple[int, ...], rings: Sequence[bool]
) -> Cells:
    """Return at which places the box of *extents* has true cells only."""
    sides = zip(extents, shape, rings, strict=True)
    places = [
        length if ring and extent < length else max(0, length - extent + 1)
        for extent, length, ring in sides
    ]
    found: Cells = windows(summed, extents) == prod(extents)
    return found[tuple(slice(0, count) for count in places)]


def _around(taken: Counts, extents: tuple[int, ...], places: tuple[int, ...]) -> Counts:
    """Return how many taken cells have a side in common with the box of *extents* at each place.

    Args:
        taken: the integral of what is taken, with a border of one cell before the first ones.
    """
    around: Counts = np.zeros(places, np.int64)
    for axis, extent in enumerate(extents):
        slab = windows(taken, (*extents[:axis], 1, *extents[axis + 1 :]))
        for first in (0, extent + 1):
            begins = [first if each == axis else 1 for each in range(len(extents))]
            sides = zip(begins, places, strict=True)
            around += slab[tuple(slice(begin, begin + count) for begin, count in sides)]
    return around


def _corner(place: np.intp, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(each) for each in np.unravel_index(place, shape))


Fit: TypeAlias = Callable[[Cells, Sequence[tuple[int, ...]], Sequence[bool]], Box | None]

_FITS: Final[Mapping[str, Fit]] = MappingProxyType({"first": first_fit, "best": best_fit})
