"""The bridge between virtual time and servers that Trio hosts."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

from trio.lowlevel import ParkingLot

from vmpp.engine.queue import NEVER, Engine


class Ticket:
    """A request that has left virtual time, and the event that its reply will be.

    Attributes:
        deadline: when the reply is due, in picoseconds.
        reply: callback and argument of the event; None as long as the request is open.
    """

    __slots__ = ("deadline", "reply")

    def __init__(self, deadline: int) -> None:
        self.deadline = deadline
        self.reply: tuple[Callable[[Any], object], Any] | None = None

    def take_effect(self, _: object) -> None:
        """Run the reply: the event that was scheduled when the request was opened."""
        if self.reply is None:
            raise RuntimeError(f"virtual time passed a request due at {self.deadline} ps")
        callback, argument = self.reply
        callback(argument)


class Bridge:
    """Keeps virtual time from passing what the host has not answered yet.

    A request is *open* until its reply is scheduled. Virtual time stops short of the earliest
    deadline of an open request, so an answer never arrives in the virtual past; and the reply has
    drawn its place among the events of its instant when the request was opened, so the order in
    which Trio runs its tasks never shows.
    """

    __slots__ = ("_engine", "_heap", "_opened", "_settled", "open_requests")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._heap: list[tuple[int, int, Ticket]] = []
        self._opened = count().__next__
        self._settled = ParkingLot()
        self.open_requests = 0

    def open(self, deadline: int) -> Ticket:
        """Open a request whose reply takes effect at *deadline* (picoseconds).

        To be called from an event, where the order of calls is that of virtual time.

        Raises:
            ValueError: *deadline* lies in the virtual past.
        """
        if deadline < self._engine.now:
            now = self._engine.now
            raise ValueError(f"cannot be answered at {deadline} ps: it is {now} ps already")
        ticket = Ticket(deadline)
        self._engine.at(deadline, ticket.take_effect)
        heappush(self._heap, (deadline, self._opened(), ticket))
        self.open_requests += 1
        self._engine.horizon = min(self._engine.horizon, deadline)
        return ticket

    def close(self, ticket: Ticket, callback: Callable[[Any], object], argument: Any) -> None:
        """Schedule the reply to a request: *callback(argument)* at its deadline.

        Raises:
            ValueError: the request has been answered.
        """
        if ticket.reply is not None:
            raise ValueError("this request has been answered")
        ticket.reply = callback, argument
        self.open_requests -= 1
        heap = self._heap
        while heap and heap[0][2].reply is not None:
            heappop(heap)
        self._engine.horizon = heap[0][0] if heap else NEVER
        self._settled.unpark_all()

    async def settled(self) -> None:
        """Wait until some request is answered, or `wake` is called."""
        await self._settled.park()

    def wake(self) -> None:
        """End the waits for `settled`: there is something new for the engine to do."""
        self._settled.unpark_all()
