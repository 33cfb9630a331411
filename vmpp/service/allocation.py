"""Node allocation: the mechanism's question to the policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class AllocationPolicy(Protocol):
    """Chooses the nodes of a job. The launcher keeps the list of free nodes."""

    def choose(self, free: Sequence[int], wanted: int) -> Sequence[int] | None:
        """Return *wanted* of the *free* node numbers, which are sorted, in order of rank.

        Returns:
            None if there is no fitting choice now.
        """
        ...
