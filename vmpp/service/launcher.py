"""yod: allocates nodes, loads a program on them through a tree, and collects what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import trio

from vmpp.engine import Streams
from vmpp.engine.bridge import Bridge
from vmpp.errors import VmppError
from vmpp.kernel import Job, QuintessentialKernel, Surroundings, SystemProcess
from vmpp.pct import CONTROL_PORTAL, Control, ControlMessage, send_control
from vmpp.portals import (
    AckOutcome,
    Address,
    DynamicBlock,
    Header,
    Heap,
    MemoryOperation,
    PortalEntry,
)
from vmpp.service.allocation import AllocationPolicy

TERMINATED: Final = 128 + 15
"""Exit status of a rank that was killed with its job."""

INTERRUPTED: Final = 128 + 2
"""Exit status of a job that the user interrupted."""

_HEAP_BYTES: Final = 1 << 30


class LaunchError(VmppError):
    """A job cannot be launched; the message says why and what would."""


class Loadable(Protocol):
    """What the launcher needs to know of a program."""

    image: bytes
    name: str


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of a launch.

    Attributes:
        name: allocation, load or run.
        virtual_ps: what it took in virtual time, picoseconds.
        host_s: what it took on the host, seconds.
        cpu_s: CPU time of the host's process, seconds.
    """

    name: str
    virtual_ps: int
    host_s: float
    cpu_s: float


class JobRecord:
    """What the launcher knows of one job.

    Attributes:
        job: the job.
        statuses: exit status by rank; None while it runs.
        status: the job's own: the highest of its ranks', or the one it was ended with.
        killed: status of a rank that is killed with the job.
        failure: what to tell the user, or None.
        phases: allocation, load and run, as they end.
        loaded: whether every node has reported that it is loaded, or cannot be.
        running: whether it has been started and has not ended.
        ending: whether it is being ended before its time.
        interrupted: whether the user has asked to end it; whatever else goes wrong then is no news.
        done: set when the last process is gone and the nodes are free again.
    """

    __slots__ = (
        "_mark", "_missing", "done", "ending", "failure", "interrupted", "job", "killed", "loaded",
        "phases", "running", "status", "statuses",
    )  # fmt: skip

    def __init__(self, job: Job) -> None:
        self.job = job
        self.statuses: list[int | None] = [None] * job.size
        self.status = 0
        self.killed = TERMINATED
        self.failure: str | None = None
        self.phases: list[Phase] = []
        self.loaded = False
        self.running = False
        self.ending = False
        self.interrupted = False
        self.done = trio.Event()
        self._missing = job.size
        self._mark = (0, 0.0, 0.0)

    def begin(self, now: int) -> None:
        """Begin a phase at virtual time *now*."""
        self._mark = (now, time.perf_counter(), time.process_time())

    def elapsed(self, now: int) -> int:
        """Return how long the phase under way has taken up to *now*."""
        return now - self._mark[0]

    def finish(self, name: str, now: int) -> None:
        """End the phase under way, calling it *name*, and begin the next."""
        virtual, host, cpu = self._mark
        self.begin(now)
        _, host_now, cpu_now = self._mark
        self.phases.append(Phase(name, now - virtual, host_now - host, cpu_now - cpu))

    def exited(self, rank: int, status: int) -> bool:
        """Note the status of *rank*; return whether it was the last."""
        if self.statuses[rank] is not None:
            return False
        if status < 0:
            status = self.killed
        elif not self.ending:
            self.status = max(self.status, status)
        self.statuses[rank] = status
        self._missing -= 1
        return not self._missing


class Launcher(SystemProcess):
    """The server that launches jobs, named after Cplant's and ASCI Red's ``yod``.

    Loading goes down a tree of process control threads: the program with its arguments first,
    then, when all have reported, the word to go. Each process's end is reported to the launcher
    directly.

    Attributes:
        records: the jobs that have not ended, by number.
    """

    __slots__ = (
        "_allocate", "_bridge", "_chunk", "_ended", "_free", "_heap", "_jobs", "_kernel", "_nodes",
        "_seed", "_service_time", "_started", "_surroundings", "records",
    )  # fmt: skip

    def __init__(
        self,
        kernel: QuintessentialKernel,
        pid: int,
        bridge: Bridge,
        nodes: Iterable[int],
        policy: AllocationPolicy,
        *,
        service_time: int,
        chunk: int,
        seed: int,
        surroundings: Callable[[Sequence[int]], Surroundings],
        started: Callable[[JobRecord], None],
        ended: Callable[[JobRecord], None],
    ) -> None:
        super().__init__(Address(kernel.nid, pid, -1, 0))
        self._kernel = kernel
        self._bridge = bridge
        self._free = sorted(nodes)
        self._nodes = frozenset(self._free)
        self._allocate = policy
        self._service_time = service_time
        self._chunk = chunk
        self._seed = seed
        self._surroundings = surroundings
        self._started = started
        self._ended = ended
        self._jobs = 0
        self._heap = Heap(_HEAP_BYTES)
        self.records: dict[int, JobRecord] = {}
        self.table.install(
            CONTROL_PORTAL,
            PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap), self._control),
        )

    # -- what sessions ask for -----------------------------------------------------------------

    def launch(self, program: Loadable, size: int) -> JobRecord:
        """Allocate *size* nodes and begin to load *program* on them.

        Raises:
            LaunchError: there are not as many nodes, or not as many free; or the policy has chosen
                what cannot be.
            ValueError: *size* is not positive.
        """
        if size < 1:
            raise ValueError(f"a job has at least one process, not {size}")
        engine = self._kernel.engine
        nodes = self._allocate.choose(tuple(self._free), size)
        if nodes is None:
            raise LaunchError(f"{size} nodes are asked for and {len(self._free)} are free")
        taken = set(nodes)
        if len(nodes) != size or len(taken) != size or not taken <= self._nodes:
            chosen = ", ".join(map(str, nodes))
            raise LaunchError(
                f"{type(self._allocate).__name__} chose the nodes {chosen} for {size} processes; "
                "name another allocator in the machine's file"
            )
        self._free = [node for node in self._free if node not in taken]
        self._jobs += 1
        job = Job(self._jobs, tuple(nodes), program, Streams(self._seed), self._surroundings(nodes))
        job.addresses.extend(Address(nid, job.id, rank, job.id) for rank, nid in enumerate(nodes))
        record = self.records[job.id] = JobRecord(job)
        record.begin(engine.now)
        engine.after(self._service_time, self._load, record)
        self._bridge.wake()
        return record

    def end(self, record: JobRecord, status: int, failure: str | None = None) -> None:
        """End a job with *status*: every process that still runs is killed."""
        if record.ending or record.done.is_set():
            return
        record.ending = True
        if record.interrupted:
            status, failure = INTERRUPTED, None
        record.status = status
        record.failure = failure
        # What is still being loaded is killed when it has been.
        if record.loaded:
            self._tell_root(record, Control.KILL)
        self._bridge.wake()

    def job(self, number: int) -> Job | None:
        """Return the job of that number, or None if it has ended."""
        record = self.records.get(number)
        return None if record is None else record.job

    # -- the protocol with the process control threads -----------------------------------------

    def _load(self, record: JobRecord) -> None:
        record.finish("allocation", self._kernel.engine.now)
        image = record.job.program.image
        last = max(0, len(image) - 1) // self._chunk * self._chunk
        for begin in range(0, last, self._chunk):
            self._tell_root(record, Control.DATA, image[begin : begin + self._chunk])
        self._tell_root(record, Control.LOAD, image[last:])

    def _tell_root(self, record: JobRecord, kind: Control, text: bytes = b"") -> None:
        self.clock = max(self.clock, self._kernel.engine.now)
        root = Address(record.job.nodes[0], 0, -1, 0)
        send_control(self._kernel, self, root, kind, record.job.id, 0, text=text)

    def _control(self, header: Header, outcome: int) -> None:
        """Take a report: the handler of the control portal."""
        if outcome == AckOutcome.DROPPED:
            return
        self._heap.messages.pop()
        self._heap.free(header)
        if header.source.group:
            # Only the system commands; what a program sends here is nobody's business.
            return
        message = ControlMessage.of(header)
        record = self.records.get(message.job)
        if record is not None:
            _REPORTS[message.kind](self, record, message)

    def _loaded(self, record: JobRecord, message: ControlMessage) -> None:
        record.finish("load", self._kernel.engine.now)
        record.loaded = True
        if record.ending:
            self._tell_root(record, Control.KILL)
            return
        record.running = True
        self._started(record)
        self._tell_root(record, Control.GO)

    def _load_failed(self, record: JobRecord, message: ControlMessage) -> None:
        record.finish("load", self._kernel.engine.now)
        record.loaded = True
        if record.ending:
            self._tell_root(record, Control.KILL)
        self.end(record, 1, f"rank {message.rank} cannot be loaded: {message.text.decode()}")

    def _exited(self, record: JobRecord, message: ControlMessage) -> None:
        if message.text:
            self.end(record, message.value, message.text.decode())
        if record.exited(message.rank, message.value):
            self._bury(record)

    def _aborted(self, record: JobRecord, message: ControlMessage) -> None:
        if not record.ending:
            record.killed = message.value & 0xFF
        self.end(record, message.value & 0xFF)

    def _bury(self, record: JobRecord) -> None:
        """Free the nodes of a job of which no process is left."""
        record.finish("run", self._kernel.engine.now)
        record.running = False
        del self.records[record.job.id]
        self._free = sorted({*self._free, *record.job.nodes})
        self._ended(record)
        record.done.set()


_REPORTS: Final[dict[Control, Callable[[Launcher, JobRecord, ControlMessage], None]]] = {
    Control.LOADED: Launcher._loaded,
    Control.LOAD_FAILED: Launcher._load_failed,
    Control.EXITED: Launcher._exited,
    Control.ABORT: Launcher._aborted,
}
