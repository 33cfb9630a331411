"""Any free nodes: the yardstick for those that look at places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmpp.service import Places


class Random:
    """Free nodes drawn at random, ranks in the order in which they are drawn.

    The draws are from a stream of the machine's own, so that a machine with the same seed and the
    same jobs draws the same. It works on every topology.
    """

    __slots__ = ("_draw",)

    def __init__(self, places: Places) -> None:
        self._draw = places.draw

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        """Return *wanted* of *free*, or None, without a draw, if there are too few."""
        if len(free) < wanted:
            return None
        left = list(free)
        # Shuffled from the end, as far as needed (Fisher and Yates 1938).
        for last in range(len(left) - 1, len(left) - 1 - wanted, -1):
            drawn = int(self._draw() * (last + 1))
            left[drawn], left[last] = left[last], left[drawn]
        return left[len(left) - wanted :]
