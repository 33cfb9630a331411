"""The Hilbert curve, in any number of dimensions."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Integers: TypeAlias = NDArray[np.int64]


def hilbert_indices(coordinates: Integers, bits: int) -> Integers:
    """Return how far along the curve places are, in a cube with sides of 2^*bits*.

    After Skilling, Programming the Hilbert curve, AIP Conf. Proc. 707, 2004. With one bit it is the
    reflected Gray code.

    Args:
        coordinates: those of all places, one row a dimension.
        bits: no more than 63 together with the number of dimensions as a factor.
    """
    axes = coordinates.astype(np.int64)
    for bit in range(bits - 1, 0, -1):
        _turn_back(axes, bit)
    for axis in range(1, len(axes)):
        axes[axis] ^= axes[axis - 1]
    flips = np.zeros_like(axes[0])
    for bit in range(bits - 1, 0, -1):
        flips ^= (axes[-1] >> bit & 1) * ((1 << bit) - 1)
    axes ^= flips
    indices: Integers = np.zeros_like(flips)
    for bit in range(bits - 1, -1, -1):
        for axis in axes:
            indices = indices << 1 | (axis >> bit & 1)
    return indices


def _turn_back(axes: Integers, bit: int) -> None:
    """Undo the turns and reflections that the curve makes in the cubes with sides of 2^*bit*."""
    low = (1 << bit) - 1
    for axis in axes:
        upper = axis >> bit & 1
        swapped = (axes[0] ^ axis) & low * (1 - upper)
        axes[0] ^= swapped | low * upper
        axis ^= swapped  # noqa: PLW2901
