"""The CPUs of a node: what they are for at the moment, and who shares out those with processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from vmpp.kernel import Job, Process, QuintessentialKernel, Roles, SystemProcess
from vmpp.pct.asking import Asked
from vmpp.pct.coroutines import Coprocessor
from vmpp.pct.dispatcher import Dispatcher
from vmpp.pct.loading import LoadError

if TYPE_CHECKING:
    from vmpp.pct.observing import DispatchObserver
    from vmpp.pct.scheduling import SchedulingPolicy


class NodeCpus:
    """Has the CPUs of a node do what its jobs want of them.

    A job brings its CPU mode and its scheduling policy. The first on a node has its way; others are
    there only if they want the same. An empty node has the roles that it was booted with.

    Attributes:
        dispatchers: share the CPUs that run processes out, one for each slot of the node.
        coprocessor: runs co-routines for the processes; None: there is no CPU for that.
    """

    __slots__ = (
        "_booted", "_failed", "_idle", "_kernel", "_policies", "_processes", "coprocessor",
        "dispatchers",
    )  # fmt: skip

    def __init__(
        self,
        kernel: QuintessentialKernel,
        processes: Mapping[int, SystemProcess],
        roles: Roles,
        policy: Asked,
        policies: Callable[[str], SchedulingPolicy] | None,
        failed: Callable[[Dispatcher, str], object],
    ) -> None:
        """Give the CPUs their *roles*, while there is no job.

        Args:
            processes: those of the node, by number, the process control thread included.
            policy: for jobs that bring none.
            policies: makes scheduling policies, by name, for jobs that bring theirs.
            failed: told what rule a policy has broken; see `Dispatcher`.
        """
        self._kernel = kernel
        self._processes = processes
        self._idle = roles
        self._booted = policy
        self._policies = policies
        self._failed = failed
        kernel.assign(roles)
        self._staff()

    def _staff(self) -> None:
        node = self._kernel.node
        helper = node.helper_cpu
        self.coprocessor = None if helper is None else Coprocessor(self._kernel, helper)
        self.dispatchers = tuple(
            Dispatcher(self._kernel, cpu, self._booted, self._failed)
            for cpu in node.application_cpus
        )

    # -- jobs that come and go -----------------------------------------------------------------

    def begin(self, job: Job) -> None:
        """Do as *job* wants, the first on the node.

        Raises:
            PolicyFault: its policy lacks an operation.
        """
        self._assign(job.roles)
        for slot, dispatcher in enumerate(self.dispatchers):
            dispatcher.begin(self._policy_of(job, slot))

    def check(self, job: Job) -> None:
        """Raise LoadError if *job* wants another mode than those that are there."""
        if self._kernel.roles != job.roles:
            raise LoadError(
                f"node {self._kernel.nid} has jobs of another CPU mode than {job.mode!r}"
            )

    def admit(self, slot: int) -> str | None:
        """Return why a slot of the node takes no more processes; None if it does.

        Raises:
            PolicyFault: the policy breaks its rules.
        """
        return self.dispatchers[slot].policy.admit(len(self._in_slot(slot)))

    def remove(self, process: Process) -> None:
        """Have nothing to do with *process* any more, which has ended."""
        self.dispatchers[process.slot].remove(process)
        if process.coroutines and self.coprocessor is not None:
            engine = self._kernel.engine
            engine.at(engine.now, self.coprocessor.abandon, process)

    def end(self) -> None:
        """Give the CPUs the roles that they have while there is no job."""
        self._assign(self._idle)

    def _policy_of(self, job: Job, slot: int) -> Asked:
        """Return the policy of a slot: each shares a CPU of its own out."""
        name = job.policy or (self._booted.name if slot else "")
        if not name or self._policies is None:
            return self._booted
        return Asked(self._policies(name), name, self._kernel.nid)

    def _assign(self, roles: Roles) -> None:
        if roles != self._kernel.roles:
            observer = self.dispatchers[0].observer
            self._kernel.assign(roles)
            self._staff()
            self.observe(observer)

    # -- sharing CPUs ----------------------------------------------------------------------------

    def observe(self, observer: DispatchObserver | None) -> None:
        """Have *observer* told of what processes do with the CPUs; None: nobody."""
        for dispatcher in self.dispatchers:
            dispatcher.observer = observer
        self.share()

    def share(self) -> None:
        """Have processes share a CPU if it has several, or one has something to share it with."""
        for slot, dispatcher in enumerate(self.dispatchers):
            processes = self._in_slot(slot)
            if len(processes) > 1 or dispatcher.minds_one:
                for process in processes:
                    dispatcher.add(process)

    def _in_slot(self, slot: int) -> list[Process]:
        """Return the processes of one slot: those that share a CPU."""
        return [
            process
            for process in self._processes.values()
            if isinstance(process, Process) and process.slot == slot
        ]
