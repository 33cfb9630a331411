"""yod: loads the program of a job on its nodes through a tree, and collects what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from signal import SIGKILL, SIGTERM
from typing import TYPE_CHECKING, Final

from vmpp.engine import SECOND
from vmpp.kernel import QuintessentialKernel, SystemProcess
from vmpp.pct import CONTROL_PORTAL, Control, ControlMessage, below, send_control
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
from vmpp.service.record import LOST, JobRecord

if TYPE_CHECKING:
    from vmpp.service.launcher import Launcher

_HEAP_BYTES: Final = 1 << 30

GRACE: Final = 30 * SECOND
"""Virtual time that a job has left after SIGTERM when its time is over: Slurm's KillWait, ps."""


class Yod(SystemProcess):
    """The launcher of one job, named after Cplant's and ASCI Red's ``yod``.

    Loading goes down a tree of process control threads: the program first, then, when all have
    reported, the word to go. Each process's end is reported to `yod` directly. Nodes that have
    crashed are cut out: those right below them are spoken to directly.

    Attributes:
        record: its job.
    """

    __slots__ = ("_heap", "_kernel", "_launcher", "record")

    def __init__(
        self, kernel: QuintessentialKernel, pid: int, launcher: Launcher, record: JobRecord
    ) -> None:
        super().__init__(Address(kernel.nid, pid, -1, 0))
        self.record = record
        self._kernel = kernel
        self._launcher = launcher
        self._heap = Heap(_HEAP_BYTES)
        self.table.install(
            CONTROL_PORTAL,
            PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap), self._control),
        )

    # -- down the tree -------------------------------------------------------------------------

    def load(self) -> None:
        """Send the program to the nodes that the job has got."""
        record, now = self.record, self._kernel.engine.now
        if record.gone.is_set() or record.loaded:
            # Nodes have crashed before it came to this.
            return
        record.finish("allocation", now)
        record.passes("allocate nodes", now)
        if record.ending:
            self._launcher.bury(record)
            return
        job, chunk = record.job, self._launcher.chunk
        image = b"".join([*(program.image for program in job.programs), job.parcel])
        last = max(0, len(image) - 1) // chunk * chunk
        for begin in range(0, last, chunk):
            self.tell_root(Control.DATA, image[begin : begin + chunk])
        self.tell_root(Control.LOAD, image[last:])
        self._kernel.engine.at(self.clock, self._sent)

    def _sent(self, _: object) -> None:
        self.record.passes("executable sent to compute partition", self._kernel.engine.now)

    def go(self) -> None:
        """Have a job that is loaded run."""
        record = self.record
        if record.ending:
            return
        record.running = True
        record.start = self._kernel.engine.now
        self._launcher.started(record)
        self.tell_root(Control.GO)
        self._kernel.engine.at(self.clock, self._going)
        self._limit()

    def _limit(self) -> None:
        """Have the job end when it has run for as long as it may."""
        limit = self.record.wishes.limit
        if limit is not None and self.record is self.record.origin:
            self._call_at(self._kernel.engine.now + limit, SIGTERM)

    def _call_at(self, when: int, signal: int) -> None:
        engine = self._kernel.engine
        engine.at(when, self._time_is_over, signal)
        # A job that ends before its time leaves nothing for virtual time to go to.
        self.record.over.then(lambda _: engine.cancel(when, self._time_is_over, signal))

    def _time_is_over(self, signal: int) -> None:
        record = self.record
        if record.over.is_set() or record.ending:
            return
        if not record.timed_out:
            record.timed_out = True
            record.failure = record.failure or f"the time limit of job {record.id} is over"
            self._call_at(self._kernel.engine.now + GRACE, SIGKILL)
        if record.gone.is_set():
            # What it has spawned is left.
            self._launcher.terminate(record, signal)
        else:
            self._launcher.signal(record.id, signal)

    def _going(self, _: object) -> None:
        self.record.passes("apps ready", self._kernel.engine.now)

    def kill(self) -> None:
        """End every process of the job that is left."""
        self.tell_root(Control.KILL)

    def tell_root(self, kind: Control, text: bytes = b"", value: int = 0) -> None:
        """Send a message down the tree."""
        self.tell_ranks(self.heads(), kind, text, value)

    def heads(self) -> list[int]:
        """Return to whom a message down the tree goes: its root, and whom lost ranks cut off."""
        lost = self.record.lost
        heads = [] if 0 in lost else [0]
        for rank in sorted(lost):
            heads += self._below(rank)
        return heads

    def _below(self, rank: int) -> list[int]:
        """Return who stand for the nodes right below that of *rank*, and are not lost.

        Those of one node have the same below them, whom one of them is enough to reach.
        """
        job, lost = self.record.job, self.record.lost
        if rank != job.leader(rank):
            return []
        return [other for other in below(job, rank, self._launcher.fanout) if other not in lost]

    def tell_ranks(
        self, ranks: Iterable[int], kind: Control, text: bytes = b"", value: int = 0
    ) -> None:
        """Send a message to the nodes of *ranks*, which pass it on."""
        self.clock = max(self.clock, self._kernel.engine.now)
        job = self.record.job
        for rank in ranks:
            target = Address(job.nodes[rank], 0, -1, 0)
            send_control(self._kernel, self, target, kind, job.id, rank, value, text)

    def tell(self, server: Address, request: bytes) -> None:
        """Send a server a request whose answer nobody waits for."""
        self.clock = max(self.clock, self._kernel.engine.now)
        self._kernel.send(self, server, REQUEST_PORTAL, 0, request, len(request))

    # -- losses --------------------------------------------------------------------------------

    def lose(self, rank: int) -> None:
        """End the job, which has lost a rank, or let it go on and tell the others."""
        record = self.record
        known = record.statuses[rank] is not None
        if not known:
            self._launcher.lost(record, rank)
        last = record.loses(rank, self._kernel.engine.now)
        # What was on its way through the lost node has not come to those below.
        lower = self._below(rank)
        if record.ending:
            self.tell_ranks(lower, Control.KILL)
        elif not record.loaded:
            self._not_loaded(_words(record, rank), LOST)
        elif record.running and record.keeps_going:
            self.tell_ranks(lower, Control.GO)
            for other in sorted(record.lost - {rank}):
                self.tell_ranks(lower, Control.LOST, value=other)
        if not known and record.loaded and not record.ending:
            if record.keeps_going:
                self.tell_root(Control.LOST, value=rank)
                self._launcher.tell_connected(record, rank)
            else:
                self._launcher.end(record, LOST, _words(record, rank))
        if last:
            if len(record.lost) == record.size and not record.ending:
                record.status = LOST
                record.failure = "all ranks are lost: their nodes crashed"
            self._launcher.bury(record)
        else:
            self._launcher.introductions.repeat(record)
        self._launcher.on_exit()

    # -- reports -------------------------------------------------------------------------------

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
        if message.job == self.record.id and not self.record.gone.is_set():
            _REPORTS[message.kind](self, message)

    def _loaded(self, message: ControlMessage) -> None:
        record, now = self.record, self._kernel.engine.now
        record.finish("load", now)
        record.passes("compute partition synchronised", now)
        record.loaded = True
        if record.ending:
            self.kill()
        elif record.on_loaded is None:
            self.go()
        else:
            record.on_loaded(record, None)

    def _load_failed(self, message: ControlMessage) -> None:
        reason = f"rank {message.rank} cannot be loaded: {message.text.decode()}"
        self._not_loaded(reason, 1)

    def _not_loaded(self, reason: str, status: int) -> None:
        """End a job that cannot be loaded on all of its nodes."""
        record = self.record
        record.finish("load", self._kernel.engine.now)
        record.loaded = True
        if record.ending:
            self.kill()
        elif record.on_loaded is None:
            self._launcher.end(record, status, reason)
        else:
            record.ending = True
            self.kill()
            record.on_loaded(record, reason)

    def _exited(self, message: ControlMessage) -> None:
        record = self.record
        if message.text:
            self._launcher.fails(record, message.rank, message.value, message.text.decode())
        last = record.exited(message.rank, message.value, self._kernel.engine.now)
        if last:
            self._launcher.bury(record)
        self._launcher.on_exit()

    def _aborted(self, message: ControlMessage) -> None:
        record = self.record
        if not record.ending:
            record.killed = message.value & 0xFF
        self._launcher.end(record, message.value & 0xFF)

    def _admitted(self, message: ControlMessage) -> None:
        self._launcher.introductions.confirm(self.record, message.rank, abs(message.value))


def _words(record: JobRecord, rank: int) -> str:
    job, node = record.job, record.job.nodes[rank]
    lost = [str(other) for other, own in enumerate(job.nodes) if own == node]
    ranks = f"ranks {' and '.join(lost)} are" if len(lost) > 1 else f"rank {rank} is"
    return f"{ranks} lost: node {node} ({job.node_name(rank)}) crashed"


_REPORTS: Final[dict[Control, Callable[[Yod, ControlMessage], None]]] = {
    Control.LOADED: Yod._loaded,
    Control.LOAD_FAILED: Yod._load_failed,
    Control.EXITED: Yod._exited,
    Control.ABORT: Yod._aborted,
    Control.ADMITTED: Yod._admitted,
}
