"""A three-dimensional mesh with dimension-order routing, as Red Storm's in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from vmpp_topology.arrays import boxed, line_pairs
from vmpp_topology.mesh import Mesh


class Mesh3D(Mesh):
    """*dims* = (x, y, z); node numbers run along x first, then along y, then along z.

    A message goes along x, then along y, then along z, which cannot deadlock (Dally and Seitz
    1987). Link ``node * 6 + 2 * dimension`` leads up in that dimension, the next one down.

    Raises:
        ValueError: *dims* are not three positive numbers.
    """

    __slots__ = ("_plane", "_row", "dims", "links", "size", "vertices")

    def __init__(self, dims: tuple[int, ...]) -> None:
        if len(dims) != 3 or min(dims) < 1:
            raise ValueError(f"a 3-D mesh has three positive dimensions, not {list(dims)}")
        self.dims: tuple[int, ...] = dims
        self._row = dims[0]
        self._plane = dims[0] * dims[1]
        self.size = self.vertices = prod(dims)
        self.links = self.size * 6

    @staticmethod
    def grown(nodes: int) -> tuple[int, ...]:
        """Return the dimensions of a mesh of at least *nodes* nodes that is nearly a cube."""
        return boxed(nodes, 3)

    @staticmethod
    def extended(dims: tuple[int, ...], nodes: int) -> tuple[int, ...]:
        """Return the dimensions with so many planes more that there is room for *nodes* nodes."""
        x, y, z = dims
        return x, y, max(z, -(-nodes // (x * y)))

    def coordinates(self, node: int) -> tuple[int, ...]:
        """Return (x, y, z) of *node*."""
        z, in_plane = divmod(node, self._plane)
        y, x = divmod(in_plane, self._row)
        return x, y, z

    def hops(self, source: int, destination: int) -> int:
        """Return the Manhattan distance."""
        row, plane = self._row, self._plane
        return (
            abs(source % row - destination % row)
            + abs(source % plane // row - destination % plane // row)
            + abs(source // plane - destination // plane)
        )

    def route(self, source: int, destination: int) -> list[int]:
        """Return the links along x, then those along y, then those along z."""
        links = []
        node = source
        places = zip(self.coordinates(source), self.coordinates(destination), strict=True)
        for dimension, (place, to_place) in enumerate(places):
            stride = (1, self._row, self._plane)[dimension]
            step, link = (
                (stride, 2 * dimension) if to_place > place else (-stride, 2 * dimension + 1)
            )
            for _ in range(abs(to_place - place)):
                links.append(node * 6 + link)
                node += step
        return links

    def ends(self, link: int) -> tuple[int, int] | None:
        """Return the neighbours that a link joins; None for one that would leave the mesh."""
        node, way = divmod(link, 6)
        dimension, down = divmod(way, 2)
        place = self.coordinates(node)[dimension] + (-1 if down else 1)
        if not 0 <= place < self.dims[dimension]:
            return None
        stride = (1, self._row, self._plane)[dimension]
        return node, node - stride if down else node + stride

    def pairwise(self, nodes: Sequence[int]) -> int:
        """Return the sum over dimensions."""
        return sum(map(line_pairs, zip(*map(self.coordinates, nodes), strict=True)))
