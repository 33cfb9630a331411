"""Whole numbers in the arguments of calls, taken as mpi4py takes them."""

from __future__ import annotations

from operator import index
from typing import Any, SupportsInt


def whole(value: Any) -> int:
    """Return *value* as C's int: of 1.5, which may be ``size / 2``, what is before the point.

    Raises:
        TypeError: it is no number.
    """
    try:
        return index(value)
    except TypeError:
        if not isinstance(value, SupportsInt):
            raise
    return int(value)
