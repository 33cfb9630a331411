"""A torus of any number of dimensions, as the Cray T3D's and Blue Gene/L's three."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod
from typing import Annotated

from vmpp.parameters import count
from vmpp_topology.arrays import (
    boxed,
    mean_distance,
    ring_mean,
    ring_pairs,
    strides,
    torus_bisection,
    torus_degree,
)


class Torus:
    """Rings in each dimension; node numbers run along the first dimension first.

    A message goes through the dimensions in their order, in each the shorter way round. If both
    are as long it goes up from an even place and down from an odd one, which spreads the load.
    Two virtual channels share a link: a message changes from channel 0 to 1 where a ring closes, so
    routes cannot deadlock (Dally and Seitz, Deadlock-Free Message Routing in Multiprocessor
    Interconnection Networks, 1987). Adaptive routing takes, at each router, that of the links on a
    shortest way which has the least to do, as Blue Gene/L's (Adiga et al., Blue Gene/L Torus
    Interconnection Network, 2005); there the deterministic channels are the escape.

    Link ``node * 2 * dimensions + 2 * dimension`` leads up, the next one down. A ring of two has
    links that lead up only: one from each of the two to the other.

    Raises:
        ValueError: *dims* are not positive numbers.
    """

    __slots__ = ("_degree", "_distances", "_lines", "_strides", "dims", "links", "size", "vertices")

    def __init__(
        self,
        dims: tuple[int, ...],
        dimensions: Annotated[int, count("dimensions of a torus that grows", 1, 16)] = 3,
    ) -> None:
        if not dims or min(dims) < 1:
            raise ValueError(f"a torus has positive dimensions, not {list(dims)}")
        self.dims: tuple[int, ...] = dims
        self.size = self.vertices = prod(dims)
        self._degree = 2 * len(dims)
        self.links = self.size * self._degree
        self._strides = strides(dims)
        # A negative index, of a place before another, finds the same distance from the end.
        self._distances = [[min(way, side - way) for way in range(side)] for side in dims]
        self._lines = tuple(zip(self._strides, dims, self._distances, strict=True))

    @staticmethod
    def grown(nodes: int, dimensions: int = 3) -> tuple[int, ...]:
        """Return the dimensions of a torus of at least *nodes* nodes that is nearly a cube."""
        return boxed(nodes, dimensions)

    def coordinates(self, node: int) -> tuple[int, ...]:
        """Return the place of *node* in each dimension."""
        return tuple(node // stride % side for stride, side, _ in self._lines)

    def hops(self, source: int, destination: int) -> int:
        """Return the sum of the shorter ways round."""
        total = 0
        for stride, side, distances in self._lines:
            total += distances[destination // stride % side - source // stride % side]
        return total

    def route(self, source: int, destination: int) -> list[int]:
        """Return the links of the rings, dimension by dimension."""
        links = []
        degree = self._degree
        node = source
        for dimension, (stride, side, _) in enumerate(self._lines):
            place = source // stride % side
            up = (destination // stride - place) % side
            down = side - up
            rising = up < down or (up == down and (side == 2 or place % 2 == 0))
            way, step = (2 * dimension, 1) if rising else (2 * dimension + 1, -1)
            base = node - place * stride
            for _ in range(up if rising else down % side):
                links.append((base + place * stride) * degree + way)
                place = (place + step) % side
            node = base + place * stride
        return links

    def adapted(
        self, source: int, destination: int, load: Callable[[int], int], turn: int
    ) -> Sequence[int]:
        """Return a shortest way whose links have, one after the other, the least to do."""
        links = []
        node = source
        while node != destination:
            link, node = min(self._onward(node, destination), key=lambda way: load(way[0]))
            links.append(link)
        return links

    def _onward(self, node: int, destination: int) -> list[tuple[int, int]]:
        """Return the links that lead nearer, that of `route` first, and where each leads."""
        ways = []
        for dimension, (stride, side, _) in enumerate(self._lines):
            place = node // stride % side
            up = (destination // stride - place) % side
            down = side - up
            base = node - place * stride
            link = node * self._degree + 2 * dimension
            both = []
            if up and up <= down:
                both.append((link, base + (place + 1) % side * stride))
            if up and down <= up and side > 2:
                both.append((link + 1, base + (place - 1) % side * stride))
            ways += both[::-1] if place % 2 else both
        return ways

    def channels(self, route: Sequence[int]) -> list[int]:
        """Return 0 for each link up to that which closes a ring, and 1 from there on."""
        found = []
        before, closed = -1, 0
        for link in route:
            node, way = divmod(link, self._degree)
            dimension, down = divmod(way, 2)
            if dimension != before:
                before, closed = dimension, 0
            place = node // self._strides[dimension] % self.dims[dimension]
            if place == (0 if down else self.dims[dimension] - 1):
                closed = 1
            found.append(closed)
        return found

    def ends(self, link: int) -> tuple[int, int] | None:
        """Return the neighbours that a link joins; None where a ring is too small for it."""
        node, way = divmod(link, self._degree)
        dimension, down = divmod(way, 2)
        stride, side = self._strides[dimension], self.dims[dimension]
        if side < 2 + down:
            return None
        place = node // stride % side
        to_place = (place - 1 if down else place + 1) % side
        return node, node + (to_place - place) * stride

    def cables(self) -> int:
        """Return those that leave each node, by the nodes."""
        return self.size * torus_degree(self.dims)

    def degree(self) -> int:
        """Return two for each dimension, one if that is a ring of two."""
        return torus_degree(self.dims)

    def diameter(self) -> int:
        """Return half of each side."""
        return sum(side // 2 for side in self.dims)

    def average_distance(self) -> Fraction:
        """Return the sum of k / 4 over sides k, or (k - 1 / k) / 4 if k is odd, as `Mesh2D`'s."""
        return mean_distance(self.dims, map(ring_mean, self.dims))

    def bisection(self) -> int:
        """Return twice the area of the smallest face if the longest side is even."""
        return torus_bisection(self.dims)

    def pairwise(self, nodes: Sequence[int]) -> int:
        """Return the sum over dimensions."""
        return sum(
            ring_pairs((node // stride % side for node in nodes), side)
            for stride, side, _ in self._lines
        )
