"""The process control thread of a node: the operating system's behaviour, as mechanism."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct
from typing import TYPE_CHECKING, Final

from vmpp.hardware import OutOfMemory
from vmpp.kernel import (
    SHARED_CPU,
    Job,
    Process,
    ProcessKilled,
    QuintessentialKernel,
    Roles,
    SystemProcess,
)
from vmpp.kernel.memory import ProcessMemory
from vmpp.pct.asking import Asked, PolicyFault
from vmpp.pct.control import CONTROL_PORTAL, LOST_PORTAL, Control, ControlMessage, send_control
from vmpp.pct.cpus import NodeCpus
from vmpp.pct.dispatcher import Dispatcher
from vmpp.pct.loading import Loader, LoadError, Outcome, above, below
from vmpp.pct.observing import DispatchObserver
from vmpp.pct.strobes import NO_COSTS, StrobeCosts, Strobes
from vmpp.portals import (
    AckOutcome,
    Address,
    DynamicBlock,
    Header,
    Heap,
    MemoryOperation,
    PortalEntry,
)

if TYPE_CHECKING:
    from vmpp.pct.observing import DispatchObserver
    from vmpp.pct.scheduling import SchedulingPolicy

_HEAP_BYTES = 64 << 20
"""Space for control messages; a program's image is the largest of them."""

POLICY_FAULT: Final = 70
"""Exit status of processes whose scheduling policy is at fault: EX_SOFTWARE of sysexits."""

_NUMBER: Final = Struct("<I")


class _Load:
    """A job that is being loaded on a node: who has not reported yet."""

    __slots__ = ("failure", "missing", "processes", "rank")

    def __init__(self, rank: int, missing: int) -> None:
        self.rank = rank
        self.missing = missing
        self.processes: list[Process] = []
        self.failure: tuple[int, bytes] | None = None


class _Admission:
    """Jobs being admitted to the processes of a job: from whom below there is no word yet."""

    __slots__ = ("missing", "rank")

    def __init__(self, rank: int, missing: int) -> None:
        self.rank = rank
        self.missing = missing


class ProcessControlThread(SystemProcess):
    """Loads, schedules and ends the processes of one node, and tells the launcher.

    Control messages come through a portal like everything else. A process that has its node to
    itself is run by the kernel as soon as it can run; several share the CPU, as the policy says.

    Attributes:
        kernel: the kernel of the node.
        processes: every process of the node by number; its own is 0. The kernel's table.
        memory_map: what processes hold of the node's memory, by process number.
        job_of: how a job's number becomes the job, as the launcher described it; None once it has
            ended.
    """

    __slots__ = (
        "_admissions",
        "_cpus",
        "_fanout",
        "_heap",
        "_loader",
        "_loads",
        "_outcomes",
        "_start_time",
        "_strobes",
        "job_of",
        "kernel",
        "memory_map",
        "processes",
    )  # fmt: skip

    def __init__(
        self,
        kernel: QuintessentialKernel,
        policy: SchedulingPolicy,
        loader: Loader,
        job_of: Callable[[int], Job | None],
        *,
        fanout: int,
        start_time: int,
        policies: Callable[[str], SchedulingPolicy] | None = None,
        policy_name: str = "",
        roles: Roles = SHARED_CPU,
        strobes: StrobeCosts = NO_COSTS,
    ) -> None:
        """Boot the process control thread of the node of *kernel*.

        Args:
            policy: for jobs that bring none.
            fanout: children of a node in the tree by which jobs are loaded.
            start_time: what it takes to make a process, in picoseconds.
            policies: makes scheduling policies, by name, for jobs that bring theirs.
            policy_name: what *policy* was chosen by.
            roles: what the CPUs are for while no job is here.
            strobes: what they cost.
        """
        super().__init__(Address(kernel.nid, 0, -1, 0))
        self.kernel = kernel
        self.processes: dict[int, SystemProcess] = {0: self}
        self.memory_map: dict[int, ProcessMemory] = {}
        self.job_of = job_of
        self._strobes = Strobes(self, strobes)
        self._loader = loader
        self._fanout = fanout
        self._start_time = start_time
        # How processes end that are killed for a reason.
        self._outcomes: dict[int, Outcome] = {}
        self._loads: dict[int, _Load] = {}
        self._admissions: dict[tuple[int, int], _Admission] = {}
        self._heap = Heap(_HEAP_BYTES)
        asked = Asked(policy, policy_name, kernel.nid)
        self._cpus = NodeCpus(kernel, self.processes, roles, asked, policies, self._end_all)
        kernel.processes = self.processes
        kernel.abort_job = self.abort
        self.table.install(
            CONTROL_PORTAL,
            PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap), self._control),
        )

    # -- loading -------------------------------------------------------------------------------

    def _control(self, header: Header, outcome: int) -> None:
        """Do what a control message says: the handler of the control portal."""
        dropped = outcome == AckOutcome.DROPPED
        if not dropped:
            self._heap.messages.pop()
            self._heap.free(header)
        if header.source.group:
            # Anybody may send here; what a job's process says is nobody's command.
            return
        if dropped:
            raise RuntimeError(f"the PCT of node {self.kernel.nid} dropped {header!r}")
        if header.bits == Control.STROBE:
            self._strobes.take(header)
            return
        message = ControlMessage.of(header)
        job = self.job_of(message.job)
        # The last process of a job may have ended while the word to end it was on its way.
        if job is not None:
            _ACTIONS[message.kind](self, message, job)

    def _data(self, message: ControlMessage, job: Job) -> None:
        """Pass a piece of a program's image on."""
        self._pass_on(message, job)

    def _load(self, message: ControlMessage, job: Job) -> None:
        """Pass the program on, make the processes, and report when all below have."""
        rank = message.rank
        lower = below(job, rank, self._fanout)
        load = self._loads[job.id] = _Load(rank, len(lower) + 1)
        self._pass_on(message, job)
        for own in job.neighbours(rank):
            self.clock += self._start_time
            # The time is taken from whoever computes there already.
            self.kernel.node.kernel_cpu.interrupt(self._start_time)
            try:
                load.processes.append(self.load(job, own))
            except LoadError as error:
                load.failure = load.failure or (own, str(error).encode())
        self._report(job, load)

    def load(self, job: Job, rank: int) -> Process:
        """Make the process of *rank*, in memory of its own, without starting it.

        Raises:
            LoadError: the policy takes no more processes, the jobs that are here have another CPU
                mode, or memory is short.
        """
        try:
            self._take(job)
            refusal = self._cpus.admit(job.slot(rank))
        except PolicyFault as fault:
            raise LoadError(str(fault)) from None
        if refusal is not None:
            raise LoadError(f"node {self.kernel.nid} takes no more processes: {refusal}")
        address = job.addresses[rank]
        process = Process(self.kernel, job, address)
        process.admitted = job.friends
        process.coprocessor = self._cpus.coprocessor
        if job.roles.ranks > 1:
            others = self._processes_of(job)
            process.shared = others[0].shared if others else {}
        self._take_memory(process)
        self.processes[address.pid] = process
        self._strobes.joined()
        self._cpus.share()
        try:
            self._loader.prepare(process)
        except LoadError:
            self._forget(process)
            raise
        return process

    def _take_memory(self, process: Process) -> None:
        """Take what a process needs out of its part of the node's memory. Raises LoadError."""
        memory = process.memory
        memory.parts = process.job.roles.ranks
        try:
            memory.allocate(self._loader.memory(process))
        except OutOfMemory as error:
            raise LoadError(f"node {self.kernel.nid} is out of memory: {error}") from None
        self.memory_map[process.pid] = memory

    def _take(self, job: Job) -> None:
        """Have the CPU mode and the policy that *job* wants, unless others are here already.

        Raises:
            LoadError: those have another mode.
            PolicyFault: the policy lacks an operation.
        """
        if len(self.processes) > 1:
            self._cpus.check(job)
        else:
            self._strobes.forget()
            self._cpus.begin(job)

    def _loaded(self, message: ControlMessage, job: Job) -> None:
        """Count a report from below, good or bad."""
        load = self._loads.get(message.job)
        if load is None:
            return
        if message.kind is Control.LOAD_FAILED and load.failure is None:
            load.failure = (message.rank, message.text)
        self._report(job, load)

    def _report(self, job: Job, load: _Load) -> None:
        """Report to the rank above once everything below and this node are done."""
        load.missing -= 1
        if load.missing:
            return
        target = self._above(job, load.rank)
        kind, rank, text = Control.LOADED, load.rank, b""
        if load.failure is not None:
            kind, (rank, text) = Control.LOAD_FAILED, load.failure
        self._tell(target, kind, job, rank, text=text)

    def _above(self, job: Job, rank: int) -> Address | None:
        """Return whom the node of *rank* reports to: the next in the tree, or the launcher."""
        next_up = above(job, rank, self._fanout)
        return job.launcher if next_up < 0 else Address(job.nodes[next_up], 0, -1, 0)

    def _tell(
        self,
        target: Address | None,
        kind: Control,
        job: Job,
        rank: int,
        value: int = 0,
        text: bytes = b"",
    ) -> None:
        """Send a control message about *job* to *target*, if there is one."""
        if target is not None:
            send_control(self.kernel, self, target, kind, job.id, rank, value, text)

    def _pass_on(self, message: ControlMessage, job: Job) -> None:
        """Send a message down the tree."""
        for rank, target in self.below(job, message.rank):
            send_control(
                self.kernel, self, target, message.kind, job.id, rank, message.value, message.text
            )

    def below(self, job: Job, rank: int) -> Iterator[tuple[int, Address]]:
        """Yield the ranks right below *rank* in the tree of *job*, and where their threads are."""
        for other in below(job, rank, self._fanout):
            yield other, Address(job.nodes[other], 0, -1, 0)

    # -- admitting other jobs ------------------------------------------------------------------

    def _admit(self, message: ControlMessage, job: Job) -> None:
        """Let the processes of other jobs send to those of *job*, and report when all below do.

        A negative number says that this node alone is told, and reports to the launcher itself.
        """
        alone = message.value < 0
        lower = [] if alone else below(job, message.rank, self._fanout)
        self._admissions[job.id, message.value] = _Admission(message.rank, len(lower) + 1)
        if not alone:
            self._pass_on(message, job)
        new = {number for (number,) in _NUMBER.iter_unpack(message.text)}
        for process in self._processes_of(job):
            process.admitted |= new
        self._admitted(message, job)

    def _admitted(self, message: ControlMessage, job: Job) -> None:
        """Count a report from below; report to the rank above once all are there."""
        key = job.id, message.value
        admission = self._admissions.get(key)
        if admission is None:
            return
        admission.missing -= 1
        if not admission.missing:
            del self._admissions[key]
            rank = admission.rank
            target = job.launcher if message.value < 0 else self._above(job, rank)
            self._tell(target, Control.ADMITTED, job, rank, message.value)

    # -- running and ending --------------------------------------------------------------------

    def _go(self, message: ControlMessage, job: Job) -> None:
        """Pass the word on and start the processes."""
        self._pass_on(message, job)
        load = self._loads.pop(message.job, None)
        for process in () if load is None else load.processes:
            process.clock = self.clock
            self.kernel.engine.at(self.clock, self._start, process)

    def _start(self, process: Process) -> None:
        if not process.dead:
            process.start(lambda: self._main(process))

    def _main(self, process: Process) -> None:
        """Run a process from its first instruction to its end: the body of its fiber."""
        try:
            outcome = self._loader.main(process)
        except ProcessKilled:
            outcome = None
        self._ended(process, outcome)

    def _ended(self, process: Process, outcome: Outcome | None) -> None:
        """Bury a process and tell the launcher; *outcome* is None if it was killed."""
        if process.dead:
            return
        process.dead = True
        outcome = self._outcomes.pop(process.pid, outcome)
        fibers = process.fibers or process.resting
        if fibers is not None:
            self.kernel.engine.at(self.kernel.engine.now, fibers.kill)
        self._forget(process)
        self.clock = max(self.clock, process.clock)
        self._tell_exit(process.job, process.rank, outcome)

    def _tell_exit(self, job: Job, rank: int, outcome: Outcome | None) -> None:
        status, failure = (-1, None) if outcome is None else (outcome.status, outcome.failure)
        text = (failure or "").encode()
        self._tell(job.launcher, Control.EXITED, job, rank, status, text)

    def _forget(self, process: Process) -> None:
        pid = process.address.pid
        if self.processes.pop(pid, None) is not None:
            self._account(process)
        self.memory_map.pop(pid, None)
        process.memory.free_all()
        self._cpus.remove(process)
        self._strobes.left(process)
        if len(self.processes) == 1:
            self._cpus.end()
        self._loader.discard(process)

    def _account(self, process: Process) -> None:
        """Keep what a process that is no more has sent: with its job, and for the node."""
        job, kernel = process.job, self.kernel
        job.messages += process.messages
        job.bytes += process.bytes
        job.calls += process.calls
        kernel.own_messages += process.messages
        kernel.own_bytes += process.bytes

    def _kill(self, message: ControlMessage, job: Job) -> None:
        """Pass the word on and end every process of the job."""
        self._pass_on(message, job)
        self._loads.pop(job.id, None)
        own = self._processes_of(job)
        for process in own:
            self.kill(process)
        found = {process.rank for process in own}
        for rank in job.neighbours(message.rank):
            if rank not in found:
                # It could not be loaded, or never was: a node above in the tree has crashed.
                self._tell_exit(job, rank, None)

    def _end(self, message: ControlMessage, job: Job) -> None:
        """End one process of the job, which is on this node."""
        for process in self._processes_of(job):
            if process.rank == message.rank:
                self.kill(process)

    def _signal(self, message: ControlMessage, job: Job) -> None:
        """Pass a signal on, and end the processes that do not deal with it."""
        self._pass_on(message, job)
        for process in self._processes_of(job):
            if not self._loader.signal(process, message.value):
                self.kill(process)

    def _processes_of(self, job: Job) -> list[Process]:
        return [
            process
            for process in self.processes.values()
            if isinstance(process, Process) and process.job is job
        ]

    def _lost(self, message: ControlMessage, job: Job) -> None:
        """Pass the word on that a rank is lost, and tell the processes of it."""
        self._pass_on(message, job)
        (number,) = _NUMBER.unpack(message.text) if message.text else (job.id,)
        bits = number << 32 | message.value
        for process in self._processes_of(job):
            self.kernel.send(self, process.address, LOST_PORTAL, bits, None, 0)

    def reset(self, job: Job) -> None:
        """End what this node has of *job*, whose messages have been lost."""
        self._loads.pop(job.id, None)
        for key in [key for key in self._admissions if key[0] == job.id]:
            del self._admissions[key]
        for process in self._processes_of(job):
            self.kill(process)

    def crash(self) -> None:
        """Lose the node: its processes vanish, and nothing is heard of it any more."""
        self.kernel.halt()
        self.dead = True
        for process in list(self.processes.values()):
            if isinstance(process, Process):
                self.kill(process)

    def kill(self, process: Process, outcome: Outcome | None = None) -> None:
        """End *process* where it stands; *outcome* says how it ended if nobody wished that."""
        self.clock = max(self.clock, self.kernel.engine.now)
        if outcome is not None and not process.dead:
            self._outcomes[process.pid] = outcome
        process.kill()
        # It may not have begun, or refuse to end.
        self._ended(process, None)

    def abort(self, process: Process, status: int) -> None:
        """Have the launcher end the whole job of *process* with *status*."""
        self.clock = max(self.clock, process.clock)
        job = process.job
        self._tell(job.launcher, Control.ABORT, job, process.rank, status)

    # -- scheduling ----------------------------------------------------------------------------

    @property
    def dispatchers(self) -> tuple[Dispatcher, ...]:
        """What share the CPUs that run processes out, one for each slot of the node."""
        return self._cpus.dispatchers

    @property
    def dispatcher(self) -> Dispatcher:
        """What shares out the CPU of the first slot, which is the only one in most CPU modes."""
        return self._cpus.dispatchers[0]

    def observe(self, observer: DispatchObserver | None) -> None:
        """Have *observer* told of what the node's processes do with its CPUs; None: nobody."""
        self._cpus.observe(observer)

    @property
    def keeps_waiting(self) -> bool:
        """Whether a process could run, and does not have its CPU."""
        return any(dispatcher.ready for dispatcher in self.dispatchers)

    def _end_all(self, dispatcher: Dispatcher, fault: str) -> None:
        """End the processes of a CPU whose policy has broken its rules."""
        for process in list(self.processes.values()):
            if isinstance(process, Process) and process.sharing is dispatcher:
                self.kill(process, Outcome(POLICY_FAULT, fault))


_ACTIONS: Final[dict[Control, Callable[[ProcessControlThread, ControlMessage, Job], None]]] = {
    Control.DATA: ProcessControlThread._data,
    Control.LOAD: ProcessControlThread._load,
    Control.LOADED: ProcessControlThread._loaded,
    Control.LOAD_FAILED: ProcessControlThread._loaded,
    Control.GO: ProcessControlThread._go,
    Control.KILL: ProcessControlThread._kill,
    Control.END: ProcessControlThread._end,
    Control.LOST: ProcessControlThread._lost,
    Control.SIGNAL: ProcessControlThread._signal,
    Control.ADMIT: ProcessControlThread._admit,
    Control.ADMITTED: ProcessControlThread._admitted,
}
