"""Servers: Trio tasks that answer requests which arrive through portals."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable
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
    """Who asks: the job and rank of a process, and the time at which the answer takes effect."""

    job: int
    rank: int
    time: int


class Service(Protocol):
    """What a server does, apart from portals and tasks.

    Attributes:
        name: what processes call it by.
        least_service_time: picoseconds that a request takes at the least, which virtual time waits
            for at the longest.
    """

    name: str
    least_service_time: int

    def serve(self, caller: Caller, request: bytes) -> bytes | Awaitable[bytes]:
        """Return the reply to a request, or what to await for it if the host must be waited for."""
        ...


class ServiceProcess(SystemProcess):
    """A server of the service or I/O partition: one portal, one Trio task, one `Service`.

    Requests are served one after the other, each taking the least service time, in the order of
    their arrival; an answer that has to wait for the host holds virtual time up, and nobody else's.

    Attributes:
        requests: how many have arrived.
    """

    __slots__ = ("_bridge", "_free", "_heap", "_kernel", "_lot", "_pending", "_service", "requests")

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
                        caller = Caller(source.group, source.rank, ticket.deadline)
                        answer = self._service.serve(caller, header.body or b"")
                        if isinstance(answer, bytes):
                            self._bridge.close(ticket, self._reply, (header, answer))
                        else:
                            nursery.start_soon(self._await, ticket, header, answer)
                    await self._lot.park()
        finally:
            self.dead = True
            for ticket, header in self._pending:
                self._bridge.close(ticket, self._reply, (header, None))

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

    def _reply(self, answered: tuple[Header, bytes | None]) -> None:
        """Send a reply on its way, in virtual time; None says that there is no server any more."""
        header, reply = answered
        info = header.info
        if info is None or info.return_portal < 0:
            return
        self.clock = max(self.clock, self._kernel.engine.now)
        outcome = AckOutcome.NO_PROCESS if reply is None else AckOutcome.READ
        self._kernel.send(
            self,
            header.source,
            info.return_portal,
            info.return_bits,
            reply or None,
            len(reply or b""),
            SendInfo(user_data=outcome),
        )
