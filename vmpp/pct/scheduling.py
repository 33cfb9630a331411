"""Scheduling of a node's processes: the mechanism's question to the policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vmpp.kernel import Process


class SchedulingPolicy(Protocol):
    """Says how many processes a node takes, and which of those that are ready runs next.

    The process control thread keeps the queue of ready processes, in the order in which they became
    ready, and asks when the CPU is free.
    """

    def admit(self, loaded: int) -> str | None:
        """Return None if one more process may be loaded beside *loaded* ones, or why not."""
        ...

    def choose(self, ready: Sequence[Process]) -> int:
        """Return the index of the one of *ready*, never empty, that runs next."""
        ...
