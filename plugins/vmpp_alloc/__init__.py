"""Allocation policies: which nodes a job gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl

if TYPE_CHECKING:
    from vmpp.hooks import AllocatorFactory
    from vmpp.service import Places


class FirstFree:
    """The free nodes with the lowest numbers, as Cplant's allocator did by default."""

    __slots__ = ()

    def __init__(self, places: Places) -> None:
        """Make the policy of a machine; it goes by numbers alone."""

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        """Return the first *wanted* of *free*, or None if there are too few."""
        return free[:wanted] if len(free) >= wanted else None


@hookimpl
def vmpp_allocators() -> Mapping[str, AllocatorFactory]:
    """Offer the policies by the names that machine files use."""
    return {"first-free": FirstFree}
