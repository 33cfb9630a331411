"""Processes as the kernel and the process control thread see them."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NoReturn

from vmpp.engine import Engine, Fiber, Streams
from vmpp.hardware import Cpu
from vmpp.kernel.fibers import Fibers
from vmpp.kernel.memory import ProcessMemory
from vmpp.kernel.modes import SHARED_CPU, Roles
from vmpp.kernel.sharing import CpuSharing
from vmpp.kernel.verifier import CheckedHandler
from vmpp.kernel.waiting import ANYTHING, Interruption, ProcessExit, ProcessKilled
from vmpp.portals import Address, Header, PortalTable

if TYPE_CHECKING:
    from random import Random

    from vmpp.kernel.qk import QuintessentialKernel


PATIENCE: Final = 100
"""How often a process that is being killed may catch that and block again; then it stays parked."""


SLOT: Final = 1 << 24
"""What the number of a process in a further slot of its node adds to the number of its job."""


NOBODY: Final[frozenset[int]] = frozenset()
"""The other jobs that may send to a process, of one that is connected to none."""


NO_CALLS: Final = (
    "a co-routine on the co-processor computes and shares memory; it can neither communicate nor "
    "call the system, but whoever started it can"
)
"""What a co-routine is told that tries all the same."""


class CoprocessorError(RuntimeError):
    """There is no CPU for co-routines, or one of them asks for what only its process can have."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the processes of a job can know of the machine that they run on.

    Attributes:
        name: of the machine.
        universe: how many processes there can be at once, those of all jobs together.
        node_map: place of every rank, and the distance of any two (see `vmpp.node_map`).
        flop_rate: time of a floating-point operation, fs.
        memory_rate: time of a byte that an application streams through memory, fs.
    """

    name: str = "vmpp"
    universe: int = 0
    node_map: Any = None
    flop_rate: int = 0
    memory_rate: int = 0


class Job:
    """What the processes that were started together have in common.

    Attributes:
        id: number of the job, which is also the group of its processes; from 1 on.
        addresses: of its processes, by rank.
        nodes: node numbers, by rank.
        programs: what the ranks run: one program, or several with the lowest ranks for the first.
        streams: the job's random streams.
        machine: what it can know of its machine.
        parcel: what a process that had the job started left for it, empty if nobody did.
        library: name of the library that the parcel is for; empty: the first that looks for one.
        application, places: nodes that it has, and the places among them of those that it has
            processes on; empty if it has one on each.
        friends: numbers of the jobs that may send to this one from the start.
        launcher: whom its nodes report to; None: nobody.
        policy: scheduling policy of its nodes; empty: the one that they were booted with.
        priority: how urgent its processes are, for policies that mind; 0 is usual, more is more.
        mode: CPU mode of its nodes, as users call it.
        roles: what the CPUs of its nodes are for, which is what that mode means there.
        row: which row of the jobs that share nodes it lies in; 0 if it has its nodes to itself.
        profiles: what a scheduling policy has observed of its processes that are no more.
        description: what libraries are set up by in its processes; None: the machine's.
        messages, bytes, calls: what those of its processes have sent, and asked of servers, that
            are no more.
    """

    __slots__ = (
        "_ends", "addresses", "application", "bytes", "calls", "description", "friends", "id",
        "launcher", "library", "machine", "messages", "mode", "nodes", "parcel", "places", "policy",
        "priority", "profiles", "programs", "roles", "row", "streams",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        nodes: Sequence[int],
        program: Any,
        streams: Streams,
        machine: Surroundings | None = None,
        *,
        parts: Sequence[tuple[Any, int]] = (),
        parcel: bytes = b"",
        friends: frozenset[int] = NOBODY,
        library: str = "",
    ) -> None:
        """Describe a job.

        Args:
            program: what all ranks run, unless *parts* has several programs, each with the number
                of its ranks.
        """
        self.id = number
        self.nodes = nodes
        self.programs = tuple(part[0] for part in parts) or (program,)
        self._ends = tuple(accumulate(part[1] for part in parts))
        self.streams = streams
        self.machine = Surroundings() if machine is None else machine
        self.parcel = parcel
        self.library = library
        self.application: tuple[int, ...] = ()
        self.places: tuple[int, ...] = ()
        self.friends = friends
        self.addresses: list[Address] = []
        self.launcher: Address | None = None
        self.policy = ""
        self.priority = 0
        self.mode = ""
        self.roles: Roles = SHARED_CPU
        self.row = 0
        self.profiles: list[Any] = []
        self.description: Any = None
        self.messages = 0
        self.bytes = 0
        self.calls = 0

    def place(self, nodes: Sequence[int], machine: Surroundings) -> None:
        """Give the job its *nodes*, by rank, and its processes their addresses."""
        self.nodes = nodes
        self.machine = machine
        self.addresses[:] = [
            Address(nid, self.id + SLOT * self.slot(rank), rank, self.id)
            for rank, nid in enumerate(nodes)
        ]

    @property
    def size(self) -> int:
        """How many ranks the job has."""
        return len(self.nodes)

    def slot(self, rank: int) -> int:
        """Return which of its node's process slots *rank* has, counted from 0."""
        return rank % self.roles.ranks

    @property
    def leaders(self) -> range:
        """The first rank of each of its nodes, which stands for the node."""
        return range(0, self.size, self.roles.ranks)

    def leader(self, rank: int) -> int:
        """Return the first of the ranks that are on the node of *rank*."""
        return rank - rank % self.roles.ranks

    def neighbours(self, rank: int) -> range:
        """Return the ranks that are on the node of *rank*, itself included."""
        first = self.leader(rank)
        return range(first, min(first + self.roles.ranks, self.size))

    def part(self, rank: int) -> int:
        """Return which of the job's programs *rank* runs, counted from 0."""
        return bisect_right(self._ends, rank) if self._ends else 0

    def program(self, rank: int) -> Any:
        """Return the program that *rank* runs."""
        return self.programs[self.part(rank)]

    def node_name(self, rank: int) -> str:
        """Return the name of the node that *rank* runs on, as programs see it."""
        return f"{self.machine.name}-n{self.nodes[rank]:05d}"


class SystemProcess:
    """A process of the system: it has portals, and handlers instead of a program.

    Attributes:
        address: where it is.
        group: the group that may send to it besides the system; 0: everybody.
        clock: the time up to which it is busy, in picoseconds.
        dead: whether it takes no more messages.
        away: whether it runs on another CPU than the kernel.
        table: its portals.
        watch: what it waits for (see `Process.wait`).
        held: messages that arrived while it was busy.
        admitted: the other groups that may send to it: the jobs that the system has connected its
            own to.
        messages: how many it has sent.
        bytes: those of their bodies.
        programs: the handlers for its portals that the kernel has checked, by number.
    """

    __slots__ = (
        "address", "admitted", "away", "bytes", "clock", "dead", "group", "held", "messages",
        "programs", "table", "watch",
    )  # fmt: skip

    def __init__(self, address: Address) -> None:
        self.address = address
        self.group = address.group
        self.clock = 0
        self.dead = False
        self.away = False
        self.table = PortalTable()
        self.watch: Any = None
        self.held: deque[Header] | None = None
        self.admitted = NOBODY
        self.messages = 0
        self.bytes = 0
        self.programs: tuple[CheckedHandler, ...] = ()

    def run_handler(
        self, handler: Callable[[Header, int], Any], header: Header, outcome: int, when: int
    ) -> None:
        """Run an event *handler*; the process is busy from time *when* on."""
        self.clock = max(self.clock, when)
        handler(header, outcome)


class Process(SystemProcess):
    """A process that runs a program in a fiber.

    Its *clock* may run ahead of the engine's time by the library work it has done since it was
    resumed (temporal decoupling, as in SystemC's TLM-2.0): messages that arrive before the clock
    are taken when it is reached, as if the call in progress had masked interrupts. A process never
    runs ahead by more than its machine's *lookahead* without letting time catch up.

    Attributes:
        kernel: the kernel of its node.
        job: the job it belongs to.
        rank: its number in the job.
        size: how many ranks the job has.
        nid: number of its node.
        pid: its number on the node.
        shared: memory, by name, that the processes of its job on its node have in common; None
            where a node takes only one.
        slot: which of the node's process slots it has, counted from 0.
        fiber: the one of its fibers that runs, or will be resumed; None until it is started.
        fibers: its fibers and whose turn it is; None while it has just one.
        resting: the same from when it had several, None if it never had.
        passed: how often it has let time pass, other than by waiting.
        dying: whether it is being killed, or at its end: its calls raise.
        in_handler: whether an event handler runs.
        guest: the co-routine that runs in its address space at this moment; None: none does.
        coprocessor: what runs co-routines for it; None: its node has no CPU for that.
        coroutines: those that it has started, and whose ends matter to it.
        space: its address space; `vmpp.process` sets it.
        files: its file descriptors; `vmpp.process` sets it.
        libraries: state of the libraries linked to it, by name.
        install: puts its address space in place; `vmpp.process` sets it.
        cpu: the one that it computes on.
        memory: what it holds of its node's.
        ready: told when it can run: the kernel, or whoever shares the CPU out.
        sharing: who shares its CPU out between it and others; None while it has it to itself.
        ready_since: when it became able to run, without the CPU so far, in picoseconds.
        woken: whether it does not have the CPU since it waited, or slept, for the last time.
        left: picoseconds of a computation that another process interrupts; None if there is none.
        pending: what is to be raised where it stands when it has the CPU again.
        rpc: asks a server, by name; `vmpp.process` sets it.
        post: tells a server, by name, what it need not answer; `vmpp.process` sets it.
        calls: how often it has asked or told one.
    """

    __slots__ = (
        "_computes", "_deaths", "_engine", "_lookahead", "_roused", "_sleeps", "_timer", "calls",
        "coprocessor", "coroutines", "cpu", "dying", "fiber", "fibers", "files", "guest",
        "in_handler", "install", "job", "kernel", "left", "libraries", "memory", "nid", "passed",
        "pending", "pid", "post", "rank", "ready", "ready_since", "resting", "rpc", "shared",
        "sharing", "size", "slot", "space", "woken",
    )  # fmt: skip

    def __init__(self, kernel: QuintessentialKernel, job: Job, address: Address) -> None:
        super().__init__(address)
        self._engine: Engine = kernel.engine
        self._lookahead = kernel.lookahead
        self._computes = False
        self._deaths = 0
        self._roused = False
        self._sleeps = False
        self._timer = 0
        self.slot = job.slot(address.rank)
        self.cpu: Cpu = kernel.node.application_cpus[self.slot]
        self.away = self.cpu is not kernel.node.kernel_cpu
        self.passed = 0
        self.calls = 0
        self.kernel = kernel
        self.job = job
        self.rank = address.rank
        self.size = job.size
        self.nid = address.nid
        self.memory = ProcessMemory(kernel.node.memory, f"job {job.id} rank {address.rank}")
        self.pid = address.pid
        self.clock = kernel.engine.now
        self.dying = False
        self.in_handler = False
        self.guest: Process | None = None
        self.coprocessor: Any = None
        self.coroutines: Sequence[Any] = ()
        self.fiber: Fiber | None = None
        self.fibers: Fibers | None = None
        self.resting: Fibers | None = None
        self.shared: dict[Any, Any] | None = None
        self.space: Any = None
        self.files: Any = None
        self.libraries: dict[str, Any] = {}
        self.install: Callable[[], object] = _nothing
        self.ready: Callable[[Process], object] = kernel.run
        self.sharing: CpuSharing | None = None
        self.ready_since = 0
        self.woken = False
        self.left: int | None = None
        self.pending: BaseException | None = None
        self.rpc: Callable[[str, bytes], bytes] = _no_servers
        self.post: Callable[[str, bytes], object] = _no_servers

    # -- what a program's libraries call, from the process's own fiber ------------------------

    def charge(self, duration: int) -> None:
        """Spend *duration* picoseconds of library work, without giving up the CPU."""
        noise = self.cpu.noise
        clock = self.clock
        self.clock = clock + duration if noise is None else noise.finish(clock, duration)
        if self.clock - self._engine.now > self._lookahead:
            self.synchronise()

    def synchronise(self) -> None:
        """Let virtual time catch up with the process's clock; an event handler runs ahead."""
        clock = self.clock
        if clock > self._engine.now and not self.in_handler:
            self._park_until(clock)

    def sleep(self, duration: int) -> None:
        """Let *duration* picoseconds pass without using the CPU."""
        until = self.clock + duration
        if self.fibers is None:
            self._sleeps = True
            try:
                self._park_until(until)
            finally:
                self._sleeps = False
        else:
            self._may_block()
            self.fibers.sleep(until)

    def compute(self, duration: int) -> None:
        """Use the CPU for *duration* picoseconds; interrupts make it longer."""
        self._may_block()
        self.passed += 1
        self.cpu.work(self.clock, duration, self._computed, None)
        self._computes = True
        try:
            self._engine.hub.switch()
            return
        except Interruption as interruption:
            left = interruption.left
            interruption.run()
        finally:
            self._computes = False
        self.compute(left)

    def wait(self, watch: object) -> None:
        """Block until the kernel has changed what *watch* names.

        That is a memory descriptor whose filling or failing ends the wait, or `ANYTHING`. The
        caller looks for itself whether what it waits for has come, and waits again if not.
        """
        if self.dying or self.in_handler:
            self._may_block()
        if self.fibers is not None:
            self.fibers.wait(watch)
            return
        self.watch = watch
        try:
            self._engine.hub.switch()
        except Interruption as interruption:
            interruption.run()

    def wait_alone(self, watch: object) -> None:
        """Block as `wait` does, and the whole process with it: no other fiber runs meanwhile.

        That is what a system call does to a process whose threads the kernel does not know.
        """
        if self.dying or self.in_handler:
            self._may_block()
        self.passed += 1
        self.watch = watch
        try:
            self._engine.hub.switch()
        except Interruption as interruption:
            interruption.run()

    # -- fibers -------------------------------------------------------------------------------

    def start_fiber(self, body: Callable[[], object], apart: bool = False) -> Fiber:
        """Start a further fiber of the process, which runs at once until it blocks or ends.

        It shares everything with the others and takes turns with them: it keeps the CPU until it
        waits, parks, sleeps or yields. An exception that *body* does not catch surfaces in the
        main fiber. Whatever fiber is left when the main one ends is killed. One that is started
        *apart* may call as deeply as the main one, whoever starts it; it is slower to switch to.
        """
        if self.dying or self.in_handler:
            self._may_block()
        return self._own_fibers().start(body, apart)

    def park(self, timeout: int | None = None) -> bool:
        """Block the calling fiber until another one or an event handler unparks it.

        Args:
            timeout: after so many picoseconds it goes on all the same; None: never.

        Returns:
            Whether it was unparked.
        """
        if self.dying or self.in_handler:
            self._may_block()
        return self._own_fibers().park(None if timeout is None else self.clock + timeout)

    def unpark(self, fiber: Fiber) -> None:
        """Let a *fiber* that is parked, or waits, go on when its turn comes."""
        if self.fibers is not None:
            self.fibers.unpark(fiber)

    def yield_cpu(self) -> None:
        """Let the other fibers run, each until it blocks."""
        if self.dying or self.in_handler:
            self._may_block()
        if self.fibers is not None:
            self.fibers.yield_cpu()

    def end_fibers(self, fibers: Sequence[Fiber]) -> None:
        """End *fibers* where they stand; called by the main one, which goes on."""
        engine = self._engine
        engine.at(max(self.clock, engine.now), self._end_fibers, fibers)
        engine.hub.switch()

    def _end_fibers(self, fibers: Sequence[Fiber]) -> None:
        if self.fibers is None or self.dying:
            # It has been killed in between.
            return
        self.clock = max(self.clock, self._engine.now)
        self.install()
        self.dying = True
        for fiber in fibers:
            self.fibers.end(fiber)
        self.dying = False
        self._deaths = 0
        self.fiber = self.fibers.main
        self.passed += 1
        self.resume()

    @property
    def in_main_fiber(self) -> bool:
        """Whether the fiber that runs is the one that the process began with."""
        return self.fibers is None or self.fiber is self.fibers.main

    def _own_fibers(self) -> Fibers:
        if self.fibers is None:
            assert self.fiber is not None
            self.fibers = self.resting or Fibers(self, self.fiber)
            self.resting = None
        return self.fibers

    def stream(self, name: str) -> Random:
        """Return this process's random stream called *name*."""
        return self.job.streams.stream(f"job {self.job.id}/rank {self.rank}/{name}")

    def exit(self, status: int) -> NoReturn:
        """End this process with *status*, whichever of its fibers calls."""
        if self.dying:
            self._may_block()
        if self.fibers is not None and not self.in_main_fiber and not self.in_handler:
            self.fibers.raise_in_main(ProcessExit(status))
        raise ProcessExit(status)

    def abort(self, status: int) -> NoReturn:
        """End the whole job with *status*."""
        if self.dying:
            self._may_block()
        self.kernel.abort_job(self, status)
        self.dying = True
        raise ProcessKilled

    # -- what the process control thread calls, from the engine -------------------------------

    def start(self, body: Callable[[], object]) -> None:
        """Make the process's fiber, to run *body*, and have it scheduled."""
        self.fiber = Fiber(body, self._engine.hub, self)
        self.resume()

    def kill(self) -> None:
        """End the process where it stands: its ``finally`` blocks run, its calls raise."""
        if self.dead:
            return
        self.dying = True
        fiber = self.fiber if self.fibers is None else self.fibers.main
        if not fiber:
            return
        # What it still sends in its last moments must not leave in the virtual past.
        self.clock = max(self.clock, self._engine.now)
        self.install()
        self._stop_computing()
        if self.fibers is not None:
            self.fibers.kill()
        self._interrupt(fiber, ProcessKilled())

    def interrupt(self, run: Callable[[], object]) -> bool:
        """Have the program call *run* where it stands, as a signal does, and then go on.

        *run* may block. Called from the engine.

        Returns:
            False if it stands where a library cannot be interrupted, or has several fibers.
        """
        fiber = self.fiber
        blocks = self.waits or self.computes or self.woken
        if not fiber or not blocks or self.dying or self.fibers is not None:
            return False
        interruption = Interruption(run, self._stop_computing())
        self.clock = max(self.clock, self._engine.now)
        self.install()
        self._interrupt(fiber, interruption)
        return True

    def tell(self, what: object) -> None:
        """Wake the process if it waits for *what*, as the kernel does for a descriptor."""
        watch = self.watch
        if watch is not None and (watch is what or watch is ANYTHING):
            self.watch = None
            self.resume()

    def rouse(self) -> None:
        """Let the process look again at whatever it waits for: called by its event handlers."""
        self._roused = True

    # -- what whoever shares the CPU out calls, from the engine --------------------------------

    @property
    def waits(self) -> bool:
        """Whether it has given the CPU up until something happens."""
        return self.watch is not None or self._sleeps

    @property
    def computes(self) -> bool:
        """Whether it computes, or would if it had the CPU."""
        return self._computes or self.left is not None

    def suspend(self) -> None:
        """Let another process have the CPU; what is left of a computation is done later."""
        if self._computes:
            self.left = self._stop_computing()

    def proceed(self) -> None:
        """Go on with the computation that was suspended."""
        left, self.left = self.left or 0, None
        self._computes = True
        self.cpu.work(max(self.clock, self._engine.now), left, self._computed, None)

    # -- parking and resuming ------------------------------------------------------------------

    def _park_until(self, when: int) -> None:
        self._may_block()
        self.passed += 1
        engine = self._engine
        self._timer = max(when, engine.now)
        engine.at(self._timer, self._expire, self.passed)
        try:
            engine.hub.switch()
            return
        except Interruption as interruption:
            sleeps, self._sleeps = self._sleeps, False
            interruption.run()
            self._sleeps = sleeps
        while engine.now < when:
            self._park_until(when)

    def _may_block(self) -> None:
        if self.dying:
            self._deaths += 1
            while self._deaths > PATIENCE:
                self._engine.hub.switch()
            raise ProcessKilled
        if self.guest is not None:
            raise CoprocessorError(NO_CALLS)
        if self.in_handler:
            raise RuntimeError("an event handler may not block")

    def _interrupt(self, fiber: Fiber, error: BaseException) -> None:
        """Raise *error* in the parked fiber, in place of whatever it waits for.

        That is now, or when the process has the CPU; but one that is killed does not wait for that.
        """
        self.watch = None
        # What it waited for does not keep virtual time going.
        self._engine.cancel(self._timer, self._expire, self.passed)
        self.passed += 1
        self._stop_computing()
        if self.sharing is None or self.dying:
            fiber.throw(type(error), error, error.__traceback__)
        else:
            self.sharing.throw(self, error)

    def _stop_computing(self) -> int:
        """Leave the work that it is at, if any, and return what is left of it, in picoseconds."""
        left, self.left = self.left or 0, None
        if self._computes:
            self._computes = False
            left = self.cpu.stop()
        return left

    def _computed(self, _: object) -> None:
        self._computes = False
        self.resume()

    def _expire(self, timer: int) -> None:
        if timer == self.passed:
            if self.held:
                # They came before the process's time: a program that polls must see them now.
                self.kernel.release(self)
                if timer != self.passed:
                    # A handler's exception has ended this wait.
                    return
            self.resume()

    def resume(self, _: object = None) -> None:
        """Have the process scheduled, in whatever thread is its `fiber`; called by the engine."""
        now = self._engine.now
        if self.clock < now:
            self.clock = now
        self.ready(self)

    def run_handler(
        self, handler: Callable[[Header, int], Any], header: Header, outcome: int, when: int
    ) -> None:
        """Run an event *handler* in user space, in a fiber of its own, from time *when* on.

        The program is interrupted for as long as the handler takes; a handler may send, and may not
        block.
        """
        watch = self.watch
        sharing = self.sharing
        if sharing is not None:
            when = sharing.handler_begins(self, when)
        self.clock = begin = max(when, self.clock)
        self.in_handler = True
        self.install()
        error = Fiber(_caught, self._engine.hub, self).switch(handler, header, outcome)
        self.in_handler = False
        if sharing is not None:
            sharing.handler_ends(self, begin)
        elif self._computes:
            self.cpu.interrupt(self.kernel.context_switch + self.clock - begin)
        self.watch = watch
        if self._roused:
            self._roused = False
            if watch is not None:
                self.watch = None
                self.ready(self)
        fiber = self.fiber
        if error is not None and fiber:
            # As a signal handler's exception does, it surfaces where the program stands.
            self._interrupt(fiber, error)


def _caught(
    handler: Callable[[Header, int], Any], header: Header, outcome: int
) -> BaseException | None:
    """Run an event handler and return the exception that it ends with, if any."""
    try:
        handler(header, outcome)
    except BaseException as error:
        return error
    return None


def _nothing(*_: object) -> None:
    """Do nothing, where nobody has said what to do."""


def _no_servers(server: str, request: bytes) -> bytes:
    raise OSError(f"this process is linked to no server, so not to {server!r} either")
