"""What a server has its Trio task do with the host's files, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from trio.lowlevel import ParkingLot

from vmpp.engine.bridge import Bridge, Ticket


class HostWork:
    """A queue of what is to be read from the host and written to it, and the task that does it.

    What is done, and in which order, is decided on in virtual time, which a *ticket* of the bridge
    keeps from passing the time at which it has to be done.
    """

    __slots__ = ("_bridge", "_lot", "_start", "_started", "_work")

    def __init__(self, bridge: Bridge, start: Callable[[], object]) -> None:
        """Begin with nothing to do; *start* starts the task when there is something."""
        self._bridge = bridge
        self._start = start
        self._started = False
        self._work: deque[tuple[Ticket | None, Callable[[], object], Any, Any]] = deque()
        self._lot = ParkingLot()

    def add(
        self,
        action: Callable[[], object],
        due: int = -1,
        then: Callable[[Any], object] | None = None,
        argument: Any = None,
    ) -> None:
        """Have the task call *action*, and after that *then(argument)*, an event at time *due*.

        Args:
            due: picoseconds; without *then* nobody waits for what is done.
        """
        ticket = None if then is None else self._bridge.open(due)
        self._work.append((ticket, action, then, argument))
        if self._started:
            self._lot.unpark_all()
        else:
            self._started = True
            self._start()

    async def run(self) -> None:
        """Do what there is to do, for ever: the task."""
        try:
            while True:
                while self._work:
                    ticket, action, then, argument = self._work.popleft()
                    action()
                    if ticket is not None:
                        self._bridge.close(ticket, then, argument)
                await self._lot.park()
        finally:
            # Nobody reads or writes any more.
            for ticket, _, _, _ in self._work:
                if ticket is not None:
                    self._bridge.close(ticket, _nothing, None)


def _nothing(_: object) -> None:
    """Do nothing, in the place of what would have followed."""
