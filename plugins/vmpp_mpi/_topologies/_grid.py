"""Cartesian grids of processes: coordinates, ranks and neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import isqrt, prod

from vmpp_mpi._constants import CART, PROC_NULL
from vmpp_mpi._topologies._placement import Layout


class Grid:
    """A grid of ranks in row-major order: the last coordinate changes fastest.

    Grids of the same dimensions and periods are equal.

    Args:
        dims: number of ranks in each direction.
        periods: whether a direction closes into a ring.

    Attributes:
        dims: as given.
        periods: as given.
        size: number of ranks.
    """

    __slots__ = ("dims", "periods", "size")

    kind = CART
    """What MPI calls such a topology."""

    def __init__(self, dims: Sequence[int], periods: Sequence[bool]) -> None:
        self.dims = tuple(dims)
        self.periods = tuple(periods)
        self.size = prod(dims)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Grid):
            return NotImplemented
        return (self.dims, self.periods) == (other.dims, other.periods)

    def __hash__(self) -> int:
        return hash((self.dims, self.periods))

    def coords(self, rank: int) -> list[int]:
        """Return the coordinates of *rank*."""
        coords = []
        for dim in reversed(self.dims):
            rank, coord = divmod(rank, dim)
            coords.append(coord)
        return coords[::-1]

    def rank(self, coords: Sequence[int]) -> int | None:
        """Return the rank at *coords*, None if they lie outside of the grid."""
        rank = 0
        for coord, dim, period in zip(coords, self.dims, self.periods, strict=True):
            if not period and not 0 <= coord < dim:
                return None
            rank = rank * dim + coord % dim
        return rank

    def shift(self, rank: int, direction: int, displacement: int) -> tuple[int, int]:
        """Return the ranks that lie *displacement* before and after *rank* in a *direction*.

        `PROC_NULL` stands for those outside of the grid.
        """
        coords = self.coords(rank)
        here = coords[direction]
        neighbours = []
        for there in (here - displacement, here + displacement):
            coords[direction] = there
            found = self.rank(coords)
            neighbours.append(PROC_NULL if found is None else found)
        return neighbours[0], neighbours[1]

    def neighbours(self, rank: int) -> list[int]:
        """Return the ranks before and after *rank* in each direction, `PROC_NULL` for none."""
        found: list[int] = []
        for direction in range(len(self.dims)):
            found.extend(self.shift(rank, direction, 1))
        return found

    def around(self, rank: int) -> tuple[list[int], list[int]]:
        """Return the ranks that messages to *rank* come from, and those that its own go to."""
        found = self.neighbours(rank)
        return found, found

    def layout(self) -> Layout:
        """Return what there is to know for placing the ranks."""
        edges = [
            [(other, 1) for other in self.neighbours(rank) if other != PROC_NULL]
            for rank in range(self.size)
        ]
        return Layout(edges, self.divide)

    def divide(self, ranks: list[int]) -> tuple[list[int], list[int]]:
        """Cut a part of the grid, a box, across its longest direction."""
        first, last = self.coords(min(ranks)), self.coords(max(ranks))
        extents = [high - low for low, high in zip(first, last, strict=True)]
        direction = extents.index(max(extents))
        cut = (first[direction] + last[direction] + 1) // 2
        stride = prod(self.dims[direction + 1 :])
        dim = self.dims[direction]
        below = [rank for rank in ranks if rank // stride % dim < cut]
        return below, [rank for rank in ranks if rank // stride % dim >= cut]

    def slice(self, rank: int, remain: Sequence[bool]) -> tuple[Grid, list[int]]:
        """Return the part of the grid through *rank* in directions that *remain*, and its ranks.

        The ranks are those of the whole grid, ordered by their rank in the part.
        """
        coords = self.coords(rank)
        part = Grid(
            [dim for dim, stays in zip(self.dims, remain, strict=True) if stays],
            [period for period, stays in zip(self.periods, remain, strict=True) if stays],
        )
        kept = [direction for direction, stays in enumerate(remain) if stays]
        ranks = []
        for place in range(part.size):
            for direction, coord in zip(kept, part.coords(place), strict=True):
                coords[direction] = coord
            found = self.rank(coords)
            assert found is not None
            ranks.append(found)
        return part, ranks


@lru_cache(maxsize=64)
def balanced(count: int, factors: int) -> tuple[int, ...]:
    """Return *count* as a product of *factors* numbers, as equal as can be, in falling order.

    Of all such products the one with the smallest largest number, then with the smallest second
    largest, and so on.
    """
    divisors = _divisors(count)
    found = _product(count, factors, count, divisors)
    assert found is not None
    return found


def _product(
    count: int, factors: int, largest: int, divisors: Sequence[int]
) -> tuple[int, ...] | None:
    if factors == 0:
        return () if count == 1 else None
    for divisor in divisors:
        if divisor > largest:
            break
        if count % divisor or divisor**factors < count:
            continue
        rest = _product(count // divisor, factors - 1, divisor, divisors)
        if rest is not None:
            return divisor, *rest
    return None


def _divisors(count: int) -> list[int]:
    small = [number for number in range(1, isqrt(count) + 1) if count % number == 0]
    large = [count // number for number in reversed(small) if number * number != count]
    return small + large
