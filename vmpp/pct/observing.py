"""What an observer of a CPU learns of the processes that share it."""

from __future__ import annotations

from typing import Protocol

from vmpp.kernel import Process


class DispatchObserver(Protocol):
    """Is told, in order, what becomes of the processes of one CPU; see `Dispatcher.observe`.

    *when* is a virtual time in picoseconds. It lies ahead of the engine's where a process has run
    ahead of it. From a process's losing or giving up the CPU until the next switch or run, the CPU
    idles.
    """

    def became_ready(self, process: Process, when: int) -> None:
        """*process* could run, and does not have the CPU yet."""
        ...

    def switches(self, process: Process, when: int) -> None:
        """The CPU is being switched to *process*, from another one."""
        ...

    def runs(self, process: Process, when: int) -> None:
        """*process* has the CPU from now on, until one of the next three is told of it."""
        ...

    def preempted(self, process: Process, when: int) -> None:
        """*process* has lost the CPU to others, and is ready."""
        ...

    def blocked(self, process: Process, when: int) -> None:
        """*process* has given up the CPU: it waits or sleeps."""
        ...

    def ended(self, process: Process, when: int) -> None:
        """*process* is no more, whatever it was at."""
        ...
