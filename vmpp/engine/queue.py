"""The event queue: the innermost loop of the product."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

from greenlet import getcurrent, greenlet

NEVER: Final = 1 << 100
"""A time after every event: forty billion years."""

Event = tuple[int, int, Callable[[Any], object], Any]


class Engine:
    """Orders callbacks by ``(time, sequence)`` and runs them.

    Two events at one instant run in the order in which they were scheduled, so a run depends on
    nothing but its inputs. Fibers live beside the queue: their hub is the greenlet that runs it.

    Attributes:
        now: the time of the running event, in picoseconds.
        horizon: events at or after this time must wait (see `vmpp.engine.bridge`).
        queue: the heap itself. The hot path pushes on it directly, as `at` does.
        next_sequence: draws the tie-breaker of the next event.
        hub: the greenlet that events run in and that fibers return to.
    """

    __slots__ = ("horizon", "hub", "next_sequence", "now", "queue")

    def __init__(self) -> None:
        self.now = 0
        self.horizon = NEVER
        self.queue: list[Event] = []
        self.next_sequence: Callable[[], int] = count().__next__
        self.hub: greenlet = getcurrent()

    def at(self, when: int, callback: Callable[[Any], object], argument: Any = None) -> None:
        """Call *callback(argument)* at time *when*, in picoseconds.

        Raises:
            ValueError: *when* lies in the virtual past.
        """
        if when < self.now:
            raise ValueError(f"cannot schedule at {when} ps: it is {self.now} ps already")
        heappush(self.queue, (when, self.next_sequence(), callback, argument))

    def after(self, delay: int, callback: Callable[[Any], object], argument: Any = None) -> None:
        """Call *callback(argument)* when *delay* picoseconds have passed."""
        self.at(self.now + delay, callback, argument)

    def peek(self) -> int:
        """Return the time of the next event, or `NEVER`."""
        return self.queue[0][0] if self.queue else NEVER

    def place(self) -> tuple[int, Event | None]:
        """Return the time and the next event: no two events see the same, whoever asks from where.

        Safe to call from another thread.
        """
        try:
            return self.now, self.queue[0]
        except IndexError:
            return self.now, None

    def step(self, events: int) -> bool:
        """Run at most *events* events before the horizon; return whether more could run now.

        The greenlet that calls becomes the hub. An exception of a callback propagates.
        """
        self.hub = getcurrent()
        queue = self.queue
        for _ in range(events):
            if not queue:
                return False
            event = queue[0]
            when = event[0]
            if when >= self.horizon:
                return False
            heappop(queue)
            self.now = when
            event[2](event[3])
        return bool(queue) and queue[0][0] < self.horizon

    def run(self) -> None:
        """Run until nothing is left before the horizon."""
        while self.step(1 << 20):
            continue
