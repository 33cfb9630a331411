"""Where messages arrive: what a process has of NX before its program has called it.

One portal takes messages. What no receive has been posted for falls through to two entries over
one heap: one keeps messages whole, the other only the headers of those that ask. Messages of force
types fit neither, and are dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vmpp.portals import DynamicBlock, Heap, MatchEntry, MatchList, MemoryOperation, PortalEntry
from vmpp_nx._bits import ASKS, FORCE
from vmpp_nx._parameters import LEAST

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp_nx._parameters import Parameters

RECEIVE_PORTAL: Final = 15

WHOLE, _ASKING, CATCH_ALLS = range(3)
"""Places in the match list of the two entries, and how many they are."""


class Mailbox:
    """The portal of a process that messages come to.

    Attributes:
        parameters: sizes and times of the library.
        heap: what has arrived and nobody expected.
        entry: the portal.
        list: its match list.
        whole, asking: the entries that keep what nobody expects.
    """

    __slots__ = ("asking", "entry", "heap", "list", "parameters", "whole")

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
