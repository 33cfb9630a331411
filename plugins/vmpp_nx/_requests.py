"""Message ids: what they stand for, and how many there can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vmpp_nx._errors import Refused
from vmpp_nx._information import report
from vmpp_nx._receives import Receiving, Wanted
from vmpp_nx._sends import Sending

if TYPE_CHECKING:
    from vmpp_nx._flow import Peer
    from vmpp_nx._messages import Messages
    from vmpp_nx._state import State


class Request:
    """What a message id stands for: sends and a receive that are under way, several if merged.

    Attributes:
        sends: those that are not known to be done.
        receives: likewise, each with the array that is to be told of its message.
    """

    __slots__ = ("_messages", "_state", "receives", "sends")

    def __init__(self, state: State) -> None:
        self._state = state
        self._messages: Messages = state.messages
        self.sends: list[Sending] = []
        self.receives: list[tuple[Receiving, Any]] = []

    def send(self, bits: int, peers: list[Peer], body: memoryview) -> None:
        """Begin to send to all of *peers*."""
        begun = [self._messages.sends.begin(peer, bits, body) for peer in peers]
        self.sends += [sending for sending in begun if not sending.done]

    def receive(self, wanted: Wanted, buffer: memoryview, info: Any) -> None:
        """Begin to receive. Raises Refused: EQNOMID: the match list is full."""
        self.receives.append((self._messages.receives.begin(wanted, buffer), info))

    def absorb(self, other: Request) -> None:
        """Stand for what *other* does, too."""
        self.sends += other.sends
        self.receives += other.receives

    def look(self) -> Any:
        """Return None if all is complete by now, or a descriptor whose change it waits for.

        Raises:
            Refused: EQMSGLONG: a message was too long for its buffer.
        """
        sends, receives = self._messages.sends, self._messages.receives
        while self.sends:
            watch = sends.look(self.sends[-1])
            if watch is not None:
                return watch
            self.sends.pop()
        while self.receives:
            receiving, info = self.receives[0]
            watch = receives.look(receiving)
            if watch is not None:
                return watch
            del self.receives[0]
            if receiving.error is not None:
                raise receiving.error
            if receiving.header is not None:
                report(self._state, receiving.header, info)
        return None

    def wait(self) -> None:
        """Block until all is complete. Raises as `look`, and EDEADLK in a handler."""
        process = self._state.process
        while (watch := self.look()) is not None:
            self._messages.receives.may_wait()
            process.wait(watch)

    def cancel(self) -> None:
        """Take back what can be, so that the program may use its buffers again."""
        for sending in self.sends:
            self._messages.sends.cancel(sending)
        self.sends.clear()
        for receiving, _ in self.receives:
            self._messages.receives.cancel(receiving)


class Ids:
    """The message ids of a process: a limited number of them, from 1 on, the lowest first."""

    __slots__ = ("_free", "_limit", "_most", "_state", "ignored", "requests")

    def __init__(self, state: State) -> None:
        self._state = state
        self._limit = state.parameters.ids
        self._most = 0
        self._free: list[int] = []
        self.requests: dict[int, Request] = {}
        # What goes on although nobody will ask: its id is taken until it is complete.
        self.ignored: dict[int, Request] = {}

    def new(self, begin: Callable[[Request], object]) -> int:
        """Return an id for what *begin* lets a request do.

        Raises:
            Refused: EQNOMID: all ids are in use; and whatever *begin* raises.
        """
        mid = self._next()
        request = Request(self._state)
        try:
            begin(request)
        except BaseException:
            self._free.append(mid)
            raise
        self.requests[mid] = request
        return mid

    def _next(self) -> int:
        if not self._free and self._most == self._limit:
            self._sweep()
        if self._free:
            return self._free.pop()
        if self._most == self._limit:
            raise Refused("EQNOMID", f"all {self._limit} message ids are in use")
        self._most += 1
        return self._most

    def _sweep(self) -> None:
        """Release the ids of what has been ignored and is complete by now."""
        for mid, request in list(self.ignored.items()):
            if request.look() is None:
                del self.ignored[mid]
                self._free.append(mid)

    def request(self, mid: int) -> Request:
        """Return what an id stands for. Raises Refused: EQMID: nothing."""
        found = self.requests.get(mid)
        if found is None:
            raise Refused("EQMID", f"{mid!r} is none, or none any more")
        return found

    def release(self, mid: int) -> None:
        """Let an id be used again."""
        del self.requests[mid]
        self._free.append(mid)

    def ignore(self, mid: int) -> None:
        """Release an id when what it stands for is complete."""
        self.ignored[mid] = self.request(mid)
        del self.requests[mid]
        self._sweep()
