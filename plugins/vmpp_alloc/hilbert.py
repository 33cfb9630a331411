"""Runs along the Hilbert curve, by first fit and by best fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from vmpp_alloc.curve import hilbert_indices
from vmpp_alloc.grid import Grid

if TYPE_CHECKING:
    from vmpp.service import Places


class Hilbert:
    """Nodes that follow on each other along a Hilbert curve through the machine, ranks likewise.

    First fit takes the first run of free nodes that is long enough, best fit the shortest such, as
    allocators of memory do; if there is none, those are taken that lie closest together along the
    curve (Leung et al., Processor allocation on Cplant: achieving general processor locality using
    one-dimensional allocation strategies, 2002). So no job waits while enough nodes are free. On a
    machine that is no cube with sides of a power of two the curve passes over the places that are
    not there; over those of nodes that are no compute nodes it passes likewise.

    It works on meshes, tori, rings and hypercubes.

    Raises:
        ValueError: the topology is no grid.
    """

    __slots__ = ("_find", "_indices", "_order", "_place")

    def __init__(self, places: Places, fit: str = "first") -> None:
        self._find = _FITS[fit]
        grid = Grid(places.topology)
        coordinates = grid.coordinates(range(places.topology.size))
        bits = max(1, (max(grid.shape) - 1).bit_length())
        self._indices = hilbert_indices(coordinates, bits).tolist()
        self._place: dict[int, int] = {}
        self._order: list[int] = []
        self._learn(places.nodes)

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        """Return *wanted* of *free* in the order of the curve, or None if there are too few."""
        if len(free) < wanted:
            return None
        if not self._place.keys() >= set(free):
            self._learn(free)
        spots = sorted(self._place[node] for node in free)
        long_enough = [run for run in _runs(spots) if len(run) >= wanted]
        run = self._find(long_enough) if long_enough else _closest(spots, wanted)
        return [self._order[spot] for spot in run[:wanted]]

    def _learn(self, nodes: Iterable[int]) -> None:
        """Take note of compute nodes: a machine that grows has more and more."""
        self._order = sorted({*self._order, *nodes}, key=self._indices.__getitem__)
        self._place = {node: spot for spot, node in enumerate(self._order)}


def _runs(spots: Sequence[int]) -> list[Sequence[int]]:
    """Divide sorted numbers into runs without gaps."""
    cuts = [place for place, (a, b) in enumerate(pairwise(spots), 1) if b - a > 1]
    return [spots[begin:end] for begin, end in pairwise([0, *cuts, len(spots)])]


def _first(runs: Sequence[Sequence[int]]) -> Sequence[int]:
    return runs[0]


def _shortest(runs: Sequence[Sequence[int]]) -> Sequence[int]:
    return min(runs, key=len)


def _closest(spots: Sequence[int], wanted: int) -> Sequence[int]:
    """Return *wanted* sorted numbers of the least span; the first such."""
    begins = range(len(spots) - wanted + 1)
    begin = min(begins, key=lambda begin: spots[begin + wanted - 1] - spots[begin])
    return spots[begin : begin + wanted]


_FITS: Final[Mapping[str, Callable[[Sequence[Sequence[int]]], Sequence[int]]]] = MappingProxyType(
    {"first": _first, "best": _shortest}
)
