"""Bodies that are acknowledged, or fetched by whoever receives them; and what peers tell.

A second portal takes acknowledgements, memory that receivers give back and requests for it; the
third lets receivers read the bodies of sends, and takes those that this process has asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from vmpp.portals import (
    DynamicBlock,
    Header,
    Heap,
    MatchEntry,
    MatchList,
    MemoryOperation,
    PortalEntry,
    SendInfo,
    SingleBlock,
)
from vmpp_nx._mailbox import PLENTY

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp_nx._mailbox import Mailbox

BODY_PORTAL: Final = 35

REQUEST: Final = 1 << 62
"""In the match bits of a message that asks for memory."""

_REQUESTS, _NEWS = range(2)
_NO_BODY: Final = memoryview(b"")


class Slot:
    """What a send that is acknowledged, or a body that is fetched, has of the portals.

    Attributes:
        number: of the slot: match bits of what belongs to it.
        block: the body, to be read or to be filled.
        outcome: of the acknowledgement, 0 until that is there.
    """

    __slots__ = ("block", "entry", "number", "outcome")

    def __init__(self, number: int) -> None:
        self.number = number
        self.outcome = 0
        self.block: Any = None
        self.entry = MatchEntry(None, bits=number, next_no_match=number + 1)


class Transfers:
    """The second and the third portal of a process.

    Args:
        process: whose they are.
        mailbox: what it has of the second already.
        handler: called when a message has come to a descriptor that `raising` names.
        raising: the descriptors whose messages interrupt the program.

    Attributes:
        news: what acknowledgements and memory given back arrive at.
        arrived: of these messages those that nobody has looked at yet.
    """

    __slots__ = (
        "_bodies", "_free", "_news_heap", "_process", "_request_heap", "_slots", "arrived", "news",
    )  # fmt: skip

    def __init__(
        self,
        process: Process,
        mailbox: Mailbox,
        handler: Callable[[Header, int], Any],
        raising: set[Any],
    ) -> None:
        self._process = process
        self._news_heap = Heap(PLENTY)
        self._request_heap = mailbox.requests.heap
        self.arrived = self._news_heap.messages
        self.news = DynamicBlock(MemoryOperation.DYN_SV_HDR, self._news_heap)
        raising.add(mailbox.requests)
        self._slots: list[Slot] = []
        self._free: list[Slot] = []
        self._bodies: list[MatchEntry | None] = []
        mailbox.news.target = MatchList(
            [
                MatchEntry(mailbox.requests, bits=REQUEST, mask=REQUEST, next_no_match=_NEWS),
                MatchEntry(self.news, mask=0),
            ],
            _REQUESTS,
        )
        mailbox.news.handler = handler
        mailbox.news.raised_by = raising
        bodies = PortalEntry(MatchList(self._bodies, 0), handler, raising)
        process.table.install(BODY_PORTAL, bodies)

    def offer(self, body: memoryview) -> Slot:
        """Return a slot for a send whose *body* others may read."""
        return self._use(SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_RPLY, body))

    def fetch(self, header: Header, into: memoryview) -> Slot:
        """Fetch the body of a message of which only the header was kept."""
        info = header.info
        if info is None:
            raise RuntimeError(f"a message that asks, without a way back: {header!r}")
        slot = self._use(SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_SV_BDY, into))
        self._read(
            header,
            SendInfo(
                read=True,
                reply_length=header.length,
                return_portal=BODY_PORTAL,
                return_bits=slot.number,
            ),
        )
        return slot

    def dismiss(self, header: Header) -> None:
        """Let the sender get on whose body nobody will fetch."""
        if header.info is not None:
            self._read(header, SendInfo(read=True))

    def _read(self, header: Header, wishes: SendInfo) -> None:
        process, info = self._process, header.info
        assert info is not None
        process.kernel.send(process, header.source, BODY_PORTAL, info.return_bits, None, 0, wishes)

    def _use(self, block: SingleBlock) -> Slot:
        if self._free:
            slot = self._free.pop()
        else:
            slot = Slot(len(self._slots))
            self._slots.append(slot)
            self._bodies.append(slot.entry)
        slot.outcome = 0
        slot.block = slot.entry.descriptor = block
        slot.entry.active = True
        return slot

    def release(self, slot: Slot) -> None:
        """Let others have a slot."""
        slot.entry.active = False
        slot.block.buffer = _NO_BODY
        slot.block = slot.entry.descriptor = None
        self._free.append(slot)

    def acknowledged(self, header: Header) -> None:
        """Note the outcome that an acknowledgement tells of."""
        if header.info is not None and header.bits < len(self._slots):
            self._slots[header.bits].outcome = int(header.info.user_data)

    def read_news(self) -> list[Header]:
        """Return what has arrived, and forget it."""
        news = self.arrived.copy()
        self.arrived.clear()
        self._news_heap.used = 0
        return news

    def read_requests(self) -> list[Header]:
        """Return the requests for memory that have arrived, and forget them."""
        asked = self._request_heap.messages.copy()
        self._request_heap.messages.clear()
        self._request_heap.used = 0
        return asked
