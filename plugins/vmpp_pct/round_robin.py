"""Round robin: several processes on a node take turns of a fixed length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

from vmpp.engine import MILLISECOND
from vmpp.parameters import time

if TYPE_CHECKING:
    from vmpp.kernel import Process

QUANTUM: Final = 10 * MILLISECOND
"""What a process may compute before others have their turn, unless said otherwise."""


class RoundRobin:
    """Whoever became ready first runs first, for a quantum at the most, and queues again.

    A process that becomes ready waits for those before it, each of which has at most a quantum. A
    process has a whole quantum each time that it gets the CPU, whatever it left of the last.
    """

    __slots__ = ("_quantum",)

    multitasking = True

    def __init__(
        self,
        quantum: Annotated[
            int, time("slice of a process, while others are ready", low="1 us")
        ] = QUANTUM,
    ) -> None:
        self._quantum = quantum

    def admit(self, loaded: int) -> str | None:
        """Take any number of processes: memory, and the level of the machine, set the limit."""
        return None

    def choose(self, ready: Sequence[Process], now: int) -> int | None:
        """Return the one that has been ready for the longest time."""
        return 0

    def until(self, process: Process, now: int) -> int | None:
        """Return the end of a quantum."""
        return now + self._quantum

    def preempts(self, arrived: Process, running: Process, now: int) -> bool:
        """Return False: whoever runs has its quantum."""
        return False
