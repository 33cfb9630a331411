"""The watchdog: ends a fiber that keeps the processor to itself."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vmpp.engine.fiber import Fiber, current_fiber


class Overrun(BaseException):
    """Raised in a program that has computed for too long without a call that lets others run."""


class Watchdog:
    """Watches that whoever runs in a thread says now and then that it gets on.

    A fiber runs in the same thread as everything else, so one that never blocks stops the world.
    The watchdog is a thread of its own which, when `feed` has not been called and `place` has
    stayed the same for *limit* seconds of that thread's CPU time, raises `Overrun` in it, at the
    next instruction of the program. A program that catches that and goes on, again and again, is
    parked where it stands, for good.

    Attributes:
        fiber_runs: whether a program may be interrupted now; the hub sets it.
        place: says where in virtual time the thread is; the hub sets it.
        refused: told, in the fiber itself, of one that is going to be parked.
    """

    HURRIED = 0.5
    """The limit in seconds once somebody is waiting for the end."""
    CAUGHT = 3
    """How often a program may catch `Overrun` and go on."""

    __slots__ = (
        "_clock", "_done", "_fed", "_limit", "_patience", "_refusal", "_target", "fiber_runs",
        "place", "refused",
    )  # fmt: skip

    def __init__(self, limit: float) -> None:
        self._patience = self._limit = limit
        self._target = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._target)
        self._done = threading.Event()
        self._fed = 0
        self.fiber_runs = False
        self.place: Callable[[], object] = lambda: None
        self.refused: Callable[[Fiber], object] = lambda fiber: None

        class Refusal(BaseException):
            """Made in the fiber that would catch it, which does not get further than here."""

            def __init__(refusal) -> None:  # noqa: N805 - `self` is the watchdog
                self._park()

        self._refusal = Refusal

    def feed(self) -> None:
        """Say that the thread gets on."""
        self._fed += 1

    def _park(self) -> None:
        fiber = current_fiber()
        if fiber is None or fiber.parent is None:
            return
        self.refused(fiber)
        while True:
            try:
                fiber.parent.switch()
            except BaseException:
                continue

    def hurry(self) -> None:
        """Have little patience from now on. Safe to call from a signal handler."""
        self._limit = min(self._limit, self.HURRIED)

    def calm(self) -> None:
        """Be as patient again as at the beginning: what was waited for has ended."""
        self._limit = self._patience

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the calling thread within the block; leaves no thread behind."""
        thread = threading.Thread(target=self._watch, name="vmpp watchdog", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()

    def _watch(self) -> None:
        seen = self._fed, self.place()
        since = time.clock_gettime(self._clock)
        raised = 0
        while not self._done.wait(min(self._limit / 4, 0.5)):
            now = time.clock_gettime(self._clock)
            before, seen = seen, (self._fed, self.place())
            if before != seen or not self.fiber_runs:
                since = now
                raised = 0
            elif now - since >= self._limit:
                since = now
                raised += 1
                error = Overrun if raised <= self.CAUGHT else self._refusal
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._target), ctypes.py_object(error)
                )
