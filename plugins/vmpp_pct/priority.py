"""Priorities: the most urgent process has the CPU, at once; equals take turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from vmpp.parameters import time
from vmpp_pct.round_robin import QUANTUM

if TYPE_CHECKING:
    from vmpp.kernel import Process


class Priority:
    """The process of the highest `Job.priority` runs; of several, each for a quantum in its turn.

    One that is more urgent takes the CPU away from the one that has it. With *ageing*, a process
    that is ready gains one level of priority each time it has waited so long, until it has had the
    CPU: then nobody starves, for of n processes on a CPU one that is L levels below the highest
    waits at most ``(L + 1) * ageing + 2 * n * (quantum + context switch)``. It keeps the level that
    it has run with, so that what it waited for is not taken away at once.
    """

    __slots__ = ("_ageing", "_level", "_quantum", "_running")

    multitasking = True

    def __init__(
        self,
        quantum: Annotated[
            int, time("slice of a process, while equals are ready", low="1 us")
        ] = QUANTUM,
        ageing: Annotated[
            int, time("waiting that makes a process more urgent by one level; 0: none does")
        ] = 0,
    ) -> None:
        self._quantum = quantum
        self._ageing = ageing
        # The number of who has run last, and the level that it had when it was chosen.
        self._running = -1
        self._level = 0

    def admit(self, loaded: int) -> str | None:
        """Take any number of processes: memory, and the level of the machine, set the limit."""
        return None

    def choose(self, ready: Sequence[Process], now: int) -> int | None:
        """Return the most urgent, of several the one that has been ready for the longest time."""
        place = max(range(len(ready)), key=lambda each: (self._urgency(ready[each], now), -each))
        self._running = ready[place].pid
        self._level = self._aged(ready[place], now)
        return place

    def until(self, process: Process, now: int) -> int | None:
        """Return the end of a quantum."""
        return now + self._quantum

    def preempts(self, arrived: Process, running: Process, now: int) -> bool:
        """Return whether *arrived* is more urgent."""
        level = self._level if running.pid == self._running else running.job.priority
        return arrived.job.priority > level

    def _urgency(self, process: Process, now: int) -> int:
        """Return the priority of a process that is ready, finer than by levels."""
        if not self._ageing:
            return process.job.priority
        return process.job.priority * self._ageing + now - process.ready_since

    def _aged(self, process: Process, now: int) -> int:
        """Return the level that a process has come to."""
        urgency = self._urgency(process, now)
        return urgency // self._ageing if self._ageing else urgency
