"""Servers: processes of the system that answer requests which arrive through portals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

import trio
from trio.lowlevel import ParkingLot

from vmpp.engine.bridge import Bridge, Ticket
from vmpp.kernel import QuintessentialKernel, SystemProcess
from vmpp.portals import (
    AckOutcome,
    Address,
    DynamicBlock,
    Header,
    Heap,
    MemoryOperation,
    PortalEntry,
    SendInfo,
)
from vmpp.process.link import REQUEST_PORTAL

_HEAP_BYTES: Final = 1 << 30


class Caller(NamedTuple):
    """Who asks: the job and rank of a process, and the time at which the answer takes effect.

    A session has a number in the place of its job's, and the system itself 0. The node is that of
    which the message says that it comes from there, and the process number the one it has there.
    """

    job: int
    rank: int
    time: int
    node: int = -1
    pid: int = -1


_Answered = tuple[Header, bytes | None]
"""A request and its reply; None says that there is no server any more."""

_Message = tuple[Address, int, int, bytes, SendInfo]
"""What a service says: to whom, portal, match bits, body, and its wishes."""


class Later:
    """An answer that waits for what another process asks, while virtual time goes on.

    The one that a service returns for a request of which it cannot know yet when it ends, because a
    lock is taken, say. Answered within another request, it takes effect when that does.
    """

    __slots__ = ("_deliver",)

    def __init__(self) -> None:
        self._deliver: Callable[[bytes], object] | None = None

    def promise(self, deliver: Callable[[bytes], object]) -> None:
        """Say what the answer is to be given to; whoever receives requests calls this, once."""
        self._deliver = deliver

    def answer(self, reply: bytes) -> bool:
        """Answer the request; return whether anybody still waits for it."""
        assert self._deliver is not None
        return bool(self._deliver(reply))


class Unhurried(Later):
    """An answer that waits for somebody outside of the machine, while virtual time goes on.

    It takes effect when it comes, so a run in which one is waited for is not repeatable.
    """

    __slots__ = ("awaited",)

    def __init__(self, awaited: Awaitable[bytes]) -> None:
        super().__init__()
        self.awaited = awaited


class Delayed(NamedTuple):
    """What an awaitable answers to slow somebody down: *reply*, *delay* picoseconds late."""

    reply: bytes
    delay: int


class Service(Protocol):
    """What a server does, apart from portals and tasks.

    Attributes:
        name: what processes call it by.
        least_service_time: picoseconds that a request takes at the least, which virtual time waits
            for at the longest.
    """

    name: str
    least_service_time: int

    def serve(self, caller: Caller, request: bytes) -> bytes | Later | Awaitable[bytes | Delayed]:
        """Return the reply to a request, or what it has to wait for.

        Returns:
            An awaitable if the host must be waited for, `Later` if another process must be, and
            `Unhurried` if somebody outside must be, whom the machine does not wait for.
        """
        ...


class Conversation(Protocol):
    """What a service has asked other servers for, on behalf of requests that wait for it."""

    @property
    def busy(self) -> bool:
        """Whether anything has not been answered."""
        ...

    def break_off(self, time: int) -> None:
        """Have all of that fail, at *time*, ps: no answer will come."""
        ...


class Server(SystemProcess, ABC):
    """A process of the service or I/O partition with one portal, which takes requests.

    Requests are served one after the other, each taking the least service time, in the order of
    their arrival. A server that is stopped is nobody to its callers, who are told so at once.

    Attributes:
        kernel: the kernel of its node.
        least_service_time: of a request, in picoseconds.
        requests: how many have arrived.
    """

    __slots__ = ("_free", "_heap", "kernel", "least_service_time", "requests")

    def __init__(self, kernel: QuintessentialKernel, pid: int, least_service_time: int) -> None:
        super().__init__(Address(kernel.nid, pid, -1, 0))
        self.kernel = kernel
        self.least_service_time = least_service_time
        self.requests = 0
        self._free = 0
        self._heap = Heap(_HEAP_BYTES)
        self.table.install(
            REQUEST_PORTAL,
            PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap), self._arrived),
        )

    def stop(self) -> None:
        """Take no more requests, from this instant of virtual time on."""
        self.dead = True

    def start(self) -> None:
        """Take requests again; what the server knew it still knows."""
        self.dead = False

    @abstractmethod
    def received(self, header: Header, due: int) -> None:
        """Serve a request, whose answer is due at time *due*."""

    def abandon(self, job: int) -> None:
        """Let no request of *job* hold virtual time up any more: its processes are being killed."""

    def _arrived(self, header: Header, outcome: int) -> None:
        """Take a request: the handler of the portal."""
        if outcome == AckOutcome.DROPPED:
            return
        self._heap.messages.pop()
        self._heap.free(header)
        self.requests += 1
        self._free = max(self._free, self.kernel.engine.now) + self.least_service_time
        self.received(header, self._free)

    def reply(self, answered: _Answered) -> None:
        """Send a reply on its way, now; None says that there is no server any more."""
        header, reply = answered
        info = header.info
        if info is None or info.return_portal < 0:
            return
        self.clock = max(self.clock, self.kernel.engine.now)
        outcome = AckOutcome.NO_PROCESS if reply is None else AckOutcome.READ
        self.kernel.send(
            self,
            header.source,
            info.return_portal,
            info.return_bits,
            reply or None,
            len(reply or b""),
            SendInfo(user_data=outcome),
        )


class ServiceProcess(Server):
    """A server that is one Trio task and does what a `Service` says.

    An answer that has to wait for the host holds virtual time up, and nobody else's. When the
    server is stopped, what has arrived by then is served; but what waits, for the host or for
    another process, fails.

    A service may itself ask others for something (`say`), and be told in its turn, between the
    requests (`in_turn`). So what it knows changes in the order in which messages arrive, however
    the host runs its task.

    Attributes:
        conversation: what it has asked others for; None: it never asks.
    """

    __slots__ = (
        "_abandoned", "_awaited", "_bridge", "_later", "_lot", "_pending", "_released", "_said",
        "_service", "_serving", "_stops", "conversation",
    )  # fmt: skip

    def __init__(
        self, kernel: QuintessentialKernel, pid: int, service: Service, bridge: Bridge
    ) -> None:
        super().__init__(kernel, pid, service.least_service_time)
        self._service = service
        self._bridge = bridge
        self._pending: deque[tuple[Ticket, Header | Callable[[int], object], int]] = deque()
        # With the time from which on they wait.
        self._later: dict[Later, tuple[Header, int]] = {}
        self._released: list[_Answered] = []
        # What the service says to others when that of which it says it takes effect.
        self._said: list[_Message] = []
        # What the host is waited for, and on behalf of which job.
        self._awaited: dict[Ticket, tuple[trio.CancelScope, int]] = {}
        self._abandoned: set[int] = set()
        self._serving = False
        self._stops = 0
        self._lot = ParkingLot()
        self.conversation: Conversation | None = None

    async def run(self) -> None:
        """Answer requests for ever: the server's Trio task. When cancelled, nobody listens."""
        try:
            async with trio.open_nursery() as nursery:
                while True:
                    while self._pending:
                        self._take_turn(nursery, *self._pending.popleft())
                    await self._lot.park()
        finally:
            self.stop()
            for ticket, what, _ in self._pending:
                if isinstance(what, Header):
                    self._bridge.close(ticket, self.reply, (what, None))
                else:
                    self._bridge.close(ticket, self._reply_all, ())

    def _take_turn(
        self,
        nursery: trio.Nursery,
        ticket: Ticket,
        what: Header | Callable[[int], object],
        stops: int,
    ) -> None:
        """Serve a request, or do what is to be done in the order of requests."""
        if not isinstance(what, Header):
            self._serving = True
            what(ticket.deadline)
            self._serving = False
            self._close(ticket, stops)
            return
        source = what.source
        caller = Caller(source.group, source.rank, ticket.deadline, source.nid, source.pid)
        self._serving = True
        answer = self._service.serve(caller, what.body or b"")
        self._serving = False
        if isinstance(answer, bytes):
            self._close(ticket, stops, (what, answer))
        elif isinstance(answer, Later):
            self._later[answer] = what, ticket.deadline
            answer.promise(partial(self._answered, answer))
            released, self._released = self._released, []
            self._finish(ticket, self._wait, (released, answer, stops), stops)
            if isinstance(answer, Unhurried):
                nursery.start_soon(self._hear, answer)
        else:
            nursery.start_soon(self._await, ticket, what, answer, stops)

    def stop(self) -> None:
        """Take no more requests, from this instant of virtual time on, and let none wait on."""
        super().stop()
        self._stops += 1
        for later, (_, since) in list(self._later.items()):
            if since <= self.kernel.engine.now:
                self._answered(later, None)
        for scope, _ in self._awaited.values():
            scope.cancel()
        if self.conversation is not None:
            self.in_turn(self.conversation.break_off)

    def give_up(self) -> bool:
        """Have fail what others have been asked for; return whether there was anything.

        To be called when nothing else happens on the machine, and messages have been lost.
        """
        conversation = self.conversation
        if conversation is None or not conversation.busy:
            return False
        self.in_turn(conversation.break_off)
        return True

    def in_turn(self, act: Callable[[int], object]) -> None:
        """Have *act* called, with the time that it is now, after what has arrived by now.

        To be called from an event.
        """
        self._pending.append((self._bridge.open(self.kernel.engine.now), act, self._stops))
        self._lot.unpark_all()

    def say(self, address: Address, portal: int, bits: int, body: bytes, info: SendInfo) -> None:
        """Send a message: when the request takes effect that is being served, or else now."""
        message = address, portal, bits, body, info
        if self._serving:
            self._said.append(message)
        else:
            self._send(message)

    def _send(self, message: _Message) -> None:
        address, portal, bits, body, info = message
        self.clock = max(self.clock, self.kernel.engine.now)
        self.kernel.send(self, address, portal, bits, body, len(body), info)

    def abandon(self, job: int) -> None:
        """Wait for the host no longer on behalf of *job*: its processes are being killed."""
        self._abandoned.add(job)
        for scope, whose in self._awaited.values():
            if whose == job:
                scope.cancel()

    @property
    def behind(self) -> bool:
        """Whether there are requests that the task has not looked at yet."""
        return bool(self._pending)

    def received(self, header: Header, due: int) -> None:
        """Have the task serve a request."""
        self._pending.append((self._bridge.open(due), header, self._stops))
        self._lot.unpark_all()

    def _close(self, ticket: Ticket, stops: int, *answered: _Answered) -> None:
        """Close the request of *ticket*, and with it those that it has released."""
        if self._released:
            answered += tuple(self._released)
            self._released.clear()
        if len(answered) == 1:
            self._finish(ticket, self.reply, answered[0], stops)
        else:
            self._finish(ticket, self._reply_all, answered, stops)

    def _finish(
        self, ticket: Ticket, act: Callable[[Any], object], argument: Any, stops: int
    ) -> None:
        """Close *ticket* with *act*, before which goes out what the service has said."""
        if self._said:
            said, self._said = self._said, []
            self._bridge.close(ticket, self._speak, (said, act, argument, stops))
        else:
            self._bridge.close(ticket, act, argument)

    def _speak(self, spoken: tuple[list[_Message], Callable[[Any], object], Any, int]) -> None:
        said, act, argument, stops = spoken
        if stops == self._stops:
            for message in said:
                self._send(message)
        act(argument)

    def _answered(self, later: Later, reply: bytes | None) -> bool:
        found = self._later.pop(later, None)
        if found is None:
            return False  # it was told that the server has gone
        self._released.append((found[0], reply))
        if not self._serving:
            # Nobody's request has brought the answer about, but a process's end has.
            self._close(self._bridge.open(self.kernel.engine.now), self._stops)
        return True

    async def _hear(self, answer: Unhurried) -> None:
        answer.answer(await answer.awaited)

    def _wait(self, waits: tuple[list[_Answered], Later, int]) -> None:
        """Reply to those whom a request that waits has released, and begin to wait."""
        released, later, stops = waits
        self._reply_all(released)
        if stops != self._stops and later in self._later:
            self.reply((self._later.pop(later)[0], None))

    async def _await(
        self, ticket: Ticket, header: Header, answer: Awaitable[bytes | Delayed], stops: int
    ) -> None:
        reply: bytes | Delayed | None = None
        job = header.source.group
        try:
            with trio.CancelScope() as scope:
                self._awaited[ticket] = scope, job
                if stops != self._stops or job in self._abandoned:
                    scope.cancel()
                reply = await answer
        finally:
            del self._awaited[ticket]
            self._bridge.close(ticket, self._reply_unless_stopped, (header, reply, stops))

    def _reply_unless_stopped(self, answered: tuple[Header, bytes | Delayed | None, int]) -> None:
        """Reply to what the host was waited for.

        Whether the host was done when the server was stopped must not show, so it never was.
        """
        header, reply, stops = answered
        if stops != self._stops:
            reply = None
        if isinstance(reply, Delayed):
            later, engine = Later(), self.kernel.engine
            self._later[later] = header, engine.now
            engine.after(reply.delay, lambda text: self._answered(later, text), reply.reply)
        else:
            self.reply((header, reply))

    def _reply_all(self, answered: Iterable[_Answered]) -> None:
        for one in answered:
            self.reply(one)
