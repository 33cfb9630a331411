"""The fibers of a process that has several: they share its CPU, clock, memory and portals.

That is a user-level threads package on a kernel which knows one flow of control for a process, as
coroutines are on Puma. A fiber runs until it blocks; then the next runs that can, in the order in
which they became able to. So runs repeat, and a process of one fiber pays nothing for this.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from greenlet import GreenletExit, greenlet

from vmpp.engine import Fiber
from vmpp.kernel.waiting import ANYTHING, ProcessKilled

if TYPE_CHECKING:
    from vmpp.kernel.process import Process

_NOTHING: Final = object()
"""What a process watches when none of its fibers waits for its portals."""


class Fibers:
    """Whose turn it is among the fibers of a process that has, or has had, more than one.

    While one runs, or lets time catch up with the process's clock, `Process.fiber` is it. When
    none can run the process is idle: it watches what its fibers wait for, all together, and the
    one that the kernel resumes passes the wake-up on to the others.

    Attributes:
        main: the fiber that the process began with.
        others: those that were started since and have not ended, in that order.
    """

    __slots__ = (
        "_engine", "_idle", "_process", "_runnable", "_spare", "_timers", "_tokens", "_unparked",
        "_waiting", "main", "others",
    )  # fmt: skip

    def __init__(self, process: Process, main: Fiber) -> None:
        self._process = process
        self._engine = process.kernel.engine
        self._idle = False
        self._runnable: deque[Fiber] = deque()
        # What a fiber waits for, and how often time had passed for the process by then.
        self._waiting: dict[Fiber, tuple[Any, int]] = {}
        # The fibers that are parked, and whether they have been unparked.
        self._unparked: dict[Fiber, bool] = {}
        # When the timer of a fiber is due that waits for a time, and what it is known by.
        self._timers: dict[Fiber, tuple[int, int]] = {}
        self._tokens = 0
        self._spare: Fiber | None = None
        self.main = main
        self.others: dict[Fiber, None] = {}

    # -- what fibers call ------------------------------------------------------------------------

    def start(self, body: Callable[[], object], apart: bool) -> Fiber:
        """Start a fiber, which runs at once and until it blocks or ends.

        *apart*: with a stack of its own, and not on top of the main fiber's.
        """
        fiber = self._spare or Fiber(self._run, self._engine.hub, self._process)
        self._spare = None
        self.others[fiber] = None
        me = self._me()
        self._runnable.appendleft(me)
        self._process.fiber = fiber
        if me is self.main and not apart:
            fiber.switch(body)
        else:
            self._engine.begin(fiber, body)
        return fiber

    def wait(self, watch: object) -> None:
        """Block the calling fiber until the kernel has changed what *watch* names, or may have."""
        process = self._process
        waiting = self._waiting
        me: Any = process.fiber
        alone = not (self._runnable or waiting)
        waiting[me] = watch, process.passed
        try:
            if not alone:
                self._give_up(me)
                return
            # Written out for what is most common: all others wait for this one.
            self._idle = True
            process.watch = watch
            self._engine.hub.switch()
            if self._idle:
                self._idle = False
                if len(waiting) > 1:
                    del waiting[me]
                    self._woken()
        except BaseException:
            self._idle = False
            raise
        finally:
            waiting.pop(me, None)

    def sleep(self, until: int) -> None:
        """Block the calling fiber until time *until*, in picoseconds."""
        me = self._me()
        self._set_timer(me, until)
        try:
            self._give_up(me)
        finally:
            self._drop_timer(me)

    def park(self, until: int | None) -> bool:
        """Block the calling fiber until `unpark`, or time *until*; return whether it was unparked.

        Args:
            until: in picoseconds; None: for ever.
        """
        me = self._me()
        self._unparked[me] = False
        if until is not None:
            self._set_timer(me, until)
        try:
            self._give_up(me)
            return self._unparked[me]
        finally:
            del self._unparked[me]
            self._drop_timer(me)

    def unpark(self, fiber: Fiber) -> None:
        """Let a *fiber* that is parked or waits run when its turn comes; nothing to any other."""
        if self._waiting.pop(fiber, None) is None:
            if self._unparked.get(fiber, True):
                return
            self._drop_timer(fiber)
            self._unparked[fiber] = True
        self._runnable.append(fiber)
        if self._idle:
            self._engine.at(max(self._engine.now, self._process.clock), self._rouse)

    def yield_cpu(self) -> None:
        """Let all other fibers run that can, or may."""
        self._look_again()
        if self._runnable:
            me = self._me()
            self._runnable.append(me)
            self._give_up(me)

    def raise_in_main(self, error: BaseException) -> None:
        """Raise *error* in the main fiber, at once; another one calls, and goes on in its turn."""
        me = self._me()
        if self.main in self._runnable:
            self._runnable.remove(self.main)
        self._runnable.append(me)
        self._process.fiber = self.main
        self.main.throw(type(error), error, error.__traceback__)

    # -- the end ---------------------------------------------------------------------------------

    def kill(self, _: object = None) -> None:
        """End all fibers but the main one where they stand; called from the engine."""
        self._process.dying = True
        if self._spare is not None:
            self.others[self._spare] = None
            self._spare = None
        while self.others:
            self.end(next(iter(self.others)))

    def end(self, fiber: Fiber) -> None:
        """End one of the other fibers of a dying process where it stands; from the engine."""
        del self.others[fiber]
        if fiber in self._runnable:
            self._runnable.remove(fiber)
        if fiber:
            fiber.throw(ProcessKilled())

    def _run(self, body: Callable[[], object]) -> None:
        """Run *body* in a fiber of its own, and let others run at its end.

        The fiber is kept for the next body, unless another one is: making it anew costs several
        system calls of the host.
        """
        me = self._me()
        while True:
            try:
                body()
            except (ProcessKilled, GreenletExit):
                pass
            except BaseException:
                if not self._process.dying:
                    if self.main in self._runnable:
                        self._runnable.remove(self.main)
                    me.parent = self._hand_over(me, self.main)
                    raise
            if self._process.dying:
                return
            following = self._hand_over(me, self._next())
            if self._spare is not None:
                me.parent = following
                return
            self._spare = me
            try:
                body = following.switch()
            except (ProcessKilled, GreenletExit):
                return

    def _hand_over(self, me: Fiber, following: Fiber | None) -> greenlet:
        """Note that *me* has ended and return whom to resume: *following*, or the hub for none."""
        del self.others[me]
        if following is None:
            self._watch()
            return self._engine.hub
        self._process.fiber = following
        if following is self.main and not (self.others or self._runnable):
            # The main fiber is alone again, and blocks as if there had never been another.
            self._process.fibers, self._process.resting = None, self
        return following

    # -- taking turns ----------------------------------------------------------------------------

    def _me(self) -> Fiber:
        fiber = self._process.fiber
        assert fiber is not None
        return fiber

    def _give_up(self, me: Fiber) -> None:
        """Let other fibers run until it is the turn of *me*."""
        process = self._process
        while (following := self._next()) is not me:
            if following is None:
                self._watch()
                self._switch_to_hub()
            else:
                process.fiber = following
                following.switch()
            if not self._idle:
                return
            self._woken()
        process.fiber = me

    def _switch_to_hub(self) -> None:
        try:
            self._engine.hub.switch()
        except BaseException:
            self._idle = False
            raise

    def _woken(self) -> None:
        """Let all look that wait: the kernel has changed something, and has told one fiber."""
        self._idle = False
        self._runnable.extend(self._waiting)
        self._waiting.clear()

    def _next(self) -> Fiber | None:
        """Return the fiber whose turn it is, None if none can run."""
        if not self._runnable:
            self._look_again()
        return self._runnable.popleft() if self._runnable else None

    def _look_again(self) -> None:
        """Let those run that have waited while time passed: nobody told them of changes."""
        passed = self._process.passed
        for fiber, (_, then) in list(self._waiting.items()):
            if then != passed:
                del self._waiting[fiber]
                self._runnable.append(fiber)

    def _watch(self) -> None:
        """Become idle: watch what the fibers wait for."""
        self._idle = True
        waiting = self._waiting
        process = self._process
        if waiting:
            process.fiber, (watch, _) = next(iter(waiting.items()))
            process.watch = watch if len(waiting) == 1 else ANYTHING
        else:
            process.fiber, process.watch = self.main, _NOTHING

    def _set_timer(self, me: Fiber, until: int) -> None:
        self._tokens += 1
        due = max(until, self._engine.now)
        self._timers[me] = due, self._tokens
        self._engine.at(due, self._expire, (me, self._tokens))

    def _drop_timer(self, fiber: Fiber) -> None:
        """Forget a fiber's timer, which must not keep virtual time going."""
        if fiber in self._timers:
            due, token = self._timers.pop(fiber)
            self._engine.cancel(due, self._expire, (fiber, token))

    def _expire(self, timer: tuple[Fiber, int]) -> None:
        """Let a fiber run whose time has come."""
        fiber, token = timer
        process = self._process
        if process.held:
            # They came before the process's time: a program that polls must see them now.
            process.kernel.release(process)
        if self._timers.get(fiber, (0, 0))[1] == token:
            del self._timers[fiber]
            self._runnable.append(fiber)
            self._rouse(None)

    def _rouse(self, _: object) -> None:
        """Resume an idle process in a fiber that can run, unless the kernel has made it ready."""
        process = self._process
        if self._idle and process.watch is not None and self._runnable and not process.dead:
            self._idle = False
            process.watch = None
            process.fiber = self._runnable.popleft()
            process.resume()
