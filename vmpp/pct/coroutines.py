"""Co-routines: what the helper CPU of a node runs for the processes on the others.

A co-routine shares the memory of the process that starts it, and has a CPU and a clock of its own.
It may compute, and let time pass. It has no portals, so it cannot communicate, and it cannot wait
for anything: the kernel knows nothing of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from greenlet import GreenletExit

from vmpp.hardware import Cpu
from vmpp.kernel import CoprocessorError, Process, ProcessKilled, QuintessentialKernel
from vmpp.kernel.process import NO_CALLS

if TYPE_CHECKING:
    from vmpp.engine import Fiber


class Coprocessor:
    """Runs co-routines on the helper CPU of a node, one after the other, as they are started.

    The processes of the node share it. To start a co-routine, and to be told of its end, takes one
    hand-over through shared memory each.
    """

    __slots__ = ("_cpu", "_hand_over", "_kernel", "_queue", "_running")

    def __init__(self, kernel: QuintessentialKernel, cpu: Cpu) -> None:
        self._kernel = kernel
        self._cpu = cpu
        self._hand_over = kernel.hand_over
        self._queue: deque[Coroutine] = deque()
        self._running: Coroutine | None = None

    def start(self, owner: Process, body: Callable[[], Any]) -> Coroutine:
        """Have *body* run for *owner*, whose fiber calls; it goes on at once.

        Raises:
            CoprocessorError: a co-routine calls.
        """
        if isinstance(owner, Coroutine):
            refuse()
        coroutine = Coroutine(owner, self._cpu, body)
        owner.coroutines = [*(each for each in owner.coroutines if each.matters), coroutine]
        owner.clock += self._hand_over
        self._kernel.engine.at(owner.clock, self._arrived, coroutine)
        owner.charge(0)
        return coroutine

    def abandon(self, owner: Process) -> None:
        """End the co-routines of a process that is no more; called from the engine."""
        for coroutine in owner.coroutines:
            coroutine.kill()
            coroutine.dead = True
            if coroutine in self._queue:
                self._queue.remove(coroutine)
            if coroutine is self._running:
                self._running = None
        owner.coroutines = []
        self._next()

    def _arrived(self, coroutine: Coroutine) -> None:
        if not coroutine.dead:
            self._queue.append(coroutine)
            self._next()

    def _next(self) -> None:
        """Begin with the next co-routine, if the CPU is free."""
        if self._running is None and self._queue:
            self._running = coroutine = self._queue.popleft()
            coroutine.clock = self._kernel.engine.now
            coroutine.start(lambda: self._run(coroutine))

    def _run(self, coroutine: Coroutine) -> None:
        """Run a co-routine to its end: the body of its fiber."""
        try:
            coroutine.result = coroutine.body()
        except (ProcessKilled, GreenletExit):
            return
        except BaseException as error:
            coroutine.error = error
        engine = self._kernel.engine
        engine.at(max(coroutine.clock, engine.now), self._ended, coroutine)

    def _ended(self, coroutine: Coroutine) -> None:
        if coroutine.dead:
            return
        engine = self._kernel.engine
        coroutine.dead = True
        engine.at(engine.now + self._hand_over, coroutine.tell)
        self._running = None
        self._next()


class Coroutine(Process):
    """A co-routine, which is something like a process without portals.

    Attributes:
        owner: the process that has started it.
        body: what it runs.
        done: whether its owner has been told of its end.
        result: what the body has returned.
        error: what it has raised instead.
        heard: whether its owner has heard of that.
    """

    __slots__ = ("body", "done", "error", "heard", "owner", "result")

    def __init__(self, owner: Process, cpu: Cpu, body: Callable[[], Any]) -> None:
        super().__init__(owner.kernel, owner.job, owner.address)
        self.cpu = cpu
        self.owner = owner
        self.body = body
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.heard = False
        self.space = owner.space
        self.files = owner.files
        self.memory = owner.memory
        self.install = owner.install
        self.libraries = _NoLibraries()
        self.ready = self._go_on
        self.rpc = self.post = refuse

    @property
    def matters(self) -> bool:
        """Whether its owner has to hear of it before the end."""
        return not self.done or (self.error is not None and not self.heard)

    def tell(self, _: object = None) -> None:
        """Tell the owner that this is done."""
        if not self.owner.dead:
            self.done = True
            self.owner.tell(self)

    def _go_on(self, _: Process) -> None:
        """Run until it blocks; its owner can do nothing meanwhile."""
        owner = self.owner
        owner.guest, owner.in_handler = self, True
        try:
            self.kernel.run(self)
        finally:
            owner.guest, owner.in_handler = None, False

    # -- what it cannot do -----------------------------------------------------------------------

    def wait(self, watch: object) -> NoReturn:
        """Refuse to block."""
        refuse()

    def wait_alone(self, watch: object) -> NoReturn:
        """Refuse to block."""
        refuse()

    def start_fiber(self, body: Callable[[], object], apart: bool = False) -> Fiber:
        """Refuse to start a thread."""
        refuse()

    def park(self, timeout: int | None = None) -> bool:
        """Refuse to block."""
        refuse()

    def exit(self, status: int) -> NoReturn:
        """Refuse to end the process."""
        refuse()

    def abort(self, status: int) -> NoReturn:
        """Refuse to end the job."""
        refuse()


class _NoLibraries(dict[str, Any]):
    """In place of the state of libraries: they communicate, and co-routines do not."""

    def __missing__(self, name: str) -> NoReturn:
        refuse()

    def get(self, name: str, default: Any = None) -> NoReturn:
        """Refuse to look."""
        refuse()


def refuse(*_: object) -> NoReturn:
    """Raise what a co-routine gets that asks for what it cannot have. Raises CoprocessorError."""
    raise CoprocessorError(NO_CALLS)
