"""Servers: processes of the system that answer requests which arrive through portals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final, NamedTuple, Protocol

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
    """

    __slots__ = (
        "_abandoned", "_awaited", "_bridge", "_later", "_lot", "_pending", "_released", "_service",
        "_serving", "_stops",
    )  # fmt: skip

    def __init__(
        self, kernel: QuintessentialKernel, pid: int, service: Service, bridge: Bridge
    ) -> None:
        super().__init__(kernel, pid, service.least_service_time)
        self._service = service
        self._bridge = bridge
        self._pending: deque[tuple[Ticket, Header, int]] = deque()
        # With the time from which on they wait.
        self._later: dict[Later, tuple[Header, int]] = {}
        self._released: list[_Answered] = []
        # What the host is waited for, and on behalf of which job.
        self._awaited: dict[Ticket, tuple[trio.CancelScope, int]] = {}
        self._abandoned: set[int] = set()
        self._serving = False
        self._stops = 0
        self._lot = ParkingLot()

    async def run(self) -> None:
        """Answer requests for ever: the server's Trio task. When cancelled, nobody listens."""
        try:
            async with trio.open_nursery() as nursery:
                while True:
                    while self._pending:
                        ticket, header, stops = self._pending.popleft()
                        source = header.source
                        caller = Caller(
                            source.group, source.rank, ticket.deadline, source.nid, source.pid
                        )
                        self._serving = True
                        answer = self._service.serve(caller, header.body or b"")
                        self._serving = False
                        if isinstance(answer, bytes):
                            self._close(ticket, (header, answer))
                        elif isinstance(answer, Later):
                            self._later[answer] = header, ticket.deadline
                            answer.promise(partial(self._answered, answer))
                            released, self._released = self._released, []
                            self._bridge.close(ticket, self._wait, (released, answer, stops))
                            if isinstance(answer, Unhurried):
                                nursery.start_soon(self._hear, answer)
                        else:
                            nursery.start_soon(self._await, ticket, header, answer, stops)
                    await self._lot.park()
        finally:
            self.stop()
            for ticket, header, _ in self._pending:
                self._bridge.close(ticket, self.reply, (header, None))

    def stop(self) -> None:
        """Take no more requests, from this instant of virtual time on, and let none wait on."""
        super().stop()
        self._stops += 1
        for later, (_, since) in list(self._later.items()):
            if since <= self.kernel.engine.now:
                self._answered(later, None)
        for scope, _ in self._awaited.values():
            scope.cancel()

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

    def _close(self, ticket: Ticket, *answered: _Answered) -> None:
        """Close the request of *ticket*, and with it those that it has released."""
        if self._released:
            answered += tuple(self._released)
            self._released.clear()
        if len(answered) == 1:
            self._bridge.close(ticket, self.reply, answered[0])
        else:
            self._bridge.close(ticket, self._reply_all, answered)

    def _answered(self, later: Later, reply: bytes | None) -> bool:
        found = self._later.pop(later, None)
        if found is None:
            return False  # it was told that the server has gone
        self._released.append((found[0], reply))
        if not self._serving:
            # Nobody's request has brought the answer about, but a process's end has.
            self._close(self._bridge.open(self.kernel.engine.now))
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
