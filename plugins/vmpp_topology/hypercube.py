"""A binary hypercube with e-cube routing, as the iPSC's and the nCUBE's."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod

MOST_DIMENSIONS = 20


class Hypercube:
    """Nodes whose numbers differ in one bit are neighbours; *dims* multiply to their number.

    A message has the bits put right from the lowest to the highest, which cannot deadlock (e-cube
    routing: Sullivan and Bashkow 1977; Dally and Seitz 1987). Link ``node * dimensions + bit``
    changes that bit.

    The bits are dealt out to the coordinates: 2 x 2 x ... has one of each. More in one go along it
    in the order of Gray's code, so that those who stand side by side are neighbours. A hypercube of
    1,024 nodes can be of 32 x 32 places.

    Raises:
        ValueError: *dims* are not powers of two.
    """

    __slots__ = ("_bits", "dimensions", "dims", "links", "size", "vertices")

    def __init__(self, dims: tuple[int, ...]) -> None:
        if not dims or any(side < 1 or side & (side - 1) for side in dims):
            raise ValueError(f"a hypercube has powers of two as dimensions, not {list(dims)}")
        self.dims: tuple[int, ...] = dims
        self._bits = [side.bit_length() - 1 for side in dims]
        self.dimensions = sum(self._bits)
        self.size = self.vertices = prod(dims)
        self.links = self.size * self.dimensions

    @staticmethod
    def grown(nodes: int) -> tuple[int, ...]:
        """Return the dimensions, two of them, of the smallest hypercube of *nodes* nodes."""
        bits = max(0, nodes - 1).bit_length()
        return 1 << (bits + 1) // 2, 1 << bits // 2

    @staticmethod
    def extended(dims: tuple[int, ...], nodes: int) -> tuple[int, ...]:
        """Return the dimensions with the last one doubled until there is room for *nodes* nodes."""
        *first, last = dims
        while prod(first) * last < nodes:
            last *= 2
        return (*first, last)

    def coordinates(self, node: int) -> tuple[int, ...]:
        """Return the place of *node*, in each dimension that of its bits in Gray's code."""
        found = []
        for bits in self._bits:
            code = place = node & ((1 << bits) - 1)
            while code := code >> 1:
                place ^= code
            found.append(place)
            node >>= bits
        return tuple(found)

    def hops(self, source: int, destination: int) -> int:
        """Return the number of bits in which they differ."""
        return (source ^ destination).bit_count()

    def route(self, source: int, destination: int) -> list[int]:
        """Return the links that put the bits right, the lowest first."""
        links = []
        node = source
        left = source ^ destination
        while left:
            bit = left & -left
            links.append(node * self.dimensions + bit.bit_length() - 1)
            node ^= bit
            left ^= bit
        return links

    def ends(self, link: int) -> tuple[int, int]:
        """Return the neighbours that a link joins."""
        node, bit = divmod(link, self.dimensions)
        return node, node ^ 1 << bit

    def cables(self) -> int:
        """Return one for each bit of each node."""
        return self.links

    def degree(self) -> int:
        """Return the number of dimensions."""
        return self.dimensions

    def diameter(self) -> int:
        """Return the number of dimensions."""
        return self.dimensions

    def average_distance(self) -> Fraction:
        """Return half the number of dimensions, but for what is from a node to itself."""
        if self.size == 1:
            return Fraction()
        return Fraction(self.dimensions * self.size, 2 * (self.size - 1))

    def bisection(self) -> int:
        """Return half the number of nodes."""
        return self.size // 2

    def pairwise(self, nodes: Sequence[int]) -> int:
        """Return the sum over dimensions: those with and those without a bit differ in it."""
        ones = (sum(node >> bit & 1 for node in nodes) for bit in range(self.dimensions))
        return sum(one * (len(nodes) - one) for one in ones)
