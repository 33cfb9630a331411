"""yod: allocates nodes, loads a program on them through a tree, and collects what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from struct import pack
from typing import Any, Final, Protocol

from vmpp.engine import Occasion, Streams
from vmpp.engine.bridge import Bridge
from vmpp.errors import VmppError
from vmpp.kernel import Job, QuintessentialKernel, Surroundings, SystemProcess
from vmpp.pct import CONTROL_PORTAL, Control, ControlMessage, children, send_control
from vmpp.portals import (
    AckOutcome,
    Address,
    DynamicBlock,
    Header,
    Heap,
    MemoryOperation,
    PortalEntry,
)
from vmpp.process.link import REQUEST_PORTAL
from vmpp.service.allocation import AllocationPolicy

TERMINATED: Final = 128 + 15
"""Exit status of a rank that was killed with its job."""

LOST: Final = 128 + 9
"""Exit status of a rank whose node crashed, and of the job that ends because of it."""

INTERRUPTED: Final = 128 + 2
"""Exit status of a job that the user interrupted."""

_HEAP_BYTES: Final = 1 << 30


class LaunchError(VmppError):
    """A job cannot be launched; the message says why and what would."""


class NodesBusyError(LaunchError):
    """Nodes are taken that a job needs; it may have them later."""


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
        keeps_going: whether it goes on without ranks whose nodes crash; they do not count for its
            status.
        lost: those ranks.
        interrupted: whether the user has asked to end it; whatever else goes wrong then is no news.
        origin: the job that it all began with, if this one was spawned; itself otherwise.
        family: of an origin: the jobs of which processes are left, itself and what was spawned.
        connected: numbers of the jobs whose processes may send to this job's, and get from them.
        on_loaded: told, of a spawned job, that it is loaded, or why it cannot be.
        done: set when the last process is gone and the nodes are free again: for an origin those
            of its whole family.
    """

    __slots__ = (
        "_mark", "_missing", "connected", "done", "ending", "failure", "family", "interrupted",
        "job", "keeps_going", "killed", "loaded", "lost", "on_loaded", "origin", "phases",
        "running", "status", "statuses",
    )  # fmt: skip

    def __init__(self, job: Job, origin: JobRecord | None = None) -> None:
        self.job = job
        self.origin = self if origin is None else origin
        self.family: list[JobRecord] = []
        self.origin.family.append(self)
        self.connected: set[int] = set()
        self.on_loaded: Callable[[JobRecord, str | None], object] | None = None
        self.statuses: list[int | None] = [None] * job.size
        self.status = 0
        self.killed = TERMINATED
        self.failure: str | None = None
        self.phases: list[Phase] = []
        self.loaded = False
        self.running = False
        self.ending = False
        self.keeps_going: bool = False if origin is None else origin.keeps_going
        self.lost: set[int] = set()
        self.interrupted = False
        self.done = Occasion()
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

    def loses(self, rank: int) -> bool:
        """Note that *rank* is lost; return whether it was the last."""
        self.lost.add(rank)
        if self.statuses[rank] is not None:
            return False
        self.statuses[rank] = LOST
        self._missing -= 1
        return not self._missing


class _Introduction:
    """Jobs being told of each other, and what is to be done when the last one knows.

    Attributes:
        told: the jobs that have not confirmed it, by number, with those that they are told of.
        missing: for each of them the ranks whose nodes are to confirm it: that of the root alone
            for what went down the tree.
        then: what is to be done.
    """

    __slots__ = ("missing", "then", "told")

    def __init__(self, told: dict[int, Sequence[int]], then: Callable[[], object]) -> None:
        self.told = told
        self.missing: dict[int, set[int]] = {}
        self.then = then


class Launcher(SystemProcess):
    """The server that launches jobs, named after Cplant's and ASCI Red's ``yod``.

    Loading goes down a tree of process control threads: the program with its arguments first,
    then, when all have reported, the word to go. Each process's end is reported to the launcher
    directly.

    Attributes:
        records: the jobs that have not ended, by number.
        on_exit: told of the end of a process, and whether it was its job's last one.
    """

    __slots__ = (
        "_allocate", "_boot", "_bridge", "_chunk", "_crashed", "_ended", "_fanout", "_free",
        "_heap", "_introductions", "_jobs", "_kernel", "_lost", "_next", "_nodes", "_reset",
        "_seed", "_service_time", "_spare", "_started", "_surroundings", "on_exit", "records",
    )  # fmt: skip

    def __init__(
        self,
        kernel: QuintessentialKernel,
        pid: int,
        bridge: Bridge,
        nodes: Iterable[int],
        spare: range,
        policy: AllocationPolicy,
        *,
        service_time: int,
        chunk: int,
        fanout: int,
        seed: int,
        boot: Callable[[Sequence[int]], object],
        surroundings: Callable[[Sequence[int]], Surroundings],
        started: Callable[[JobRecord], None],
        ended: Callable[[JobRecord], None],
        lost: Callable[[JobRecord, int], object] = lambda record, rank: None,
        reset: Callable[[int, Job], object] = lambda node, job: None,
    ) -> None:
        """Set the launcher up.

        Args:
            nodes: the numbers of those that jobs can have.
            spare: of those that can be booted for jobs that programs start, higher than all others.
            boot: boots some of these, the lowest first.
            surroundings: gives what a job on these nodes can know of its machine.
            started, ended: told of every job.
            lost: told of every rank whose node has crashed.
            reset: ends what a node still has of a job.
        """
        super().__init__(Address(kernel.nid, pid, -1, 0))
        self._kernel = kernel
        self._bridge = bridge
        self._free = sorted(nodes)
        self._nodes = set(self._free)
        self._allocate = policy
        self._service_time = service_time
        self._chunk = chunk
        self._fanout = fanout
        self._crashed: set[int] = set()
        self._seed = seed
        self._boot = boot
        self._spare = spare
        self._surroundings = surroundings
        self._started = started
        self._ended = ended
        self._lost = lost
        self._reset = reset
        self._jobs = 0
        self._next = 0
        self._introductions: dict[int, _Introduction] = {}
        self._heap = Heap(_HEAP_BYTES)
        self.records: dict[int, JobRecord] = {}
        self.on_exit: Callable[[bool], object] = lambda last: None
        self.table.install(
            CONTROL_PORTAL,
            PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap), self._control),
        )

    # -- what sessions ask for -----------------------------------------------------------------

    def launch(self, program: Loadable, size: int, *, keeps_going: bool = False) -> JobRecord:
        """Allocate *size* nodes and begin to load *program* on them.

        Args:
            program: what all ranks run.
            size: number of ranks.
            keeps_going: whether the job goes on without ranks whose nodes crash.

        Raises:
            LaunchError: there are not as many nodes, or not as many free; or the policy has chosen
                what cannot be.
            ValueError: *size* is not positive.
        """
        if size < 1:
            raise ValueError(f"a job has at least one process, not {size}")
        record = JobRecord(self._made([(program, size)], self._allocated(size, {})))
        record.keeps_going = keeps_going
        self._begin(record)
        self._bridge.wake()
        return record

    def spawn(
        self,
        spawner: JobRecord,
        parts: Sequence[tuple[Loadable, int]],
        hosts: Mapping[int, int],
        parcel: bytes,
        friends: Iterable[JobRecord],
        on_loaded: Callable[[JobRecord, str | None], object],
    ) -> JobRecord:
        """Allocate nodes and begin to load programs on them, as one more job of a family.

        Args:
            spawner: the job that asks for it.
            parts: the programs, each with the number of its ranks.
            hosts: the nodes that some ranks must have.
            parcel: what the job's processes find in `Job.parcel`.
            friends: jobs whose messages the new one gets from the start.
            on_loaded: told when the job is loaded, and waits for `go`; or why it is not, and then
                nothing is left of it.

        Raises:
            LaunchError: as for `launch`, or one of the *hosts* is taken.
        """
        size = sum(part[1] for part in parts)
        self._grow(size - len(self._free))
        nodes = self._allocated(size, hosts, len(self._spare))
        known = frozenset(friend.job.id for friend in friends)
        job = self._made(parts, nodes, parcel=parcel, friends=known)
        record = JobRecord(job, spawner.origin)
        record.connected.update(known)
        record.on_loaded = on_loaded
        self._begin(record)
        return record

    def _allocated(self, size: int, hosts: Mapping[int, int], more: int = 0) -> tuple[int, ...]:
        """Choose nodes by rank; those in *hosts* are given. Raises as `spawn`.

        Args:
            more: how many nodes could still have been booted.
        """
        pinned = set(hosts.values())
        if len(pinned) != len(hosts) or not pinned <= set(self._free):
            error = NodesBusyError if pinned <= self._nodes else LaunchError
            raise error("a node that is asked for by its name is taken, or not there")
        free = tuple(node for node in self._free if node not in pinned)
        wanted = size - len(hosts)
        nodes = self._allocate.choose(free, wanted) if wanted else ()
        if nodes is None:
            error = NodesBusyError if size <= len(self._nodes) + more else LaunchError
            raise error(f"nodes are lacking: {size} wanted, {len(self._free) + more} free")
        rest = iter(nodes)
        by_rank = tuple(hosts[rank] if rank in hosts else next(rest, -1) for rank in range(size))
        taken = set(by_rank)
        if len(nodes) != wanted or len(taken) != size or not taken <= self._nodes:
            chosen = ", ".join(map(str, nodes))
            raise LaunchError(
                f"{type(self._allocate).__name__} chose the nodes {chosen} for {wanted} processes; "
                "name another allocator in the machine's file"
            )
        self._free = [node for node in self._free if node not in taken]
        return by_rank

    def _grow(self, lacking: int) -> None:
        """Boot *lacking* nodes more, if there are so many."""
        if not 0 < lacking <= len(self._spare):
            return
        fresh, self._spare = self._spare[:lacking], self._spare[lacking:]
        self._boot(fresh)
        self._nodes.update(fresh)
        good = [node for node in fresh if node not in self._crashed]
        self._free.extend(good)
        self._grow(lacking - len(good))

    def _made(
        self, parts: Sequence[tuple[Loadable, int]], nodes: tuple[int, ...], **more: Any
    ) -> Job:
        self._jobs += 1
        job = Job(
            self._jobs,
            nodes,
            parts[0][0],
            Streams(self._seed),
            self._surroundings(nodes),
            parts=parts if len(parts) > 1 else (),
            **more,
        )
        job.addresses.extend(Address(nid, job.id, rank, job.id) for rank, nid in enumerate(nodes))
        return job

    def _begin(self, record: JobRecord) -> None:
        """Have a job loaded."""
        engine = self._kernel.engine
        self.records[record.job.id] = record
        record.begin(engine.now)
        engine.after(self._service_time, self._load, record)

    def end(self, record: JobRecord, status: int, failure: str | None = None) -> None:
        """End the family of a job with *status*: every process that still runs is killed."""
        origin = record.origin
        if origin.ending or origin.done.is_set():
            return
        if origin.interrupted:
            status, failure = INTERRUPTED, None
        if failure is not None and record is not origin:
            failure = f"in job {record.job.id}, which was spawned: {failure}"
        origin.status = status
        origin.failure = failure
        for each in origin.family:
            each.ending = True
            each.killed = record.killed
            # What is still being loaded is killed when it has been.
            if each.loaded:
                self._tell_root(each, Control.KILL)
        # It may have ended itself, when others of its family have not.
        origin.ending = True
        self._bridge.wake()

    def go(self, record: JobRecord) -> None:
        """Have a job that is loaded run."""
        if record.ending:
            return
        record.running = True
        self._started(record)
        self._tell_root(record, Control.GO)

    # -- connecting jobs -----------------------------------------------------------------------

    def related(self, record: JobRecord) -> set[int]:
        """Return the numbers of the jobs that are connected to *record*, be it through others."""
        found = {record.job.id}
        fresh = [record]
        while fresh:
            for number in sorted(fresh.pop().connected - found):
                found.add(number)
                if number in self.records:
                    fresh.append(self.records[number])
        return found

    def introduce(
        self, told: Mapping[JobRecord, Sequence[int]], then: Callable[[], object]
    ) -> None:
        """Let jobs get messages of other ones, and call *then* when all their kernels know.

        Args:
            told: the jobs, each with the numbers of those that it does not know yet.
        """
        self._next += 1
        number = self._next
        waiting = {record.job.id: others for record, others in told.items() if others}
        self._introductions[number] = _Introduction(waiting, then)
        for record, others in told.items():
            if others:
                self._admit(record, number)
        self._introduced(number)

    def _admit(self, record: JobRecord, number: int) -> None:
        """Tell a job of others: down the tree, or each node by itself if ranks are lost."""
        introduction = self._introductions[number]
        others = introduction.told[record.job.id]
        ranks = [rank for rank in range(record.job.size) if rank not in record.lost]
        if record.lost:
            number = -number
        else:
            ranks = ranks[:1]
        introduction.missing[record.job.id] = set(ranks)
        self._tell(record, ranks, Control.ADMIT, pack(f"<{len(others)}I", *others), number)

    def _introduced(self, number: int) -> None:
        """Go on if the last job has confirmed an introduction."""
        if not self._introductions[number].told:
            self._introductions.pop(number).then()

    @property
    def free(self) -> int:
        """How many nodes a job that a program starts could have now."""
        return len(self._free) + len(self._spare)

    def job(self, number: int) -> Job | None:
        """Return the job of that number, or None if it has ended."""
        record = self.records.get(number)
        return None if record is None else record.job

    # -- the protocol with the process control threads -----------------------------------------

    def _load(self, record: JobRecord) -> None:
        record.finish("allocation", self._kernel.engine.now)
        job = record.job
        image = b"".join([*(program.image for program in job.programs), job.parcel])
        last = max(0, len(image) - 1) // self._chunk * self._chunk
        for begin in range(0, last, self._chunk):
            self._tell_root(record, Control.DATA, image[begin : begin + self._chunk])
        self._tell_root(record, Control.LOAD, image[last:])

    def _tell_root(
        self, record: JobRecord, kind: Control, text: bytes = b"", value: int = 0
    ) -> None:
        """Send a message down the tree, by its root and by those whom lost ranks have cut off."""
        heads = [] if 0 in record.lost else [0]
        for rank in sorted(record.lost):
            heads += self._below(record, rank)
        self._tell(record, heads, kind, text, value)

    def _below(self, record: JobRecord, rank: int) -> list[int]:
        """Return who is right below *rank* in the tree and not lost."""
        below = children(rank, self._fanout, record.job.size)
        return [other for other in below if other not in record.lost]

    def _tell(
        self,
        record: JobRecord,
        ranks: Iterable[int],
        kind: Control,
        text: bytes = b"",
        value: int = 0,
    ) -> None:
        self.clock = max(self.clock, self._kernel.engine.now)
        for rank in ranks:
            target = Address(record.job.nodes[rank], 0, -1, 0)
            send_control(self._kernel, self, target, kind, record.job.id, rank, value, text)

    def tell(self, server: Address, request: bytes) -> None:
        """Send a server a request whose answer nobody waits for."""
        self.clock = max(self.clock, self._kernel.engine.now)
        self._kernel.send(self, server, REQUEST_PORTAL, 0, request, len(request))

    # -- crashes -------------------------------------------------------------------------------

    def lose(self, nid: int) -> None:
        """Take note that a node has crashed, once that has been detected."""
        self._crashed.add(nid)
        self._free = [node for node in self._free if node != nid]
        for record in list(self.records.values()):
            for rank, node in enumerate(record.job.nodes):
                if node == nid:
                    self._lose(record, rank)

    def _lose(self, record: JobRecord, rank: int) -> None:
        """End a job that has lost a rank, or let it go on and tell the others."""
        known = record.statuses[rank] is not None
        if not known:
            self._lost(record, rank)
        last = record.loses(rank)
        # What was on its way through the lost node has not come to those below.
        below = self._below(record, rank)
        if record.ending:
            self._tell(record, below, Control.KILL)
        elif not record.loaded:
            self._lose_while_loading(record, rank)
        elif record.running and record.keeps_going:
            self._tell(record, below, Control.GO)
            for other in sorted(record.lost - {rank}):
                self._tell(record, below, Control.LOST, value=other)
        if not known and record.loaded and not record.ending:
            if record.keeps_going:
                self._tell_root(record, Control.LOST, value=rank)
                self._tell_connected(record, rank)
            else:
                self.end(record, LOST, _words(record, rank))
        if last:
            if len(record.lost) == record.job.size and not record.ending:
                record.status = LOST
                record.failure = "all ranks are lost: their nodes crashed"
            self._bury(record)
            return
        for number, introduction in list(self._introductions.items()):
            if record.job.id in introduction.told:
                # What was on its way through the lost node has not come to those below.
                self._admit(record, number)

    def forsake(self, record: JobRecord, reason: str) -> None:
        """Take back the nodes of a job of which nothing is heard any more, for messages were lost.

        Called from an event, when nothing else happens; whatever is left of the job is ended by
        resetting its nodes. *reason* is what becomes the job's failure, unless it has one.
        """
        if self.records.get(record.job.id) is not record:
            return
        origin = record.origin
        if not record.loaded:
            record.finish("load", self._kernel.engine.now)
            record.loaded = True
            if record.on_loaded is not None and not record.ending:
                record.ending = True
                record.on_loaded(record, reason)
        if not origin.ending and record is origin:
            origin.ending = True
            origin.status = origin.status or 1
            origin.failure = origin.failure or reason
        for rank, node in enumerate(record.job.nodes):
            self._reset(node, record.job)
            record.exited(rank, -1)
        self._bury(record)

    def _tell_connected(self, record: JobRecord, rank: int) -> None:
        """Tell the jobs that are connected to one of a rank that it has lost."""
        number = pack("<I", record.job.id)
        for other in sorted(record.connected):
            found = self.records.get(other)
            if found is not None and found.running and not found.ending:
                self._tell_root(found, Control.LOST, number, rank)

    def _lose_while_loading(self, record: JobRecord, rank: int) -> None:
        """End a job of which a node crashes before all have reported that they are loaded."""
        record.finish("load", self._kernel.engine.now)
        record.loaded = True
        if record.on_loaded is None:
            self.end(record, LOST, _words(record, rank))
        else:
            record.ending = True
            self._tell_root(record, Control.KILL)
            record.on_loaded(record, _words(record, rank))

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
        elif record.on_loaded is None:
            self.go(record)
        else:
            record.on_loaded(record, None)

    def _load_failed(self, record: JobRecord, message: ControlMessage) -> None:
        record.finish("load", self._kernel.engine.now)
        record.loaded = True
        reason = f"rank {message.rank} cannot be loaded: {message.text.decode()}"
        if record.ending:
            self._tell_root(record, Control.KILL)
        elif record.on_loaded is None:
            self.end(record, 1, reason)
        else:
            record.ending = True
            self._tell_root(record, Control.KILL)
            record.on_loaded(record, reason)

    def _exited(self, record: JobRecord, message: ControlMessage) -> None:
        if message.text:
            self.end(record, message.value, message.text.decode())
        last = record.exited(message.rank, message.value)
        if last:
            self._bury(record)
        self.on_exit(last)

    def _aborted(self, record: JobRecord, message: ControlMessage) -> None:
        if not record.ending:
            record.killed = message.value & 0xFF
        self.end(record, message.value & 0xFF)

    def _admitted(self, record: JobRecord, message: ControlMessage) -> None:
        number = abs(message.value)
        introduction = self._introductions.get(number)
        missing = None if introduction is None else introduction.missing.get(record.job.id)
        if introduction is None or missing is None:
            return
        missing.discard(message.rank)
        if not missing:
            del introduction.missing[record.job.id]
            record.connected.update(introduction.told.pop(record.job.id))
            self._introduced(number)

    def _bury(self, record: JobRecord) -> None:
        """Free the nodes of a job of which no process is left."""
        record.running = False
        del self.records[record.job.id]
        self._free = sorted({*self._free, *record.job.nodes} - self._crashed)
        for number, introduction in list(self._introductions.items()):
            if introduction.told.pop(record.job.id, None) is not None:
                self._introduced(number)
        origin = record.origin
        origin.family.remove(record)
        if record is not origin:
            if not origin.ending and not record.ending:
                origin.status = max(origin.status, record.status)
            self._close(record)
        if not origin.family:
            self._close(origin)

    def _close(self, record: JobRecord) -> None:
        """Say that a job has ended; an origin has when all of its family have."""
        record.finish("run", self._kernel.engine.now)
        self._ended(record)
        record.done.set()


def _words(record: JobRecord, rank: int) -> str:
    job = record.job
    return f"rank {rank} is lost: node {job.nodes[rank]} ({job.node_name(rank)}) crashed"


_REPORTS: Final[dict[Control, Callable[[Launcher, JobRecord, ControlMessage], None]]] = {
    Control.LOADED: Launcher._loaded,
    Control.LOAD_FAILED: Launcher._load_failed,
    Control.EXITED: Launcher._exited,
    Control.ABORT: Launcher._aborted,
    Control.ADMITTED: Launcher._admitted,
}
