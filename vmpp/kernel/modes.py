"""CPU modes: what each CPU of a node is for. The policy's answer, and the question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Roles:
    """What the CPUs of a node are for, by their numbers, which are counted from 0.

    Attributes:
        kernel: the CPU that runs the kernel. One that does nothing else looks for messages and
            requests by itself; otherwise an arrival interrupts what it does.
        applications: the CPUs that run processes: one for each rank of a job that a node takes, in
            the order of the ranks. Memory is divided among them in equal parts. A process on the
            kernel's CPU enters the kernel by a trap, one on another hands its requests over through
            shared memory.
        helper: the CPU that runs co-routines for the processes; None: none does.
    """

    kernel: int = 0
    applications: tuple[int, ...] = (0,)
    helper: int | None = None

    @property
    def ranks(self) -> int:
        """How many ranks of a job a node takes."""
        return len(self.applications)

    @property
    def polls(self) -> bool:
        """Whether the kernel has its CPU for itself."""
        return self.kernel not in self.applications and self.kernel != self.helper

    def nodes(self, ranks: int) -> int:
        """Return how many nodes a job of so many ranks takes."""
        return -(-ranks // self.ranks)

    def problem(self, cpus: int) -> str | None:
        """Return what is wrong with these roles on a node of so many CPUs; None: nothing."""
        helper = () if self.helper is None else (self.helper,)
        for number in (self.kernel, *self.applications, *helper):
            if not 0 <= number < cpus:
                return f"there is no CPU {number} on nodes of {cpus}"
        if not self.applications:
            return "no CPU runs the application"
        if len({*self.applications, *helper}) < len(self.applications) + len(helper):
            return "a CPU has two processes, or a process and co-routines"
        return None


SHARED_CPU = Roles()
"""Kernel and application on the first CPU: what a node does as long as nobody says otherwise."""


class CpuMode(Protocol):
    """Says what each CPU of a node is for, while jobs of this mode are there.

    It is chosen at load time, by the job. Jobs share nodes with others of their mode only.

    Attributes:
        cpus: how many CPUs a node must have at the least.
    """

    @property
    def cpus(self) -> int:
        """How many CPUs a node must have at the least."""
        ...

    def roles(self, cpus: int) -> Roles:
        """Return what the CPUs of a node are for that has *cpus* of them, `cpus` at least.

        Called once for each machine, and not for each node or job.
        """
        ...
