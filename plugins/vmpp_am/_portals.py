"""The portals of the library, and what the match bits of its messages say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vmpp.kernel import Process
from vmpp.portals import (
    AckOutcome,
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
from vmpp_am._parameters import Parameters

MESSAGE_PORTAL: Final = 17
"""Requests and replies, whose handlers run in user space."""
COMPLETION_PORTAL: Final = 27
"""What ends an operation, the data of gets, and messages of collective operations."""
SEGMENT_PORTAL: Final = 37
"""Puts, gets and atomic operations of others on exposed memory."""
KERNEL_PORTALS: Final = range(44, 52)
"""A program's handlers in the kernel, by number."""

REPLY_FLAG: Final = 1 << 63
"""In the bits of a message at `MESSAGE_PORTAL`: it is a reply."""
GET_FLAG: Final = 1 << 63
"""In the bits of a message at `COMPLETION_PORTAL`: it is the data of a get; the rest says which."""
MAIL_FLAG: Final = 1 << 62
"""Likewise: it is of a collective operation; the rest is its tag. Without a flag it ends an
operation, whose number it is."""

_NOWHERE: Final = 1 << 20
"""A link that ends the walk and keeps the entry active."""


class Portals:
    """The portals of one process: what takes messages from the moment that it is loaded.

    Attributes:
        requests: requests whose handlers have not run.
        replies: likewise, replies.
        completions: what has come to `COMPLETION_PORTAL` and has not been looked at.
        message: the entry of `MESSAGE_PORTAL`.
        answers: the entries of `COMPLETION_PORTAL`.
        segments: the entries of `SEGMENT_PORTAL`.
        segment: the entry of `SEGMENT_PORTAL`.
    """

    __slots__ = (
        "answers", "completions", "message", "replies", "requests", "segment", "segments",
    )  # fmt: skip

    def __init__(self, process: Process, parameters: Parameters) -> None:
        """Set up what others may send to before the program has said anything."""
        self.requests = Heap(parameters.heap)
        self.replies: Heap | None = None
        self.completions = Heap(parameters.completions(process.size))
        # A request that finds no room meets a block that nothing fits, which says so to its sender.
        full = SingleBlock(MemoryOperation.SINGLE_RCVR_OFF_SV_BDY_ACK, memoryview(b""))
        room = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self.requests)
        entries: list[MatchEntry | None] = [
            MatchEntry(room, mask=0, next_no_fit=1),
            MatchEntry(full, mask=0, next_no_fit=_NOWHERE),
        ]
        self.message = PortalEntry(MatchList(entries, 0))
        told = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self.completions)
        self.answers: list[MatchEntry | None] = [MatchEntry(told, mask=GET_FLAG, next_no_match=1)]
        self.segments: list[MatchEntry | None] = []
        self.segment = PortalEntry(MatchList(self.segments, 0))
        table = process.table
        table.install(MESSAGE_PORTAL, self.message)
        table.install(COMPLETION_PORTAL, PortalEntry(MatchList(self.answers, 0)))
        table.install(SEGMENT_PORTAL, self.segment)

    def take_replies(self, heap: int) -> None:
        """Have room for replies of its own, which requests cannot fill."""
        self.replies = Heap(heap)
        target = self.message.target
        assert isinstance(target, MatchList)
        room = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self.replies)
        target.entries.append(MatchEntry(room, bits=REPLY_FLAG, mask=REPLY_FLAG, next_no_match=0))
        target.head = len(target.entries) - 1

    def give_up(self, process: Process) -> None:
        """Answer the requests whose handlers have not run, as if there were nobody any more."""
        nobody = SendInfo(user_data=AckOutcome.NO_PROCESS)
        for header in self.requests.messages:
            if header.info is not None:
                process.kernel.send(
                    process, header.source, COMPLETION_PORTAL, header.info.return_bits, None, 0,
                    nobody,
                )  # fmt: skip

    def call(self, handler: Callable[[Header, int], object] | None) -> None:
        """Have *handler* called for each message that has been kept, or none if it is None."""
        target = self.message.target
        assert isinstance(target, MatchList)
        entries = [entry for entry in target.entries if entry is not None]
        self.message.raised_by = frozenset((entries[0].descriptor, entries[-1].descriptor))
        self.message.handler = handler
