"""How things are on a machine: its jobs, its nodes, and where processes stand.

Looking costs no virtual time.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from vmpp.hardware import Partition
from vmpp.kernel import Process, QuintessentialKernel
from vmpp.machine.report import Standing, standings
from vmpp.pct import ProcessControlThread
from vmpp.service.identity import Credentials
from vmpp.service.record import JobRecord
from vmpp.service.status import Activity, JobState, JobStatus, NodeState, NodeStatus

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine

PAST: Final = 1000
"""How many jobs that are over are remembered."""


class Overview:
    """Tells of a machine; also to the allocation server, for those who ask it.

    Attributes:
        user: tells whose session has a number.
    """

    __slots__ = ("_machine", "_past", "user")

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._past: dict[int, JobStatus] = {}
        self.user: Callable[[int], Credentials | None] = lambda number: None

    # -- jobs ----------------------------------------------------------------------------------

    def jobs(self, *, past: bool = False) -> list[JobStatus]:
        """Return the jobs that wait or run, by number; with *past* those too that are over."""
        found = [self._now(record) for record in self._machine.launcher.known.values()]
        now = [status for status in found if past or not status.state.ended]
        return sorted([*(self._past.values() if past else ()), *now], key=lambda each: each.id)

    def job(self, number: int) -> JobStatus | None:
        """Return what there is to tell of one job; None if nobody remembers it."""
        record = self._machine.launcher.known.get(number)
        return self._past.get(number) if record is None else self._now(record)

    def _now(self, record: JobRecord) -> JobStatus:
        status = self._machine.launcher.describe(record)
        if status.state is JobState.PENDING:
            reason = self._machine.allocation.reason(record.id)
            status = msgspec.structs.replace(status, reason=reason)
        return status

    def over(self, status: JobStatus) -> None:
        """Remember a job that is over."""
        self._past[status.id] = status
        if len(self._past) > PAST:
            del self._past[next(iter(self._past))]

    def where(self, record: JobRecord) -> list[Standing]:
        """Return where the processes of a job stand, those that stand alike together."""
        return standings(self._machine.processes(record))

    def signal(self, caller: int, job: int, number: int) -> None:
        """Send a signal to a job on behalf of a session, or of another job.

        Raises:
            OSError: as `Launcher.signal`.
        """
        self._machine.launcher.signal(job, number, self._credentials(caller))

    def _credentials(self, caller: int) -> Credentials | None:
        if not caller:
            return None
        record = self._machine.launcher.records.get(caller)
        who = self.user(caller) if record is None else record.wishes.owner
        if who is None:
            raise OSError(errno.EPERM, "nobody is logged in here")
        return who

    # -- nodes ---------------------------------------------------------------------------------

    def nodes(self) -> list[NodeStatus]:
        """Return all nodes, by number."""
        servers: dict[int, list[str]] = {}
        for name, server in self._machine.services.servers.items():
            servers.setdefault(server.address.nid, []).append(name)
        return [
            self._compute_node(kernel, self._machine.threads[kernel.nid])
            if kernel.nid in self._machine.threads
            else self._service_node(kernel, servers.get(kernel.nid, ()))
            for kernel in self._machine.kernels
        ]

    def _compute_node(
        self, kernel: QuintessentialKernel, thread: ProcessControlThread
    ) -> NodeStatus:
        book = self._machine.launcher.book
        job = book.holders.get(kernel.nid, 0)
        process = next((each for each in thread.processes.values() if _runs(each)), None)
        state = NodeState.FREE
        if kernel.nid in book.crashed:
            state = NodeState.DOWN
        elif process is not None:
            state = NodeState.BUSY
        elif job:
            state = NodeState.ALLOCATED
        return self._node(
            kernel,
            Partition.COMPUTE,
            state,
            job=job,
            rank=process.rank if isinstance(process, Process) else self._rank(job, kernel.nid),
            activity=_activity(kernel, thread, process),
            memory_used=0 if thread.dead else kernel.node.memory.used,
        )

    def _rank(self, job: int, node: int) -> int:
        record = self._machine.launcher.known.get(job)
        nodes = () if record is None else record.job.nodes
        return nodes.index(node) if node in nodes else -1

    def _service_node(self, kernel: QuintessentialKernel, servers: Sequence[str]) -> NodeStatus:
        return self._node(
            kernel,
            kernel.node.partition,
            NodeState.BUSY if servers else NodeState.FREE,
            activity=_works(kernel) or (Activity.WAITING if servers else Activity.IDLE),
            servers=tuple(servers),
        )

    def _node(
        self,
        kernel: QuintessentialKernel,
        partition: Partition,
        state: NodeState,
        *,
        activity: Activity,
        job: int = 0,
        rank: int = -1,
        memory_used: int = 0,
        servers: tuple[str, ...] = (),
    ) -> NodeStatus:
        return NodeStatus(
            number=kernel.nid,
            name=f"{self._machine.description.name}-n{kernel.nid:05d}",
            partition=partition.value,
            place=tuple(self._machine.topology.coordinates(kernel.nid)),
            state=state,
            job=job,
            rank=rank,
            activity=activity,
            memory=kernel.node.memory.size,
            memory_used=memory_used,
            servers=servers,
        )


def _runs(process: object) -> bool:
    return isinstance(process, Process)


def _works(kernel: QuintessentialKernel) -> Activity | None:
    """Return that the kernel works, if it does."""
    return Activity.KERNEL if kernel.free > kernel.engine.now else None


def _activity(
    kernel: QuintessentialKernel, thread: ProcessControlThread, process: object
) -> Activity:
    if thread.dead:
        return Activity.NONE
    if kernel.free > kernel.engine.now:
        return Activity.KERNEL
    if not isinstance(process, Process):
        return Activity.IDLE
    busy = kernel.node.application_cpu.busy or process.clock > kernel.engine.now
    return Activity.COMPUTE if busy else Activity.WAITING
