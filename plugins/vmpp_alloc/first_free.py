"""The free nodes with the lowest numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmpp.service import Places


class FirstFree:
    """The free nodes with the lowest numbers, as Cplant's allocator did by default.

    It works on every topology.
    """

    __slots__ = ()

    def __init__(self, places: Places) -> None:
        """Take any *places*."""

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        """Return the first *wanted* of *free*, or None if there are too few."""
        return free[:wanted] if len(free) >= wanted else None
