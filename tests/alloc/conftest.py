"""Machines for allocators to look at, and what they choose there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from random import Random
from typing import Any

from hypothesis import strategies as st

from vmpp.service import Places


class Box:
    """A mesh of any number of dimensions, the first coordinate counting fastest."""

    def __init__(self, *dims: int) -> None:
        self.dims = dims
        self.size = prod(dims)
        self.links = 0
        places = product(*(range(extent) for extent in reversed(dims)))
        self._places = [tuple(reversed(place)) for place in places]

    def coordinates(self, node: int) -> tuple[int, ...]:
        return self._places[node]

    def hops(self, source: int, destination: int) -> int:
        pairs = zip(self._places[source], self._places[destination], strict=True)
        return sum(abs(a - b) for a, b in pairs)

    def route(self, source: int, destination: int) -> Sequence[int]:
        raise AssertionError("an allocator asks for no routes")


class Rings(Box):
    """A torus of any number of dimensions."""

    def hops(self, source: int, destination: int) -> int:
        places = zip(self.dims, self._places[source], self._places[destination], strict=True)
        return sum(min(abs(a - b), side - abs(a - b)) for side, a, b in places)


class Tree(Box):
    """Leaves of a tree: their coordinates say nothing of links between them."""

    def hops(self, source: int, destination: int) -> int:
        return 2 * super().hops(source, destination)


def places(topology: Any, nodes: int | None = None) -> Places:
    """Return the places of the first *nodes* nodes of a topology, or of all."""
    there = topology.size if nodes is None else nodes
    return Places(topology, tuple(range(there)), Random(7).random)


def drawn(picture: str) -> tuple[Box, list[int]]:
    """Return the 2-D mesh of a *picture*, and its free nodes, which are dots."""
    rows = [line.split() for line in picture.strip().splitlines()]
    flat = [cell for row in rows for cell in row]
    return Box(len(rows[0]), len(rows)), [node for node, cell in enumerate(flat) if cell == "."]


@st.composite
def fragmented(draw: st.DrawFn, most: int = 6, dimensions: int = 3) -> tuple[Box, list[int], int]:
    """Draw a mesh or a torus, the nodes that are free in it, and how many are wanted."""
    dims = draw(st.lists(st.integers(1, most), min_size=1, max_size=dimensions))
    topology = draw(st.sampled_from([Box, Rings]))(*dims)
    taken = draw(st.sets(st.integers(0, topology.size - 1)))
    free = [node for node in range(topology.size) if node not in taken]
    return topology, free, draw(st.integers(1, topology.size))
