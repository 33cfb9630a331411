"""Sharing a CPU: what a process asks of whoever gives the CPU to one process after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from vmpp.kernel.process import Process


class CpuSharing(Protocol):
    """Shares a CPU out among processes; called from the engine, never from a fiber.

    All times are in picoseconds.
    """

    def keeps_waiting(self, process: Process) -> bool:
        """Return whether *process* could run and has to wait for the CPU."""
        ...

    def is_stuck(self) -> bool:
        """Return whether processes could run and the CPU idles; nothing else happening, for ever.

        Then that is reported as the fault of whoever decides who runs, in an event of its own.
        """
        ...

    def throw(self, process: Process, error: BaseException) -> None:
        """Raise *error* where *process* stands, now or as soon as it has the CPU."""
        ...

    def handler_begins(self, process: Process, when: int) -> int:
        """Return when an event handler of *process* begins that is to be entered at *when*."""
        ...

    def handler_ends(self, process: Process, begin: int) -> None:
        """Take the time from *begin* to the clock of *process* away from whoever has the CPU."""
        ...
