"""A bus: one medium for all, as the Ethernet between workstations was."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb, prod


class Bus:
    """Whatever is sent goes over the one link there is, number 0; *dims* say how many nodes tap it.

    Carrier sense and collisions are not modelled: with a timing that knows of links, whoever wants
    the medium while it is taken waits, or shares it. It has one direction at a time.

    Raises:
        ValueError: *dims* are not positive.
    """

    __slots__ = ("dims", "links", "size", "vertices")

    def __init__(self, dims: tuple[int, ...]) -> None:
        if not dims or min(dims) < 1:
            raise ValueError(f"a bus needs positive dimensions, not {list(dims)}")
        self.dims: tuple[int, ...] = dims
        self.size = prod(dims)
        self.links = 1
        self.vertices = self.size + 2

    @staticmethod
    def grown(nodes: int) -> tuple[int, ...]:
        """Return the dimensions of a bus with *nodes* nodes."""
        return (max(1, nodes),)

    @staticmethod
    def extended(dims: tuple[int, ...], nodes: int) -> tuple[int, ...]:
        """Return the dimensions of a bus with at least *nodes* nodes."""
        return (max(prod(dims), nodes),)

    def coordinates(self, node: int) -> tuple[int, ...]:
        """Return the node's number: the tap that it has."""
        return (node,)

    def hops(self, source: int, destination: int) -> int:
        """Return 1, or 0 to oneself."""
        return int(source != destination)

    def route(self, source: int, destination: int) -> list[int]:
        """Return the one link."""
        return [0] if source != destination else []

    def ends(self, link: int) -> tuple[int, int]:
        """Return the two vertices of the medium: where it is spoken into, and where it is heard."""
        return self.size, self.size + 1

    def attached(self, node: int) -> tuple[int, int]:
        """Return the vertices that *node* speaks into and hears: the medium's."""
        return self.size, self.size + 1

    def cables(self) -> int:
        """Return 1: the medium."""
        return 1

    def degree(self) -> int:
        """Return 1: whatever is sent goes over the medium."""
        return 1

    def diameter(self) -> int:
        """Return 1 if there are two nodes."""
        return int(self.size > 1)

    def average_distance(self) -> Fraction:
        """Return 1 if there are two nodes."""
        return Fraction(self.size > 1)

    def bisection(self) -> int:
        """Return 1 if there are two nodes: the medium."""
        return int(self.size > 1)

    def pairwise(self, nodes: Sequence[int]) -> int:
        """Return how many pairs there are."""
        return comb(len(nodes), 2)
