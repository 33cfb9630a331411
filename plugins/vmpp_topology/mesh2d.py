"""A two-dimensional mesh with dimension-order routing, as the Paragon's and ASCI Red's planes."""

from __future__ import annotations

from collections.abc import Sequence

from vmpp_topology.arrays import boxed, line_pairs
from vmpp_topology.mesh import Mesh

EAST, WEST, NORTH, SOUTH = range(4)
"""The links that leave a node, in the order of their numbers: node * 4 + direction."""


class Mesh2D(Mesh):
    """*dims* = (columns, rows); node ``n`` stands at ``(n % columns, n // columns)``.

    A message goes along its row first and then along its column, which cannot deadlock (Dally and
    Seitz 1987).

    Raises:
        ValueError: *dims* are not two positive numbers.
    """

    __slots__ = ("_columns", "dims", "links", "size", "vertices")

    def __init__(self, dims: tuple[int, ...]) -> None:
        if len(dims) != 2 or min(dims) < 1:
            raise ValueError(f"a 2-D mesh has two positive dimensions, not {list(dims)}")
        self.dims: tuple[int, ...] = dims
        self._columns = dims[0]
        self.size = self.vertices = dims[0] * dims[1]
        self.links = self.size * 4

    @staticmethod
    def grown(nodes: int) -> tuple[int, ...]:
        """Return the dimensions of the squarest mesh of at least *nodes* nodes."""
        return boxed(nodes, 2)

    @staticmethod
    def extended(dims: tuple[int, ...], nodes: int) -> tuple[int, ...]:
        """Return the dimensions with so many rows more that there is room for *nodes* nodes."""
        columns, rows = dims
        return columns, max(rows, -(-nodes // columns))

    def coordinates(self, node: int) -> tuple[int, ...]:
        """Return (column, row) of *node*."""
        row, column = divmod(node, self._columns)
        return column, row

    def hops(self, source: int, destination: int) -> int:
        """Return the Manhattan distance."""
        columns = self._columns
        return abs(source % columns - destination % columns) + abs(
            source // columns - destination // columns
        )

    def route(self, source: int, destination: int) -> list[int]:
        """Return the links along the row, then those along the column."""
        columns = self._columns
        row, column = divmod(source, columns)
        to_row, to_column = divmod(destination, columns)
        links = []
        node = source
        step, direction = (1, EAST) if to_column > column else (-1, WEST)
        for _ in range(abs(to_column - column)):
            links.append(node * 4 + direction)
            node += step
        step, direction = (columns, NORTH) if to_row > row else (-columns, SOUTH)
        for _ in range(abs(to_row - row)):
            links.append(node * 4 + direction)
            node += step
        return links

    def ends(self, link: int) -> tuple[int, int] | None:
        """Return the neighbours that a link joins; None for one that would leave the mesh."""
        node, direction = divmod(link, 4)
        row, column = divmod(node, self._columns)
        column += (direction == EAST) - (direction == WEST)
        row += (direction == NORTH) - (direction == SOUTH)
        if not (0 <= column < self.dims[0] and 0 <= row < self.dims[1]):
            return None
        return node, row * self._columns + column

    def pairwise(self, nodes: Sequence[int]) -> int:
        """Return the sum over rows and columns."""
        columns = self._columns
        return line_pairs(node % columns for node in nodes) + line_pairs(
            node // columns for node in nodes
        )
