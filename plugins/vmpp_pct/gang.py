"""Gang scheduling: the processes of a job have their CPUs at the same time, on all nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

from vmpp.parameters import time
from vmpp.quantities import duration

if TYPE_CHECKING:
    from vmpp.kernel import Process

QUANTUM: Final = duration("2 ms")
"""That at which STORM showed no slowdown; see `vmpp.service.strober`."""


class Gang:
    """A job has the CPUs of all its nodes at the same time; jobs take turns, by strobes.

    This is one node's part: the process whose row has the machine runs. It keeps the CPU also while
    it waits for a message, which its partners, who have their CPUs as well, are about to send.
    Where the row is empty on this node the others share its turns: another one comes first each
    time, and they run while those before them wait (alternate scheduling).
    """

    multitasking = True

    def __init__(
        self, quantum: Annotated[int, time("that each row has the machine for", "1 us")] = QUANTUM
    ) -> None:
        """Begin without a row: until the first strobe, whoever is ready runs."""
        self._row: int | None = None
        self._shared = 0

    @staticmethod
    def coordinator(quantum: int = QUANTUM) -> TakingTurns:
        """Return the part that is the whole machine's."""
        return TakingTurns(quantum)

    def admit(self, loaded: int) -> str | None:
        """Take any number: the multiprogramming level is the machine's."""
        return None

    def strobe(self, row: int | None, now: int) -> None:
        """Begin the turn of *row*; of nobody, if no process here stands in the row."""
        self._row = row
        self._shared += row is None

    def choose(self, ready: Sequence[Process], now: int) -> int | None:
        """Return the process of the row; if it waits, none; where the row is empty, another one."""
        if self._row is None:
            order = sorted(range(len(ready)), key=lambda place: ready[place].job.id)
            return order[self._shared % len(order)]
        for place, process in enumerate(ready):
            if process.job.row == self._row:
                return place
        return None

    def until(self, process: Process, now: int) -> int | None:
        """Have the strobes say when a turn is over."""
        return None

    def preempts(self, arrived: Process, running: Process, now: int) -> bool:
        """Return whether *arrived* stands in the row and *running* does not."""
        return arrived.job.row == self._row != running.job.row


class TakingTurns:
    """The machine's part: one row after the other has it for one quantum."""

    def __init__(self, quantum: int) -> None:
        """Make one whose quantum is *quantum* picoseconds."""
        self.quantum = quantum

    def choose(self, rows: Sequence[int], turn: int) -> int:
        """Return the place of the row whose turn it is."""
        return turn % len(rows)
