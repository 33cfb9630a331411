"""Receiving: straight into the user's buffer if the receive comes first, else from the heap."""

from __future__ import annotations

import errno
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from vmpp.kernel import ANYTHING
from vmpp.portals import Block, IndependentBlock, MemoryOperation
from vmpp_nx._bits import ASKS, FORCE, GLOBAL
from vmpp_nx._errors import Refused
from vmpp_nx._flow import Lane, Peer
from vmpp_nx._mailbox import WHOLE, Mailbox
from vmpp_nx._parameters import HEADER
from vmpp_nx._postings import Posting, Postings

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp.portals import Header
    from vmpp_nx._sends import Sends
    from vmpp_nx._transfers import Slot, Transfers

Wanted = tuple[tuple[int, int, int, int], ...]
"""What a receive takes: match bits, mask, and rank and group of the sender, -1 for any."""

ANYBODY: Final = (-1, -1)
_SPECIAL: Final = GLOBAL | ASKS | FORCE


class Receiving:
    """A receive under way.

    Attributes:
        header: of the message, once there is one.
        buffer: where it goes.
        done: whether it is complete. Ask `Receives.look`, which looks.
        error: what was wrong with the message, None if nothing was.
        cancelled: whether the program does not want it any more.
        counted: whether its message has been counted as received.
        posting, slot: where the message comes in, or its body.
    """

    __slots__ = ("buffer", "cancelled", "counted", "done", "error", "header", "posting", "slot")

    def __init__(self, buffer: memoryview) -> None:
        self.buffer = buffer
        self.header: Header | None = None
        self.posting: Posting | None = None
        self.slot: Slot | None = None
        self.done = False
        self.error: Refused | None = None
        self.cancelled = False
        self.counted = False


class Receives:
    """A process's receives.

    Attributes:
        arrived: messages that nobody expected, oldest first.
        postings: the receives that are posted.
    """

    __slots__ = (
        "_alone", "_block", "_copy_rate", "_cost", "_entry", "_give", "_globals", "_heap", "_lane",
        "_list", "_mailbox", "_open", "_place", "_process", "_sends", "_taken", "_transfers",
        "_whole", "arrived", "postings",
    )  # fmt: skip

    def __init__(
        self,
        process: Process,
        mailbox: Mailbox,
        lanes: tuple[Lane, Lane],
        transfers: Transfers,
        sends: Sends,
    ) -> None:
        self._process = process
        self._cost = mailbox.parameters.receive
        self._copy_rate = mailbox.parameters.copy_rate
        self._mailbox = mailbox
        self._heap = mailbox.heap
        self._list = mailbox.list
        self.arrived = mailbox.heap.messages
        self._lane, self._globals = lanes
        self._give = self._lane.give
        self._whole = mailbox.whole
        self._transfers = transfers
        self._sends = sends
        self.postings = Postings(mailbox)
        # The place of a blocking receive beside which none is posted, as most are.
        self._place, self._entry = self.postings.place()
        self._block = Block()
        self._alone = IndependentBlock(MemoryOperation.IND_LIN_SV_HDR_BDY_ACK, [self._block])
        self._entry.descriptor = self._alone
        self._entry.active = False
        self._entry.next_no_match = self._entry.next_invalid = WHOLE
        # Receives that have not been seen to be complete, and messages taken off the heap so far.
        self._open: dict[Receiving, None] = {}
        self._taken = 0

    # -- blocking ------------------------------------------------------------------------------

    def take(self, bits: int, mask: int, buffer: memoryview) -> Header:
        """Receive a message from anybody, and return its header.

        Raises:
            Refused: EQMSGLONG: it was longer than *buffer*.
        """
        if self.arrived:
            for header in self.arrived:
                if not (header.bits ^ bits) & mask:
                    return self.receive(((bits, mask, -1, -1),), buffer)
        process, postings = self._process, self.postings
        if postings.posted or process.in_handler:
            return self.receive(((bits, mask, -1, -1),), buffer)
        # Nothing else is posted: one entry, linked to the catch-alls for good, is enough.
        entry, block = self._entry, self._block
        entry.bits = bits
        entry.mask = mask
        entry.active = True
        block.buffer = buffer
        self._list.head = postings.last = self._place
        postings.posted = 1
        descriptor, whole = self._alone, self._whole
        try:
            while block.header is None and not entry.failed_no_fit:
                if whole.failed_no_fit:
                    self.may_wait()
                process.wait(descriptor)
        finally:
            found = block.header
            failed, entry.failed_no_fit = entry.failed_no_fit, False
            if postings.posted == 1 and self._list.ahead is None:
                self._list.head = WHOLE
                postings.last = -1
                postings.posted = 0
                entry.active = False
            else:
                postings.unlink(self._place)
                entry.next_no_match = entry.next_invalid = WHOLE
            block.header = block.buffer = None
            descriptor.next_free = 0
        process.clock += self._cost
        if found is None:
            raise _too_long(None, buffer) if failed else RuntimeError("nothing was received")
        # As `count` does, for messages that are of no special kind.
        peer = self._lane.peers.get(found.source)
        if peer is None or found.bits & _SPECIAL:
            self.count(found)
        else:
            peer.owed += found.length + HEADER
            if peer.owed >= self._give or peer.starved:
                self._sends.give(peer)
        return found

    def receive(self, wanted: Wanted, buffer: memoryview) -> Header:
        """Receive a message that *wanted* describes, and return its header.

        Raises:
            Refused: EQMSGLONG: it was longer than *buffer*; EQNOMID: the match list is full.
        """
        receiving = self.begin(wanted, buffer)
        try:
            self.wait(receiving)
        except BaseException:
            self.cancel(receiving)
            raise
        if receiving.error is not None:
            raise receiving.error
        assert receiving.header is not None
        return receiving.header

    # -- under way -----------------------------------------------------------------------------

    def begin(self, wanted: Wanted, buffer: memoryview) -> Receiving:
        """Begin to receive a message that *wanted* describes.

        Raises:
            Refused: EQNOMID: the match list is full.
        """
        receiving = Receiving(buffer)
        header = self._find(wanted, take=True)
        if header is not None:
            self._accept(receiving, header)
        else:
            receiving.posting = self.postings.post(wanted, buffer)
            self._open[receiving] = None
        return receiving

    def _accept(self, receiving: Receiving, header: Header) -> None:
        """Receive a message that had arrived before."""
        receiving.header = header
        self.count(header)
        length, buffer, process = header.length, receiving.buffer, self._process
        asks = header.bits & ASKS
        if length > len(buffer):
            receiving.error = _too_long(header, buffer)
        elif asks:
            receiving.slot = self._transfers.fetch(header, buffer)
            return
        elif length:
            buffer[:length] = header.body
            process.clock += length * self._copy_rate // 1000
        if asks:
            self._transfers.dismiss(header)
        process.clock += self._cost
        receiving.done = True
        header.body = None

    def look(self, receiving: Receiving) -> Any:
        """Return None if a receive is complete by now, or the descriptor that it waits for."""
        if receiving.done:
            return None
        slot = receiving.slot
        if slot is not None:
            if not slot.block.messages:
                return slot.block
            header = receiving.header
            assert header is not None
            if slot.block.count != header.length:
                # Its sender has ended and taken the body along: it never comes.
                return slot.block
            self._transfers.release(slot)
            receiving.slot = None
        else:
            posting = receiving.posting
            assert posting is not None
            found = self.postings.state(posting)
            if found is False:
                return posting.descriptor
            self._close(receiving)
            if found is True:
                receiving.error = _too_long(None, receiving.buffer)
            else:
                receiving.header = found
                if not receiving.counted:
                    self.count(found)
        self._process.clock += self._cost
        receiving.done = True
        return None

    def _close(self, receiving: Receiving) -> None:
        assert receiving.posting is not None
        self.postings.withdraw(receiving.posting)
        receiving.posting = None
        self._open.pop(receiving, None)

    def wait(self, receiving: Receiving) -> None:
        """Block until a receive is complete.

        Raises:
            Refused: EDEADLK: a handler calls.
        """
        process = self._process
        while True:
            watch = self.look(receiving)
            if watch is None:
                return
            self.may_wait()
            process.wait(watch)

    def may_wait(self) -> None:
        """Refuse to wait where nothing can come.

        Raises:
            Refused: EDEADLK: in a handler of a program with threads; EQMEM: messages have been
                lost, of more senders than there was memory for.
        """
        if self._process.in_handler:
            raise Refused(errno.EDEADLK, "a handler of a program with threads cannot wait")
        if self._mailbox.whole.failed_no_fit or self._mailbox.asking.failed_no_fit:
            raise Refused(
                "EQMEM",
                f"messages that nobody expected fill the {self._heap.size} bytes set aside for "
                "them; do without rlx in [nx], or give it more mbf",
            )

    def cancel(self, receiving: Receiving) -> bool:
        """Take a receive back that has no message yet; return whether it had none."""
        if receiving.done or receiving.posting is None:
            return False
        if self.look(receiving) is None:
            return False
        self._close(receiving)
        receiving.done = receiving.cancelled = True
        return True

    # -- what nobody expected ------------------------------------------------------------------

    def _find(self, wanted: Wanted, *, take: bool, begin: int = 0) -> Header | None:
        """Return the oldest message on the heap that *wanted* describes, taken out if so asked."""
        arrived = self.arrived
        for place, header in enumerate(islice(arrived, begin, None), begin):
            found, source = header.bits, header.source
            for bits, mask, rank, group in wanted:
                if not (found ^ bits) & mask and (
                    rank < 0 or (rank == source.rank and group == source.group)
                ):
                    if take:
                        del arrived[place]
                        self._heap.free(header)
                        self._taken += 1
                    return header
        return None

    def probe(self, wanted: Wanted, *, blocking: bool) -> Header | None:
        """Return the header of a message on the heap that *wanted* describes.

        Raises:
            Refused: EDEADLK: a handler would have to wait.
        """
        process = self._process
        seen, taken = 0, self._taken
        while True:
            header = self._find(wanted, take=False, begin=seen)
            if header is not None or not blocking:
                return header
            seen = len(self.arrived)
            self.may_wait()
            process.wait(ANYTHING)
            if taken != self._taken:
                # Another thread has received some, or a handler.
                seen, taken = 0, self._taken

    def flush(self, wanted: Wanted) -> None:
        """Throw away what has arrived that *wanted* describes."""
        while (header := self._find(wanted, take=True)) is not None:
            if header.bits & ASKS:
                self._transfers.dismiss(header)
            self.count(header)

    # -- memory --------------------------------------------------------------------------------

    def count(self, header: Header) -> None:
        """Count a message that has been received as memory that its sender may have again."""
        bits = header.bits
        if bits & GLOBAL:
            lane = self._globals
        elif bits & FORCE:
            return
        else:
            lane = self._lane
        source = header.source
        peer = lane.peers.get(source) or lane.peer(source, source.rank)
        peer.owed += _taken(header)
        if peer.owed >= lane.give or peer.starved:
            self._sends.give(peer)

    def sweep(self) -> None:
        """Count what has come to receives that nobody has looked at since."""
        for receiving in self._open:
            header = receiving.posting.block.header if receiving.posting else None
            if header is not None and not receiving.counted:
                receiving.counted = True
                self.count(header)

    def lying(self, peer: Peer) -> int:
        """Return what the messages of a sender take that lie here and are not counted yet."""
        at_hand = self._block.header
        headers = self.arrived if at_hand is None else [*self.arrived, at_hand]
        flag, group, rank = peer.lane.flag, peer.address.group, peer.address.rank
        return sum(
            _taken(header)
            for header in headers
            if header.source.rank == rank
            and header.source.group == group
            and header.bits & GLOBAL == flag
            and (flag or not header.bits & FORCE)
        )


def _taken(header: Header) -> int:
    """Return what a message takes of its receiver's memory, if nobody expects it."""
    return HEADER if header.bits & ASKS else header.length + HEADER


def _too_long(header: Header | None, buffer: memoryview) -> Refused:
    """Return the error about a message that does not fit."""
    many = "more than that" if header is None else f"{header.length} bytes"
    return Refused("EQMSGLONG", f"{many} for a buffer of {len(buffer)}")
