"""Clients of servers that are tasks of the host: a login session, a `yod`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, TypeVar

import trio

from vmpp.engine import Occasion
from vmpp.engine.bridge import Bridge, Ticket
from vmpp.errors import VmppError
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
from vmpp.process.link import REPLY_PORTAL, REQUEST_PORTAL

_HEAP_BYTES: Final = 1 << 30

T = TypeVar("T")


class ServerDownError(VmppError):
    """A server does not answer: it has been stopped, or the machine has none of that name."""


class NoAnswerError(ServerDownError):
    """The network has lost a request to a server, or the reply."""


class _Wait:
    """What a task waits for in virtual time.

    Attributes:
        begin: what is to be done first, in virtual time; it is given the wait.
        request: number of the request whose reply is waited for; 0: none.
        came: set when it has come.
        value: what has come.
        error: raised in the task instead.
    """

    __slots__ = ("begin", "came", "error", "request", "value")

    def __init__(self, begin: Callable[[_Wait], object], request: int = 0) -> None:
        self.begin = begin
        self.request = request
        self.came = trio.Event()
        self.value: Any = None
        self.error: Exception | None = None


class ServiceClient(SystemProcess):
    """A process of the service partition that asks servers, and waits, for one Trio task.

    Its requests travel through portals as those of programs do. One that is *exact* **holds**
    virtual time whenever its task has the word: from the instant at which an answer, or whatever
    else the task waits for, reaches it until the task asks or waits again. So what the task does
    next happens at that very instant, however long the host takes, and virtual time passes only
    while the task waits. One that is not lets time go on.

        with partition.client() as client:
            reply = await client.call("files", request)
            await client.sleep(5 * MILLISECOND)

    One call at a time.

    Attributes:
        number: of the session or job on whose behalf it asks; 0: the system's.
    """

    __slots__ = (
        "_bridge", "_exact", "_heap", "_kernel", "_leave", "_sequence", "_servers", "_ticket",
        "_wait", "number",
    )  # fmt: skip

    def __init__(
        self,
        kernel: QuintessentialKernel,
        pid: int,
        number: int,
        servers: Mapping[str, Address],
        bridge: Bridge,
        leave: Callable[[SystemProcess], object],
        *,
        exact: bool,
    ) -> None:
        """Set the client up.

        Args:
            number: of the session or job on whose behalf it asks; 0: the system's.
            servers: where servers are, by name.
            leave: told when it is closed.
            exact: whether it holds virtual time.
        """
        super().__init__(Address(kernel.nid, pid, -1, number))
        self.number = number
        self._kernel = kernel
        self._servers = servers
        self._bridge = bridge
        self._leave = leave
        self._exact = exact
        self._heap = Heap(_HEAP_BYTES)
        self._sequence = 0
        self._ticket: Ticket | None = None
        self._wait: _Wait | None = None
        replies = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap)
        self.table.install(REPLY_PORTAL, PortalEntry(replies, self._replied))
        self._hold()

    def __enter__(self) -> ServiceClient:
        """Return the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the client."""
        self.close()

    @property
    def now(self) -> int:
        """The virtual time, in picoseconds."""
        return self._kernel.engine.now

    @property
    def exact(self) -> bool:
        """Whether it holds virtual time while its task has the word."""
        return self._exact

    @exact.setter
    def exact(self, exact: bool) -> None:
        self._exact = exact
        if exact and self._wait is None:
            self._hold()
        elif not exact:
            self._let_go()

    def close(self) -> None:
        """Ask and hold no more."""
        if not self.dead:
            self._let_go()
            self._leave(self)

    async def call(self, server: str, request: bytes) -> bytes:
        """Ask a server, by name, and return its reply.

        Raises:
            ServerDownError: it does not answer, or there is none.
        """
        address = self._servers.get(server)
        if address is None:
            raise ServerDownError(f"the machine has no server {server!r}")
        self._sequence += 1
        number = self._sequence
        wait = _Wait(lambda _: self._send(address, request, number), number)
        header: Header = await self._until(wait)
        info = header.info
        if info is None or info.user_data == AckOutcome.NO_PROCESS:
            raise ServerDownError(f"the server {server!r} does not answer")
        return bytes(header.body or b"")

    async def tell(self, server: str, request: bytes) -> None:
        """Ask a server and wait for no answer; if it is not there, nobody hears of it."""
        address = self._servers.get(server)
        if address is not None:
            await self.act(lambda: self._send(address, request, 0))

    async def act(self, action: Callable[[], T]) -> T:
        """Call *action* as an event of virtual time, now; return what it returns, or raise so."""

        def begin(wait: _Wait) -> None:
            try:
                wait.value = action()
            except Exception as error:
                wait.error = error
            self._resume(wait)

        done: T = await self._until(_Wait(begin))
        return done

    async def until(self, occasion: Occasion) -> None:
        """Wait until *occasion* happens."""
        await self._until(_Wait(lambda wait: occasion.then(self._resume, wait)))

    async def sleep(self, duration: int) -> None:
        """Wait until *duration* picoseconds of virtual time have passed."""
        engine = self._kernel.engine
        await self._until(_Wait(lambda wait: engine.after(duration, self._resume, wait)))

    def give_up(self) -> bool:
        """Have a request fail whose reply has been lost; return whether one was waited for.

        To be called when nothing else happens on the machine.
        """
        wait = self._wait
        if wait is None or not wait.request:
            return False
        wait.error = NoAnswerError("a server's answer was lost in the network")
        self._resume(wait)
        return True

    # -- the task's side -----------------------------------------------------------------------

    async def _until(self, wait: _Wait) -> Any:
        """Begin to wait, as an event of virtual time, now, and return what comes."""
        if self._wait is not None:
            raise RuntimeError("this client waits for something already")
        await trio.lowlevel.checkpoint_if_cancelled()
        self._wait = wait
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            self._bridge.close(ticket, self._begin, wait)
        else:
            self._kernel.engine.at(self.now, self._begin, wait)
            self._bridge.wake()
        try:
            await wait.came.wait()
        finally:
            if self._wait is wait:
                # The host has ended the wait before its time.
                self._wait = None
                self._hold()
        if wait.error is not None:
            raise wait.error
        return wait.value

    def _hold(self) -> None:
        if self._exact and self._ticket is None and not self.dead:
            self._ticket = self._bridge.open(self.now)

    def _let_go(self) -> None:
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            self._bridge.close(ticket, _nothing, None)

    # -- virtual time's side -------------------------------------------------------------------

    def _begin(self, wait: _Wait) -> None:
        if self._wait is wait:
            wait.begin(wait)

    def _send(self, address: Address, body: bytes, number: int) -> None:
        """Send a request on its way; one with the number 0 wants no answer."""
        self.clock = max(self.clock, self.now)
        info = SendInfo(return_portal=REPLY_PORTAL, return_bits=number) if number else None
        self._kernel.send(self, address, REQUEST_PORTAL, 0, body, len(body), info)

    def _replied(self, header: Header, outcome: int) -> None:
        """Take a reply: the handler of the portal."""
        if outcome == AckOutcome.DROPPED:
            return
        self._heap.messages.pop()
        self._heap.free(header)
        if header.source.group:
            # Only servers reply; what a program sends here is nobody's business.
            return
        wait = self._wait
        # A request whose wait the host has ended is answered all the same.
        if wait is not None and wait.request == header.bits:
            wait.value = header
            self._resume(wait)

    def _resume(self, wait: _Wait) -> None:
        """Give the task the word, if it still waits for this."""
        if self._wait is wait:
            self._wait = None
            self._hold()
            wait.came.set()


def _nothing(_: object) -> None:
    """Do nothing, in the place of what a task might have done."""
