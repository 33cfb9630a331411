"""Signals: what fibers wait for when it is not a message."""

from __future__ import annotations

from greenlet import getcurrent, greenlet

from vmpp.engine.queue import Engine


class _Waiter:
    __slots__ = ("fiber", "timed_out", "waiting")

    def __init__(self, fiber: greenlet) -> None:
        self.fiber = fiber
        self.waiting = True
        self.timed_out = False


class Signal:
    """A flag that fibers wait for, with or without a timeout.

    Waiters are resumed by the event queue in the order in which they came, at the instant at which
    the signal is set. A set signal stays set until `clear`.
    """

    __slots__ = ("_engine", "_waiters", "is_set")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiters: list[_Waiter] = []
        self.is_set = False

    def set(self) -> None:
        """Set the signal and schedule everyone who waits for it."""
        self.is_set = True
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            self._engine.at(self._engine.now, _resume, waiter)

    def clear(self) -> None:
        """Take the signal back; later waiters block again."""
        self.is_set = False

    def wait(self, timeout: int | None = None) -> bool:
        """Park the calling fiber until the signal is set; return False after *timeout* picoseconds.

        Cancellation is an exception thrown into the parked fiber: it stops waiting.
        """
        if self.is_set:
            return True
        waiter = _Waiter(getcurrent())
        self._waiters.append(waiter)
        if timeout is not None:
            self._engine.after(timeout, self._expire, waiter)
        try:
            self._engine.hub.switch()
        finally:
            # A resumption may be in the queue still, when an exception ended the wait.
            waiter.waiting = False
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        return not waiter.timed_out

    def _expire(self, waiter: _Waiter) -> None:
        if waiter in self._waiters:
            waiter.timed_out = True
            _resume(waiter)


def _resume(waiter: _Waiter) -> None:
    if waiter.waiting:
        waiter.fiber.switch()
