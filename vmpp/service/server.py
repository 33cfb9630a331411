"""Servers: Trio tasks that answer requests which arrive through portals."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
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

    Its node is that of which the message says that it comes from there.
    """

    job: int
    rank: int
    time: int
    node: int = -1


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

    def answer(self, reply: bytes) -> None:
        """Answer the request."""
        assert self._deliver is not None
        self._deliver(reply)


class Service(Protocol):
    """What a server does, apart from portals and tasks.

    Attributes:
        name: what processes call it by.
        least_service_time: picoseconds that a request takes at the least, which virtual time waits
            for at the longest.
    """

    name: str
    least_service_time: int

    def serve(self, caller: Caller, request: bytes) -> bytes | Later | Awaitable[bytes]:
        """Return the reply to a request, or what it has to wait for.

        Returns:
            An awaitable if the host must be waited for, `Later` if another process must be.
        """
        ...


class ServiceProcess(SystemProcess):
    """A server of the service or I/O partition: one portal, one Trio task, one `Service`.

    Requests are served one after the other, each taking the least service time, in the order of
    their arrival; an answer that has to wait for the host holds virtual time up, and nobody else's.

    Attributes:
        requests: how many have arrived.
    """

    __slots__ = (
        "_bridge", "_free", "_heap", "_kernel", "_later", "_lot", "_pending", "_released",
        "_service", "_serving", "requests",
    )  # fmt: skip

    def __init__(
        self, kernel: QuintessentialKernel, pid: int, service: Service, bridge: Bridge
    ) -> None:
        super().__init__(Address(kernel.nid, pid, -1, 0))
        self._kernel = kernel
        self._service = service
        self._bridge = bridge
        self._free = 0
        self._heap = Heap(_HEAP_BYTES)
        self._pending: deque[tuple[Ticket, Header]] = deque()
        self._later: dict[Later, Header] = {}
        self._released: list[_Answered] = []
        self._serving = False
        self._lot = ParkingLot()
        self.requests = 0
        self.table.install(
            REQUEST_PORTAL,
            PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap), self._arrived),
        )

    async def run(self) -> None:
        """Answer requests for ever: the server's Trio task. When cancelled, nobody listens."""
        try:
            async with trio.open_nursery() as nursery:
                while True:
                    while self._pending:
                        ticket, header = self._pending.popleft()
                        source = header.source
                        caller = Caller(source.group, source.rank, ticket.deadline, source.nid)
                        self._serving = True
                        answer = self._service.serve(caller, header.body or b"")
                        self._serving = False
                        if isinstance(answer, bytes):
                            self._close(ticket, (header, answer))
                        elif isinstance(answer, Later):
                            self._later[answer] = header
                            answer.promise(partial(self._answered, answer))
                            self._close(ticket)
                        else:
                            nursery.start_soon(self._await, ticket, header, answer)
                    await self._lot.park()
        finally:
            self.dead = True
            for ticket, header in self._pending:
                self._bridge.close(ticket, self._reply, (header, None))
            for later in list(self._later):
                self._answered(later, None)

    def _close(self, ticket: Ticket, *answered: _Answered) -> None:
        """Close the request of *ticket*, and with it those that it has released."""
        if self._released:
            answered += tuple(self._released)
            self._released.clear()
        if len(answered) == 1:
            self._bridge.close(ticket, self._reply, answered[0])
        else:
            self._bridge.close(ticket, self._reply_all, answered)

    def _answered(self, later: Later, reply: bytes | None) -> None:
        header = self._later.pop(later, None)
        if header is None:
            return  # it was told that the server has gone
        self._released.append((header, reply))
        if not self._serving:
            # Nobody's request has brought the answer about, but a process's end has.
            self._close(self._bridge.open(self._kernel.engine.now))

    def _arrived(self, header: Header, outcome: int) -> None:
        """Take a request: the handler of the portal."""
        if outcome == AckOutcome.DROPPED:
            return
        self._heap.messages.pop()
        self._heap.free(header)
        self.requests += 1
        self._free = max(self._free, self._kernel.engine.now) + self._service.least_service_time
        self._pending.append((self._bridge.open(self._free), header))
        self._lot.unpark_all()

    async def _await(self, ticket: Ticket, header: Header, answer: Awaitable[bytes]) -> None:
        reply = None
        try:
            reply = await answer
        finally:
            self._bridge.close(ticket, self._reply, (header, reply))

    def _reply_all(self, answered: tuple[_Answered, ...]) -> None:
        for one in answered:
            self._reply(one)

    def _reply(self, answered: _Answered) -> None:
        """Send a reply on its way, in virtual time."""
        header, reply = answered
        send_reply(self._kernel, self, header, reply)


def send_reply(
    kernel: QuintessentialKernel, server: SystemProcess, header: Header, reply: bytes | None
) -> None:
    """Answer the request that came as *header*, now; None says that there is no server any more."""
    info = header.info
    if info is None or info.return_portal < 0:
        return
    server.clock = max(server.clock, kernel.engine.now)
    outcome = AckOutcome.NO_PROCESS if reply is None else AckOutcome.READ
    kernel.send(
        server,
        header.source,
        info.return_portal,
        info.return_bits,
        reply or None,
        len(reply or b""),
        SendInfo(user_data=outcome),
    )
