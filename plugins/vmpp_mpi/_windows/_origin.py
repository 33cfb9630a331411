"""The origin's side of one-sided communication: what it sends, and how it learns of completion."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from vmpp.portals import DynamicBlock, Heap, MemoryOperation, PortalEntry, SendInfo
from vmpp_mpi._windows._access import Access
from vmpp_mpi._windows._chain import Chain
from vmpp_mpi._windows._groups import Group, encoded
from vmpp_mpi._windows._wire import (
    EVENT_PORTAL,
    MEMORY_PORTAL,
    NOTICE,
    PARAMETERS,
    REPLY_PORTAL,
    REQUEST_PORTAL,
    Kind,
    Notice,
    memory_bits,
    notice_bits,
    read_notice,
    request_bits,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmpp.kernel import Process
    from vmpp.portals import Address
    from vmpp_mpi._state import MPIState

_NO_PARAMETERS: Final = PARAMETERS.pack(0, 0)
_ROOM: Final = 1 << 40
"""For events: of each a header is kept, and an access or a peer's call stands behind it."""


class Origin:
    """What a process needs to access the memory that others expose.

    Attributes:
        events: the descriptor that takes acknowledgements and notices.
        notices: how many came that nobody has used, by window, kind and rank; less than 0 if they
            were used before they came.
        short: longest body that is copied when it is sent.
    """

    __slots__ = (
        "_heap", "_next", "_process", "_replies", "_send_cost", "_unanswered", "_work", "events",
        "notices", "short",
    )  # fmt: skip

    def __init__(self, library: MPIState) -> None:
        self._process: Process = library.process
        parameters = library.protocol.parameters
        self.short = parameters.short_message
        self._send_cost = parameters.send
        self._work = parameters.receive
        self._heap = Heap(_ROOM)
        self._replies = Chain()
        self._unanswered: dict[int, Access] = {}
        self._next = 0
        self.events = DynamicBlock(MemoryOperation.DYN_SV_HDR, self._heap)
        self.notices: Counter[tuple[int, Notice, int]] = Counter()
        table = self._process.table
        table.install(EVENT_PORTAL, PortalEntry(self.events))
        table.install(REPLY_PORTAL, PortalEntry(self._replies.list))

    # -- accesses ------------------------------------------------------------------------------

    def acknowledged(self, peer: Address, window: int) -> Access:
        """Begin an access that is done when all its messages are acknowledged."""
        return Access(self, peer, window, self._number())

    def replied(self, peer: Address, window: int, blocks: list[memoryview]) -> Access:
        """Begin an access that is done when each of *blocks* has got its reply."""
        access = Access(self, peer, window, self._number(), blocks)
        assert access.replies is not None
        access.place = self._replies.add(access.number, access.replies)
        return access

    def forget(self, access: Access) -> None:
        """Take the entry for the replies of an access away."""
        self._replies.remove(access.place)
        self._process.clock += self._work

    def abandon(self, access: Access) -> None:
        """Expect no more answers to an access."""
        if access.replies is not None:
            self._replies.remove(access.place)
        self._unanswered.pop(access.number, None)

    def drain(self) -> None:
        """Take in the acknowledgements and notices that have come."""
        heap = self._heap
        messages = heap.messages
        if not messages:
            return
        for header in messages:
            bits = header.bits
            if bits & NOTICE:
                self.notices[read_notice(bits)] += 1
                continue
            access = self._unanswered.get(bits)
            info = header.info
            # An answer may come when nobody expects it any more.
            if access is not None and access.answered(0 if info is None else info.user_data):
                del self._unanswered[bits]
        messages.clear()
        heap.used = 0

    def _number(self) -> int:
        self._next += 1
        return self._next

    # -- messages ------------------------------------------------------------------------------

    def write(self, access: Access, key: int, offset: int, data: memoryview) -> None:
        """Write *data* to exposed memory: a portal write, acknowledged by the target's kernel."""
        self._expect(access)
        info = SendInfo(
            offset=offset, return_portal=EVENT_PORTAL, return_bits=access.number
        )  # fmt: skip
        length = len(data)
        body: Any = bytes(data) if length <= self.short else data
        bits = memory_bits(access.window, key, False)
        self._send(access.peer, MEMORY_PORTAL, bits, body, length, info)

    def read(self, access: Access, key: int, offset: int, length: int) -> None:
        """Read exposed memory: a portal read, whose reply fills the next block of *access*."""
        info = SendInfo(
            read=True,
            offset=offset,
            reply_length=length,
            return_portal=REPLY_PORTAL,
            return_bits=access.number,
        )
        bits = memory_bits(access.window, key, True)
        self._send(access.peer, MEMORY_PORTAL, bits, None, 0, info)

    def ask(
        self,
        access: Access,
        kind: Kind,
        groups: Sequence[Group],
        data: Sequence[memoryview] = (),
        *,
        op: int = 0,
        datatype: int = 0,
    ) -> None:
        """Send a request about the memory in *groups*, with *data*."""
        nbytes = sum(group.nbytes for group in groups)
        offset = 0
        places: Sequence[Group] = groups
        if len(groups) == 1 and groups[0].repeat == 1:
            # One stretch of memory, as it mostly is, stands in the header.
            offset, places = groups[0].offset, ()
        if access.replies is None:
            self._expect(access)
            portal = EVENT_PORTAL
        else:
            portal = REPLY_PORTAL
        info = SendInfo(
            offset=offset,
            reply_length=nbytes,
            return_portal=portal,
            return_bits=access.number,
            user_data=PARAMETERS.pack(op, datatype),
        )
        length = sum(map(len, data))
        body: Any = None
        if len(data) == 1 and not places and length > self.short:
            (body,) = data
        elif places or length:
            body = b"".join((encoded(places), *data))
        bits = request_bits(access.window, kind, len(places))
        self._send(access.peer, REQUEST_PORTAL, bits, body, 0 if body is None else len(body), info)

    def lock(self, access: Access, exclusive: bool) -> None:
        """Ask for the lock of the target; the reply comes when it is granted."""
        info = SendInfo(
            offset=int(exclusive),
            return_portal=REPLY_PORTAL,
            return_bits=access.number,
            user_data=_NO_PARAMETERS,
        )
        bits = request_bits(access.window, Kind.LOCK)
        self._send(access.peer, REQUEST_PORTAL, bits, None, 0, info)

    def unlock(self, target: Address, window: int) -> None:
        """Give the lock of a target back."""
        info = SendInfo(user_data=_NO_PARAMETERS)
        self._send(target, REQUEST_PORTAL, request_bits(window, Kind.UNLOCK), None, 0, info)

    def notify(self, target: Address, window: int, notice: Notice, rank: int) -> None:
        """Tell a peer that *rank*, as which it knows this process, has posted or completed."""
        self._send(target, EVENT_PORTAL, notice_bits(window, notice, rank), None, 0, None)

    def _expect(self, access: Access) -> None:
        access.unanswered += 1
        self._unanswered[access.number] = access

    def _send(
        self,
        target: Address,
        portal: int,
        bits: int,
        body: Any,
        length: int,
        info: SendInfo | None,
    ) -> None:
        process = self._process
        process.charge(self._send_cost)
        process.kernel.send(process, target, portal, bits, body, length, info)
