"""Contiguous submeshes, by first fit and by best fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import numpy as np

from vmpp.parameters import word
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

    It works on meshes, tori, rings and hypercubes; boxes do not reach round a torus.

    Raises:
        ValueError: the topology is no grid.
    """

    __slots__ = ("_find", "_grid", "_shapes")

    def __init__(
        self,
        places: Places,
        fit: Annotated[str, word("which place of those that fit", "first", "best")] = "first",
    ) -> None:
        self._grid = Grid(places.topology)
        self._find = _FITS[fit]
        self._shapes = lru_cache(maxsize=256)(shapes)

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        """Return all nodes of a box, row by row; None if none of at least *wanted* is free."""
        if len(free) < wanted:
            return None
        cells = self._grid.cells(free)
        found = self._find(cells, self._shapes(wanted, self._grid.shape))
        return None if found is None else self._grid.box(*found)


def first_fit(cells: Cells, candidates: Sequence[tuple[int, ...]]) -> Box | None:
    """Return the first place of the first of the *candidates* that fits into the true cells."""
    summed = integral(cells)
    for extents in candidates:
        fits = windows(summed, extents) == prod(extents)
        if fits.any():
            return _corner(fits.argmax(), fits.shape), extents
    return None


def best_fit(cells: Cells, candidates: Sequence[tuple[int, ...]]) -> Box | None:
    """Return the place with the most false cells and edges around it.

    The *candidates* are tried in turn, those together that differ in their orientation alone.
    """
    summed = integral(cells)
    taken = integral(np.pad(~cells, 1, constant_values=True))
    for _, alike in groupby(candidates, key=sorted):
        best = max(_fits(summed, taken, alike), key=lambda each: each[0], default=None)
        if best is not None:
            return best[1]
    return None


def _fits(
    summed: Counts, taken: Counts, candidates: Iterator[tuple[int, ...]]
) -> Iterator[tuple[int, Box]]:
    """Yield the best place of each of the *candidates* that fits, after how good it is."""
    for extents in candidates:
        fits = windows(summed, extents) == prod(extents)
        if fits.any():
            scores = np.where(fits, _around(taken, extents), -1)
            best = scores.argmax()
            yield int(scores.flat[best]), (_corner(best, fits.shape), extents)


def _around(taken: Counts, extents: tuple[int, ...]) -> Counts:
    """Return how many taken cells have a side in common with the box of *extents* at each place.

    Args:
        taken: the integral of what is taken, with a border of one cell on every side.
    """
    places = [length - 2 - extent for length, extent in zip(taken.shape, extents, strict=True)]
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


_FITS: Final[Mapping[str, Callable[[Cells, Sequence[tuple[int, ...]]], Box | None]]] = (
    MappingProxyType({"first": first_fit, "best": best_fit})
)
