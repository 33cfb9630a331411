"""A network in which every two nodes have a link of their own."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb, prod


class FullyConnected:
    """One hop between any two nodes; *dims* only say how many there are.

    Raises:
        ValueError: *dims* are not positive.
    """

    __slots__ = ("dims", "links", "size", "vertices")

    def __init__(self, dims: tuple[int, ...]) -> None:
        if not dims or min(dims) < 1:
            raise ValueError(f"a network needs positive dimensions, not {list(dims)}")
        self.dims = dims
        self.size = self.vertices = prod(dims)
        self.links = self.size * self.size

    @staticmethod
    def grown(nodes: int) -> tuple[int, ...]:
        """Return the dimensions of a network of *nodes* nodes."""
        return (max(1, nodes),)

    @staticmethod
    def extended(dims: tuple[int, ...], nodes: int) -> tuple[int, ...]:
        """Return the dimensions of a network of at least *nodes* nodes."""
        return (max(prod(dims), nodes),)

    def coordinates(self, node: int) -> tuple[int, ...]:
        """Return the node's number: there are no places in such a network."""
        return (node,)

    def hops(self, source: int, destination: int) -> int:
        """Return 1, or 0 to oneself."""
        return int(source != destination)

    def route(self, source: int, destination: int) -> list[int]:
        """Return the one link between the two."""
        return [source * self.size + destination] if source != destination else []

    def ends(self, link: int) -> tuple[int, int] | None:
        """Return the two nodes that a link joins; None for those from a node to itself."""
        source, destination = divmod(link, self.size)
        return (source, destination) if source != destination else None

    def cables(self) -> int:
        """Return one for each node and each other."""
        return self.size * (self.size - 1)

    def degree(self) -> int:
        """Return the number of other nodes."""
        return self.size - 1

    def diameter(self) -> int:
        """Return 1 if there are two nodes."""
        return int(self.size > 1)

    def average_distance(self) -> Fraction:
        """Return 1 if there are two nodes."""
        return Fraction(self.size > 1)

    def bisection(self) -> int:
        """Return the number of pairs of a node of one half and a node of the other."""
        return self.size // 2 * (self.size - self.size // 2)

    def pairwise(self, nodes: Sequence[int]) -> int:
        """Return how many pairs there are."""
        return comb(len(nodes), 2)
