"""What meshes, tori and rings have in common: places in lines, and closed forms over dimensions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import accumulate
from math import prod


def boxed(nodes: int, dimensions: int) -> tuple[int, ...]:
    """Return the sides of a box of at least *nodes* places, as near to a cube as is easily found.

    No side is longer than the one before it.
    """
    sides = []
    for left in range(dimensions, 0, -1):
        sides.append(_root(nodes, left))
        nodes = -(-nodes // sides[-1])
    return tuple(sides)


def _root(number: int, degree: int) -> int:
    """Return the least whole number whose power of *degree* is at least *number*."""
    root: int = max(1, round(number ** (1 / degree)))
    while prod([root] * degree) < number:
        root += 1
    while root > 1 and prod([root - 1] * degree) >= number:
        root -= 1
    return root


def strides(dims: Iterable[int]) -> tuple[int, ...]:
    """Return how far apart the numbers of neighbours are in each dimension, the first fastest."""
    found = []
    stride = 1
    for side in dims:
        found.append(stride)
        stride *= side
    return tuple(found)


def mean_distance(dims: Sequence[int], means: Iterable[Fraction]) -> Fraction:
    """Return the mean distance of two different nodes of a network that is a product of lines.

    Args:
        means: those of two places of each line, which may be the same place twice.
    """
    size = prod(dims)
    return sum(means, Fraction()) * size / (size - 1) if size > 1 else Fraction()


def mesh_bisection(dims: Iterable[int]) -> int:
    """Return the bisection width of a mesh of any number of dimensions.

    Across the longest side as far as that goes; if it is odd, its middle slice is cut likewise
    (Azizoglu and Egecioglu, The Bisection Width and the Isoperimetric Number of Arrays, 2004).
    """
    sides = sorted((side for side in dims if side > 1), reverse=True)
    links = 0
    for place, side in enumerate(sides):
        links += prod(sides[place + 1 :])
        if side % 2 == 0:
            break
    return links


def torus_bisection(dims: Iterable[int]) -> int:
    """Return the bisection width of a torus: as of a mesh, with two links for each that is cut.

    (Aroca and Fernandez Anta, Bisection (Band)Width of Product Networks with Application to Data
    Centers, 2014.) A ring of two has one link, so it is cut as cheaply as one of four.
    """
    sides = sorted((4 if side == 2 else side, side) for side in dims if side > 1)[::-1]
    links = 0
    for place, (_, side) in enumerate(sides):
        links += min(side - 1, 2) * prod(side for _, side in sides[place + 1 :])
        if side % 2 == 0:
            break
    return links


def mesh_cables(dims: Sequence[int]) -> int:
    """Return the number of links of a mesh."""
    size = prod(dims)
    return sum(2 * (size - size // side) for side in dims)


def torus_degree(dims: Iterable[int]) -> int:
    """Return the number of links that leave each node of a torus."""
    return sum(min(2, side - 1) for side in dims)


def mesh_mean(side: int) -> Fraction:
    """Return the mean distance of two places of a line, which may be the same."""
    return Fraction(side * side - 1, 3 * side)


def ring_mean(side: int) -> Fraction:
    """Return the mean distance of two places of a ring, which may be the same."""
    return Fraction(side * side // 4, side)


def line_pairs(places: Iterable[int]) -> int:
    """Return the sum of the distances of all pairs of *places* of a line.

    Each step of the line parts those on either side of it.
    """
    there = Counter(places)
    total = there.total()
    below = distance = 0
    for place in range(max(there, default=0)):
        below += there[place]
        distance += below * (total - below)
    return distance


def ring_pairs(places: Iterable[int], side: int) -> int:
    """Return the same for a ring of *side* places.

    With each step divided into two, so many cuts across the ring as its distance in steps, doubled,
    part two places.
    """
    there = Counter(places)
    total = there.total()
    doubled = [there[place // 2] * (place % 2 == 0) for place in range(2 * side)]
    sums = [0, *accumulate(doubled)]
    halves = (sums[cut + side] - sums[cut] for cut in range(side))
    return sum(half * (total - half) for half in halves) // 2
