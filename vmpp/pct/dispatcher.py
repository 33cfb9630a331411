"""The dispatcher: gives a CPU to one of the processes that share it, and takes it away again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from vmpp.hardware import Cpu
from vmpp.kernel import Process, QuintessentialKernel
from vmpp.kernel.waiting import in_turn
from vmpp.pct.asking import Asked, PolicyFault

T = TypeVar("T")

_SOMEBODY: Final[Any] = object()
"""Stands for a process that had the CPU, and is no more."""


class Dispatcher:
    """Gives one application CPU to the processes bound to it, one at a time, as a policy says.

    A process has the CPU until it waits, sleeps or ends, or until its slice is over and others are
    ready. Then what it was computing stops, and goes on where it was when it has the CPU again. One
    whose clock is ahead of time keeps the CPU until then, as if the library call in progress could
    not be interrupted. Giving the CPU to another process than the one that had it last takes the
    kernel's `context_switch`, which interrupts make longer as they do any other work. Whoever is
    given the CPU while noise has it waits until that is over.

    The kernel deposits messages for a process that does not have the CPU, as always. Event handlers
    run at once for such a process too, because it is the kernel that enters user space after a
    deposit, and it knows nothing of schedules: whoever computes is interrupted for the way in, the
    handler and the way back. A signal waits until its process has the CPU.

    Attributes:
        cpu: what is shared out.
        policy: who is asked.
        current: the process that has the CPU, or is being switched to; None: none has.
        ready: processes that could run, in the order in which they became able to.
        observer: is told of everything; None: nobody is.
        switches: how often the CPU has gone from one process to another.
    """

    __slots__ = (
        "_asks_again", "_engine", "_executes", "_failed", "_free_at", "_kernel", "_last",
        "_sharers", "_switching", "_timer", "_until", "broken", "cpu", "current", "observer",
        "policy", "ready", "switches",
    )  # fmt: skip

    def __init__(
        self,
        kernel: QuintessentialKernel,
        cpu: Cpu,
        policy: Asked,
        failed: Callable[[Dispatcher, str], object],
    ) -> None:
        """Begin with no processes.

        Args:
            failed: told, in an event of its own, what rule the policy has broken; it has to end the
                processes, which nobody shares the CPU out to any more.
        """
        self._engine = kernel.engine
        self._kernel = kernel
        self._failed = failed
        self.cpu = cpu
        self.policy = policy
        self.broken = False
        self.current: Process | None = None
        self.ready: list[Process] = []
        self.observer = policy.observer
        self.switches = 0
        self._last: Process | None = None
        # When the one that had the CPU last has done what it did ahead of time.
        self._free_at = 0
        # The end of the slice of the current process, and when the timer for it is due.
        self._until: int | None = None
        self._timer: int | None = None
        # The policy is to be asked again as soon as the current process has caught up.
        self._asks_again = False
        # The context is being switched to the current process, or it waits for the end of noise.
        self._switching = False
        # The current process's fiber is running.
        self._executes = False
        # How many processes share the CPU.
        self._sharers = 0

    # -- who shares the CPU ----------------------------------------------------------------------

    @property
    def minds_one(self) -> bool:
        """Whether even a process that is alone has something to share the CPU with.

        That is noise, a policy that is asked about one process, or an observer.
        """
        return self.observer is not None or self.policy.asked_alone or self.cpu.noise is not None

    def add(self, process: Process) -> None:
        """Have *process* share the CPU from now on, whatever it is doing."""
        if process.sharing is self:
            return
        process.sharing = self
        process.ready = self.make_ready
        self._sharers += 1
        if not process.fiber or process.dead:
            # It has not begun.
            return
        self._last = process
        if process.waits:
            self._free_at = max(self._free_at, process.clock)
            return
        self.current = process
        self._until = self._slice(process, self._engine.now)
        if self.observer is not None:
            self.observer.runs(process, self._engine.now)

    def remove(self, process: Process) -> None:
        """Share the CPU with *process*, which has ended, no more."""
        if process.sharing is not self:
            return
        process.sharing = None
        self._sharers -= 1
        if process in self.ready:
            self.ready.remove(process)
        if self.observer is not None:
            self.observer.ended(process, max(process.clock, self._engine.now))
        if process is self.current and not self._executes:
            self.cpu.stop()
            self._vacate(process)
            # Not at once: whoever ends it may have others to end.
            self._engine.at(self._engine.now, self._dispatch)
        if process is self._last:
            self._last = _SOMEBODY

    def begin(self, policy: Asked) -> None:
        """Ask *policy* from now on; no process shares the CPU yet."""
        if self.observer is self.policy.observer:
            # Whoever else observes goes on doing so.
            self.observer = policy.observer
        self.policy = policy
        self.broken = False
        self._last = None

    # -- what processes tell ---------------------------------------------------------------------

    def make_ready(self, process: Process) -> None:
        """Run *process*, which can run now, at once or when its turn comes."""
        now = self._engine.now
        if process is self.current:
            # It has computed, or caught up with its clock.
            if self._asks_again or (self.ready and self._is_over(now)):
                self._ask_anew(process, now)
            else:
                self._run(process)
                self._dispatch()
            return
        process.woken = True
        process.ready_since = now
        self.ready.append(process)
        if self.observer is not None:
            self.observer.became_ready(process, now)
        running = self.current
        if running is None:
            self._dispatch()
        elif self._is_over(now) or self._preempts(process, running, now):
            self.reconsider()
        else:
            self._set_timer()

    def throw(self, process: Process, error: BaseException) -> None:
        """Raise *error* where *process* stands, now if it has the CPU, or else when it has."""
        process.pending = in_turn(process.pending, error)
        if process is self.current:
            if not (self._executes or self.cpu.busy):
                self._run(process)
                self._dispatch()
        elif process not in self.ready:
            self.make_ready(process)

    def keeps_waiting(self, process: Process) -> bool:
        """Return whether *process* could run and has to wait for the CPU."""
        return process in self.ready

    def is_stuck(self) -> bool:
        """Return whether the CPU idles though there are ready processes, and report it as a fault.

        To be called when nothing can happen any more.
        """
        if self.current is not None or not self.ready:
            return False
        self._report_later(self.policy.idles_for_ever(len(self.ready)))
        return True

    def handler_begins(self, process: Process, when: int) -> int:
        """Return when an event handler of *process* begins that is to be entered at *when*."""
        running = self.current
        if running is None:
            return max(when, self._free_at)
        if running is process or self.cpu.busy:
            return when
        return max(when, running.clock)

    def handler_ends(self, process: Process, begin: int) -> None:
        """Take the time of a handler of *process* away from whoever has the CPU."""
        running, switch = self.current, self._kernel.context_switch
        if running is None:
            self._free_at = max(self._free_at, process.clock)
            self._last = process
        elif running is process:
            self.cpu.interrupt(switch + process.clock - begin)
        elif self.cpu.busy:
            self.cpu.interrupt(switch + process.clock - begin + switch)
        else:
            running.clock = process.clock + switch

    def begin_turn(self, row: int | None) -> None:
        """Have the policy know whose turn it is on the machine; see `SchedulingPolicy`."""
        self._asked(None, self.policy.strobe, row, self._engine.now)
        self.reconsider()

    # -- whose turn it is ------------------------------------------------------------------------

    def reconsider(self) -> None:
        """Ask the policy again whose turn it is: called when it may have changed its mind."""
        current, now = self.current, self._engine.now
        if current is None:
            self._dispatch()
        elif self._switching or (self.cpu.busy and current.clock <= now):
            self._ask_anew(current, now)
        else:
            # It is ahead of time.
            self._asks_again = True
            self._set_timer()

    def _ask_anew(self, current: Process, now: int) -> None:
        """Choose among those that are ready and the *current* one, which could stop now."""
        self._asks_again = False
        if not self._switching:
            current.ready_since = now
        self.ready.append(current)
        place = self._choose(now)
        if place is not None and self.ready[place] is current:
            self.ready.pop()
            self._go_on(current, now)
        else:
            self._take_cpu(current, now)
            if place is None:
                self._clear_timer()
                return
            self._give_cpu(self.ready.pop(place))
        self._dispatch()

    def _go_on(self, current: Process, now: int) -> None:
        """Let the *current* process have another slice."""
        if not self._switching:
            self._until = self._slice(current, now)
            if not self.cpu.busy:
                self._run(current)

    def _dispatch(self, _: object = None) -> None:
        """Give the CPU to one process after the other while it is free and the policy wants it."""
        while self.current is None and self.ready:
            now = self._engine.now
            if self._free_at > now:
                self._engine.at(self._free_at, self._dispatch)
                return
            place = self._choose(now)
            if place is None:
                break
            self._give_cpu(self.ready.pop(place))
        if self.current is None:
            # Nothing stays in the queue that keeps virtual time going.
            self._clear_timer()
        else:
            self._set_timer()

    # -- giving the CPU and taking it away -------------------------------------------------------

    def _give_cpu(self, process: Process) -> None:
        """Give the CPU to *process*, after a context switch if it did not have it last."""
        begin = max(self._engine.now, process.clock)
        last, self._last = self._last, process
        self.current = process
        if last is process or last is None:
            noise = self.cpu.noise
            free = begin if noise is None else noise.free(begin)
            if free == begin:
                self._begin(process)
            else:
                self._switching = True
                self.cpu.work(free, 0, self._switched, process)
            return
        if self.observer is not None:
            self.observer.switches(process, begin)
        self.switches += 1
        self._switching = True
        self.cpu.work(begin, self._kernel.context_switch, self._switched, process)

    def _switched(self, process: Process) -> None:
        self._switching = False
        self._begin(process)
        self._dispatch()

    def _begin(self, process: Process) -> None:
        """Let *process*, which is the current one and in place, go on with what it was at."""
        begin = max(process.clock, self._engine.now)
        self._until = self._slice(process, begin)
        if self.observer is not None:
            self.observer.runs(process, begin)
        if process.left is None:
            self._run(process)
        else:
            process.proceed()

    def _run(self, process: Process) -> None:
        """Run the current process until it blocks; if it gives up the CPU, none has it then."""
        process.clock = max(process.clock, self._engine.now)
        process.woken = False
        self._executes = True
        error, process.pending = process.pending, None
        if error is None:
            self._kernel.run(process)
        else:
            process.install()
            process.fiber.throw(type(error), error, error.__traceback__)  # type: ignore[union-attr]
        self._executes = False
        if process.dead:
            self._vacate(process)
        elif self._sharers == 1 and not (self.broken or self.minds_one):
            self._stand_aside(process)
        elif process.waits:
            if self.observer is not None:
                self.observer.blocked(process, process.clock)
            self._vacate(process)

    def _stand_aside(self, process: Process) -> None:
        """Leave the CPU to *process*, which has no neighbours any more, until others come."""
        process.sharing = None
        process.ready = self._kernel.run
        self._sharers = 0
        self._vacate(process)
        self._last = None

    def _vacate(self, process: Process) -> None:
        """Note that *process* needs the CPU no longer than until its clock."""
        self.current = None
        self._until = None
        self._switching = self._asks_again = False
        self._free_at = max(process.clock, self._engine.now)

    def _take_cpu(self, process: Process, now: int) -> None:
        """Take the CPU away from *process*, which is among those that are ready."""
        if self.observer is not None and not self._switching:
            self.observer.preempted(process, now)
        process.suspend()
        if self._switching:
            self.cpu.stop()
            self._last = _SOMEBODY
        self._vacate(process)
        self._free_at = now

    # -- slices ----------------------------------------------------------------------------------

    def _is_over(self, now: int) -> bool:
        return self._until is not None and self._until <= now

    def _set_timer(self) -> None:
        """See to it that the policy is asked when the slice is over, if anybody waits for that.

        A timer that is set already, for an earlier time, looks again: most slices end early.
        """
        when = self._next_question()
        if when is None:
            return
        if self._timer is not None:
            if self._timer <= when:
                return
            self._clear_timer()
        self._timer = when
        self._engine.at(when, self._tick, when)

    def _next_question(self) -> int | None:
        """Return when the current process may have to be asked about; None: it says so itself."""
        current = self.current
        if current is None or not self.cpu.busy:
            # One that is ahead of time becomes ready when it has caught up.
            return None
        if self._asks_again:
            return max(current.clock, self._engine.now)
        if self.ready and self._until is not None:
            return max(self._until, self._engine.now)
        return None

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._engine.cancel(self._timer, self._tick, self._timer)
            self._timer = None

    def _tick(self, when: int) -> None:
        if when != self._timer:
            return
        self._timer = None
        if self.current is None:
            return
        if self._asks_again or (self.ready and self._is_over(when)):
            self.reconsider()
        else:
            self._set_timer()

    # -- asking the policy -----------------------------------------------------------------------

    def _choose(self, now: int) -> int | None:
        if self.broken:
            return None
        # A policy cannot lose or exchange what it only looks at.
        return self._asked(None, self.policy.choose, tuple(self.ready), now)

    def _slice(self, process: Process, begin: int) -> int | None:
        return None if self.broken else self._asked(None, self.policy.until, process, begin)

    def _preempts(self, arrived: Process, running: Process, now: int) -> bool:
        ask = self.policy.preempts
        return not self.broken and self._asked(False, ask, arrived, running, now)

    def _asked(self, otherwise: T, ask: Callable[..., T], *arguments: Any) -> T:
        """Return what the policy answers, or *otherwise* if it breaks its rules."""
        try:
            return ask(*arguments)
        except PolicyFault as fault:
            self._report_later(fault)
            return otherwise

    def _report_later(self, fault: PolicyFault) -> None:
        self.broken = True
        self._engine.at(self._engine.now, self._report, str(fault))

    def _report(self, fault: str) -> None:
        self._failed(self, fault)
