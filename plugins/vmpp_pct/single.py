"""The single-task policy: a node for one process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmpp.kernel import Process


class SingleTask:
    """One process per node, which has the CPU as long as it runs: Puma's usual way."""

    __slots__ = ()

    multitasking = False

    def admit(self, loaded: int) -> str | None:
        """Refuse a second process."""
        return "the single-task policy runs one process at a time" if loaded else None

    def choose(self, ready: Sequence[Process], now: int) -> int | None:
        """Return the only one there is."""
        return 0

    def until(self, process: Process, now: int) -> int | None:
        """Return None: there is nobody to give the CPU to."""
        return None

    def preempts(self, arrived: Process, running: Process, now: int) -> bool:
        """Return False: nobody else arrives."""
        return False
