"""The event queue: the innermost loop of the product."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Final

from greenlet import getcurrent, greenlet

NEVER: Final = 1 << 100
"""A time after every event: forty billion years."""


class Engine:
    """Orders callbacks by time, those of one instant by when they were scheduled, and runs them.

    So a run depends on nothing but its inputs. The ranks of a parallel program do much at the same
    instants: the queue is a heap of the instants at which something happens, with a list of events
    for each, in sequence. Fibers live beside the queue: their hub is the greenlet that runs it.

    Attributes:
        now: the time of the running event, in picoseconds.
        horizon: events at or after this time must wait (see `vmpp.engine.bridge`).
        hub: the greenlet that events run in and that fibers return to.
    """

    __slots__ = (
        "_done", "_emptied", "_events", "_instants", "_nursery", "horizon", "hub", "now",
    )  # fmt: skip

    def __init__(self) -> None:
        self.now = 0
        self.horizon = NEVER
        self.hub: greenlet = getcurrent()
        self._nursery: greenlet | None = None
        self._instants: list[int] = []
        # By instant: callback and argument of each event, in turn.
        self._events: dict[int, list[Any]] = {}
        # How much of the list of the earliest instant has been run.
        self._done = 0
        # How many instants there may be of which everything has been taken back.
        self._emptied = 0

    def at(self, when: int, callback: Callable[[Any], object], argument: Any = None) -> None:
        """Call *callback(argument)* at time *when*, in picoseconds.

        Raises:
            ValueError: *when* lies in the virtual past.
        """
        events = self._events.get(when)
        if events is not None:
            events += (callback, argument)
            return
        if when < self.now:
            raise ValueError(f"cannot schedule at {when} ps: it is {self.now} ps already")
        self._events[when] = [callback, argument]
        heappush(self._instants, when)

    def after(self, delay: int, callback: Callable[[Any], object], argument: Any = None) -> None:
        """Call *callback(argument)* when *delay* picoseconds have passed."""
        self.at(self.now + delay, callback, argument)

    def cancel(self, when: int, callback: Callable[[Any], object], argument: Any = None) -> None:
        """Take back what `at` was told, unless that instant has begun.

        At an instant of which everything is taken back nothing happens: time does not go there.
        """
        events = self._events.get(when)
        if not events or (self._done and when == self._instants[0]):
            return
        for place in range(0, len(events), 2):
            if events[place] == callback and events[place + 1] == argument:
                del events[place : place + 2]
                break
        if not events:
            # Its place in the heap is given up when it comes to the front.
            self._emptied += 1
            if not self._done:
                self._drop_emptied()

    def begin(self, fiber: greenlet, body: Callable[[], object]) -> None:
        """Switch to a new *fiber*, to run *body*, as if from the hub.

        A fiber inherits how deep the interpreter's stack is where it is begun. Those that begin
        others, which begin others, would soon be at the limit.
        """
        assert self._nursery is not None
        self._nursery.switch(fiber, body)

    def peek(self) -> int:
        """Return the time of the next event, or `NEVER`."""
        self._drop_finished()
        return self._instants[0] if self._instants else NEVER

    def left(self, most: int) -> int:
        """Return how many events are left to run; if more than *most*, a number above that."""
        found = -(self._done // 2)
        for events in self._events.values():
            found += len(events) // 2
            if found > most:
                break
        return found

    def place(self) -> tuple[int, int]:
        """Return where in virtual time the engine is; no two events of a step see the same.

        Safe to call from another thread.
        """
        return self.now, self._done

    def step(self, events: int) -> bool:
        """Run at most *events* events before the horizon; return whether more could run now.

        The greenlet that calls becomes the hub. An exception of a callback propagates.
        """
        self.hub = getcurrent()
        if self._nursery is None:
            self._nursery = greenlet(_nurse, self.hub)
            self._nursery.switch(self.hub)
        instants = self._instants
        while instants:
            when = instants[0]
            if when >= self.horizon:
                return self._drop_finished() and instants[0] < self.horizon
            self.now = when
            batch = self._events[when]
            done = self._done
            # An event may add to its own instant, and draw the horizon up to it.
            while done < len(batch):
                if not events or when >= self.horizon:
                    return when < self.horizon
                events -= 1
                callback = batch[done]
                argument = batch[done + 1]
                done += 2
                self._done = done
                callback(argument)
            self._drop_finished()
        return False

    def run(self) -> None:
        """Run until nothing is left before the horizon."""
        while self.step(1 << 20):
            continue

    def _drop_finished(self) -> bool:
        """Forget the earliest instant if all of its events have run; return whether any is left."""
        instants = self._instants
        if instants and self._done == len(self._events[instants[0]]):
            del self._events[heappop(instants)]
            self._done = 0
            if self._emptied:
                self._drop_emptied()
        return bool(instants)

    def _drop_emptied(self) -> None:
        """Forget the instants at the front of which everything has been taken back."""
        instants = self._instants
        while instants and not self._events[instants[0]]:
            del self._events[heappop(instants)]
            self._emptied -= 1
        if not instants:
            self._emptied = 0


def _nurse(hub: greenlet) -> None:
    """Begin fibers: whoever wants one switches here, which ends the switch to the one before."""
    fiber, body = hub.switch()
    while True:
        fiber, body = fiber.switch(body)
