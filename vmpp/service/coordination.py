"""Coordination: the part of a scheduling policy that is the whole machine's.

Jobs that share nodes stand in different rows of an Ousterhout matrix, whose columns are the nodes
(Ousterhout, 'Scheduling Techniques for Concurrent Systems', 1982). A policy that coordinates says
which row has the machine; a strober tells the nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from vmpp.errors import PluginError, broken
from vmpp.kernel import QuintessentialKernel
from vmpp.service.partition import ServicePartition
from vmpp.service.strober import Strober

if TYPE_CHECKING:
    from vmpp.service.record import JobRecord


class Coordinator(Protocol):
    """Says which row of the matrix has the machine.

    What plugins offer as a scheduling policy has one if it has a static method ``coordinator``,
    which makes it and takes those of the policy's parameters that it needs.

    Attributes:
        quantum: picoseconds between two strobes, which are sent at whole multiples of it.
    """

    quantum: int

    def choose(self, rows: Sequence[int], turn: int) -> int:
        """Return the place in *rows* of the row that has the machine for one quantum.

        Args:
            rows: numbers of the rows that jobs stand in, sorted; at least two.
            turn: number of the quantum, counted from the beginning of virtual time. A quantum in
                which nothing could happen is left out, so the answer should depend on nothing else.
        """
        ...


_IN_VAIN: Final = 1000
"""Strobes after which those who wait for one are given up: far more than are lost by chance."""


class Coordination:
    """The coordinators of a machine: one for each scheduling policy that has one, with its strober.

    Attributes:
        strobers: by the text that chooses the policy; made when the first of its jobs starts.
    """

    __slots__ = ("_busy", "_coordinator", "_failed", "_in_vain", "_services", "strobers")

    def __init__(
        self,
        services: ServicePartition,
        coordinator: Callable[[str], Coordinator | None],
        busy: Callable[[], bool],
        failed: Callable[[JobRecord, str], object],
    ) -> None:
        """Set it up without coordinators.

        Args:
            services: where strobers run.
            coordinator: makes the one of a policy; None if that has none.
            busy: returns whether any process of the machine could run and waits for its CPU.
            failed: told of every job of a coordinator which rule that has broken.
        """
        self._services = services
        self._coordinator = coordinator
        self._busy = busy
        self._failed = failed
        self.strobers: dict[str, Strober | None] = {}
        # How often in a row nothing was left but strobes, while somebody waited for one.
        self._in_vain = 0

    def started(self, record: JobRecord, policy: str) -> None:
        """Take note that the processes of a job are about to run, under *policy*."""
        try:
            strober = self._strober(policy)
        except PluginError as error:
            self._failed(record, str(error))
            return
        if strober is not None:
            strober.add(record)

    def ended(self, record: JobRecord) -> None:
        """Take note that no process of a job is left."""
        for strober in self._present():
            strober.remove(record)

    def _strober(self, policy: str) -> Strober | None:
        if policy not in self.strobers:
            coordinator = self._coordinator(policy)
            self.strobers[policy] = (
                None if coordinator is None else self._made(self._checked(coordinator))
            )
        return self.strobers[policy]

    def _checked(self, coordinator: Coordinator) -> Coordinator:
        """Return *coordinator*. Raises PluginError if it lacks something, or cannot be."""
        quantum = getattr(coordinator, "quantum", None)
        if type(quantum) is not int or quantum < 1:
            rule = "it is a whole number of picoseconds, from 1 on"
            raise broken(coordinator, "quantum", f"is {quantum!r}", rule)
        return coordinator

    def _made(self, coordinator: Coordinator) -> Strober:
        def make(kernel: QuintessentialKernel, pid: int) -> Strober:
            return Strober(kernel, pid, coordinator, self._is_still, self._failed)

        return self._services.enter(0, make)

    def _present(self) -> list[Strober]:
        return [strober for strober in self.strobers.values() if strober is not None]

    # -- stillness -----------------------------------------------------------------------------

    def _is_still(self) -> bool:
        """Return whether nothing can happen any more but strobes, which would change nothing.

        To be called from the event of a strober whose time has come.
        """
        others = sum(strober.due is not None for strober in self._present())
        if self._services.engine.left(others + 1) != others:
            self._in_vain = 0
            return False
        self._in_vain += 1
        # Whoever could run, and does not for so many strobes, is not reached by them.
        return not self._busy() or self._in_vain > _IN_VAIN

    def wake(self) -> None:
        """Have strobers go on that rest as nothing could happen, if anything can again.

        To be called before any event that comes from outside.
        """
        resting = [strober for strober in self._present() if strober.rests]
        if resting and self._services.engine.left(1):
            for strober in resting:
                strober.go_on()
