"""Where messages arrive: what a process has of NX before its program has called it.

One portal takes messages, another requests for memory. What no receive has been posted for falls
through to two entries over one heap: one keeps messages whole, the other only the headers of those
that ask. Messages of force types fit neither, and are dropped.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from vmpp.portals import (
    DynamicBlock,
    Heap,
    LatePortals,
    MatchEntry,
    MatchList,
    MemoryOperation,
    PortalEntry,
)
from vmpp_nx._bits import ASKS, FORCE
from vmpp_nx._parameters import LEAST

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp_nx._parameters import Parameters

KEY: Final = "nx.mailbox"
"""Under which a process keeps its mailbox among what its libraries have."""

RECEIVE_PORTAL: Final = 15
NEWS_PORTAL: Final = 25

WHOLE, _ASKING, CATCH_ALLS = range(3)
"""Places in the match list of the two entries, and how many they are."""

PLENTY: Final = 1 << 40
"""Memory for what is as good as nothing: each of the others has a message there at the most."""


class Mailbox:
    """The portals of a process that messages come to, and requests for memory.

    Attributes:
        parameters: sizes and times of the library.
        heap: what has arrived and nobody expected.
        entry: the portal.
        list: its match list.
        whole, asking: the entries that keep what nobody expects.
        news: the portal for requests, and once the program has called NX for other news.
        requests: what requests come to.
    """

    __slots__ = (
        "asking", "entry", "heap", "list", "news", "parameters", "requests", "whole",
    )  # fmt: skip

    def __init__(self, process: Process, parameters: Parameters) -> None:
        self.parameters = parameters
        # Others are given memory for messages of programs, and as much for global operations.
        self.heap = Heap(2 * max(parameters.mbf, LEAST * process.size))
        self.whole = MatchEntry(
            DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY_ACK, self.heap),
            mask=ASKS | FORCE,
            next_no_match=_ASKING,
        )
        self.asking = MatchEntry(
            DynamicBlock(MemoryOperation.DYN_SV_HDR_ACK, self.heap), bits=ASKS, mask=ASKS | FORCE
        )
        self.list = MatchList([self.whole, self.asking], WHOLE)
        self.entry = PortalEntry(self.list)
        process.table.install(RECEIVE_PORTAL, self.entry)
        self.requests = DynamicBlock(MemoryOperation.DYN_SV_HDR, Heap(PLENTY))
        self.news = PortalEntry(self.requests)
        process.table.install(NEWS_PORTAL, self.news)


def mailboxes(parameters: Parameters) -> LatePortals:
    """Return what stands for the mailboxes of all processes until they are needed."""
    return LatePortals((RECEIVE_PORTAL, NEWS_PORTAL), partial(_set_up, parameters))


def _set_up(parameters: Parameters, process: Process) -> None:
    process.libraries[KEY] = Mailbox(process, parameters)


def mailbox_of(process: Process) -> Mailbox:
    """Return the mailbox of *process*, which is set up if it was not."""
    process.table.needed(RECEIVE_PORTAL, process)
    mailbox: Mailbox = process.libraries[KEY]
    return mailbox
