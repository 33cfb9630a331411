"""Poisson's equation by conjugate gradients: what mpi-poisson, nx-poisson and vertex-poisson share.

A membrane over the unit square, held at its edge, sags under a load. Each process has some of the
rows of its points. It needs two things of the others, which each library does in its own way: the
rows next to its own, and sums over all processes. The method feeds every sum back into the next
step, so results agree to the last bit only where sums do.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Field: TypeAlias = NDArray[np.float64]

TOLERANCE = 1e-10
"""How much smaller than at the beginning the residual is to be."""


@dataclass(frozen=True)
class Solution:
    """What came out, the same on all processes.

    Attributes:
        iterations: how many it took.
        residual: Euclidean norm of what is left of the equations.
        mean: of the values of all points.
        checksum: of the bits of all values.
    """

    iterations: int
    residual: float
    mean: float
    checksum: int

    def __str__(self) -> str:
        return (
            f"{self.iterations} iterations, residual {self.residual!r}\n"
            f"mean {self.mean!r}, checksum {self.checksum}"
        )


def solve(
    points: int,
    place: int,
    places: int,
    exchange: Callable[[Field], None],
    total: Callable[[float], float],
) -> Solution:
    """Solve for *points* times *points* values.

    Args:
        points: in a row, and rows; as many as places at least.
        place: which of the stretches of rows is this process's.
        places: how many there are.
        exchange: called with the own rows between two others; fills the first of them from the
            place before, and the last from the one behind, and leaves them alone at the ends.
        total: returns the sum of its arguments on all processes.

    Raises:
        SystemExit: there are not enough rows.
    """
    if places > points:
        sys.exit(1 if place else f"poisson: {points} rows are too few for {places} nodes")
    low, high = points * place // places, points * (place + 1) // places
    residual = _load(points, low, high)
    values = np.zeros_like(residual)
    bordered = np.zeros((high - low + 2, points + 2))
    direction = bordered[1:-1, 1:-1]
    direction[:] = residual
    square = total(_dot(residual, residual))
    goal = square * TOLERANCE**2
    iterations = 0
    while square > goal:
        iterations += 1
        exchange(bordered)
        image = _laplacian(bordered)
        step = square / total(_dot(direction, image))
        values += step * direction
        residual -= step * image
        square, before = total(_dot(residual, residual)), square
        direction[:] = residual + square / before * direction
    return Solution(
        iterations,
        square**0.5,
        total(float(values.sum())) / points**2,
        int(total(float(zlib.crc32(values.tobytes())))),
    )


def _load(points: int, low: int, high: int) -> Field:
    """Return the right-hand side of rows *low* to *high*: heavier to the right, and to the top."""
    spacing = 1 / (points + 1)
    x = np.arange(1, points + 1) * spacing
    y = np.arange(low + 1, high + 1)[:, np.newaxis] * spacing
    load: Field = spacing**2 * x * (1 - y)
    return load


def _laplacian(field: Field) -> Field:
    """Return the differences of all points inside *field* from their four neighbours."""
    around = field[:-2, 1:-1] + field[2:, 1:-1] + field[1:-1, :-2] + field[1:-1, 2:]
    differences: Field = 4 * field[1:-1, 1:-1] - around
    return differences


def _dot(one: Field, other: Field) -> float:
    """Return the inner product; not by BLAS, whose order of summation depends on the host."""
    return float((one * other).sum())
