"""How things are on a machine: its jobs, its nodes, and where processes stand.

Looking costs no virtual time.
"""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from vmpp.hardware import Partition
from vmpp.kernel import Process, QuintessentialKernel
from vmpp.machine.report import Standing, standings
from vmpp.pct import ProcessControlThread
from vmpp.portals import Address
from vmpp.service.identity import Credentials
from vmpp.service.node_partitions import COMPUTE
from vmpp.service.record import JobRecord
from vmpp.service.status import (
    Activity,
    JobState,
    JobStatus,
    NodeState,
    NodeStatus,
    ProcessStatus,
)

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
        self._machine.launcher.signal(job, number, self.credentials(caller))

    def credentials(self, caller: int) -> Credentials | None:
        """Return whose session or job has a number; None for the system. Raises OSError(EPERM)."""
        if not caller:
            return None
        record = self._machine.launcher.records.get(caller)
        who = self.user(caller) if record is None else record.wishes.owner
        if who is None:
            raise OSError(errno.EPERM, "nobody is logged in here")
        return who

    def jobs_in(self, names: Iterable[str]) -> list[int]:
        """Return the numbers of the jobs that wait or run in the partitions of these names.

        One that has been put in none is in that of all compute nodes.
        """
        wanted = set(names)
        return [
            record.id
            for record in self._machine.launcher.known.values()
            if not record.over.is_set() and (record.wishes.partition or COMPUTE) in wanted
        ]

    def may_kill(self, user: Credentials, job: int) -> bool:
        """Return whether *user* may kill a job."""
        record = self._machine.launcher.known.get(job)
        return record is None or user.may_command(record.wishes.owner)

    def kill(self, job: int) -> None:
        """Kill a job, for the system."""
        with suppress(OSError):
            self._machine.launcher.signal(job, signal.SIGKILL)

    def set_priority(self, user: Credentials, job: int, priority: int) -> None:
        """Change how urgent a job is.

        Raises:
            OSError: as `Launcher.set_priority`; EPERM, too: only root may make one more urgent than
                usual, where there are other users.
        """
        if priority > 0 and not user.is_root and self._machine.installation is not None:
            raise OSError(errno.EPERM, f"only root may give a job priority {priority}")
        self._machine.launcher.set_priority(user, job, priority)

    # -- nodes ---------------------------------------------------------------------------------

    def nodes(self) -> list[NodeStatus]:
        """Return all nodes, by number."""
        servers: dict[int, list[str]] = {}
        for name, server in self._machine.services.servers.items():
            servers.setdefault(server.address.nid, []).append(name)
        seats: dict[int, list[tuple[int, Address]]] = {}
        for job, record in self._machine.launcher.known.items():
            for address in record.job.addresses:
                seats.setdefault(address.nid, []).append((job, address))
        return [
            self._compute_node(kernel, self._machine.threads[kernel.nid], seats.get(kernel.nid, ()))
            if kernel.nid in self._machine.threads
            else self._service_node(kernel, servers.get(kernel.nid, ()))
            for kernel in self._machine.kernels
        ]

    def _compute_node(
        self,
        kernel: QuintessentialKernel,
        thread: ProcessControlThread,
        seats: Sequence[tuple[int, Address]],
    ) -> NodeStatus:
        book = self._machine.launcher.book
        holders = book.holders.get(kernel.nid, ())
        sharers = tuple(job for job in holders if not book.kept(job))
        found = () if thread.dead else tuple(_processes(kernel, thread))
        computing = (each.job for each in found if each.activity is Activity.COMPUTE)
        job = next(computing, sharers[0] if sharers else 0)
        state = NodeState.FREE
        if kernel.nid in book.crashed:
            state = NodeState.DOWN
        elif found:
            state = NodeState.BUSY
        elif holders:
            state = NodeState.ALLOCATED
        there = {each.pid for each in found}
        does = Activity.NONE if thread.dead else Activity.IDLE
        empty = (
            _seat(holder, address, does)
            for holder, address in seats
            if holder in sharers and address.pid not in there
        )
        shown = tuple(sorted((*found, *empty), key=_by_rank))
        return self._node(
            kernel,
            Partition.COMPUTE,
            state,
            job=job,
            jobs=sharers,
            rank=min((each.rank for each in shown if each.job == job), default=-1),
            activity=_activity(kernel, thread, found),
            memory_used=0 if thread.dead else kernel.node.memory.used,
            processes=shown,
        )

    def _service_node(self, kernel: QuintessentialKernel, servers: Sequence[str]) -> NodeStatus:
        state = NodeState.BUSY if servers else NodeState.FREE
        io_server = self._machine.io.server_on(kernel.nid)
        if io_server is not None and io_server.crashed:
            return self._node(kernel, kernel.node.partition, NodeState.DOWN, activity=Activity.NONE)
        return self._node(
            kernel,
            kernel.node.partition,
            state,
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
        jobs: tuple[int, ...] = (),
        rank: int = -1,
        memory_used: int = 0,
        servers: tuple[str, ...] = (),
        processes: tuple[ProcessStatus, ...] = (),
    ) -> NodeStatus:
        return NodeStatus(
            number=kernel.nid,
            name=f"{self._machine.description.name}-n{kernel.nid:05d}",
            partition=partition.value,
            place=tuple(self._machine.topology.coordinates(kernel.nid)),
            state=state,
            job=job,
            jobs=jobs,
            rank=rank,
            activity=activity,
            memory=kernel.node.memory.size,
            memory_used=memory_used,
            servers=servers,
            processes=processes,
        )


def _works(kernel: QuintessentialKernel) -> Activity | None:
    """Return that the kernel works, if it does."""
    return Activity.KERNEL if kernel.free > kernel.engine.now else None


def _by_rank(process: ProcessStatus) -> tuple[int, int]:
    return process.job, process.rank


def _seat(job: int, address: Address, does: Activity) -> ProcessStatus:
    """Return what there is to tell of a process that is not there yet, or no more."""
    return ProcessStatus(job=job, rank=address.rank, pid=address.pid, activity=does, memory=0)


def _processes(
    kernel: QuintessentialKernel, thread: ProcessControlThread
) -> Iterator[ProcessStatus]:
    """Yield the processes of jobs on a node."""
    for pid, process in thread.processes.items():
        if isinstance(process, Process):
            memory = thread.memory_map.get(pid)
            yield ProcessStatus(
                job=process.job.id,
                rank=process.rank,
                pid=pid,
                activity=_does(process, kernel.engine.now),
                memory=0 if memory is None else memory.used,
            )


def _does(process: Process, now: int) -> Activity:
    """Return what a process does at time *now*."""
    if process.sharing is not None and process.sharing.keeps_waiting(process):
        return Activity.READY
    return Activity.COMPUTE if process.computes or process.clock > now else Activity.WAITING


def _activity(
    kernel: QuintessentialKernel, thread: ProcessControlThread, found: Sequence[ProcessStatus]
) -> Activity:
    if thread.dead:
        return Activity.NONE
    if kernel.free > kernel.engine.now:
        return Activity.KERNEL
    if not found:
        return Activity.IDLE
    computes = any(each.activity is Activity.COMPUTE for each in found)
    return Activity.COMPUTE if computes else Activity.WAITING
