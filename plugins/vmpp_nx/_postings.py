"""Posted receives: entries of the match list, before those that keep what nobody expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vmpp.portals import Block, IndependentBlock, MatchEntry, MemoryOperation
from vmpp_nx._errors import Refused
from vmpp_nx._mailbox import CATCH_ALLS, WHOLE
from vmpp_nx._order import Order

if TYPE_CHECKING:
    from vmpp.portals import Header
    from vmpp_nx._mailbox import Mailbox

_MANY: Final = 64
"""With more receives posted at once than this they are found by an index."""


class Posting:
    """A place for one message: a block with entries that lead to it, used again and again.

    Attributes:
        block: the user's buffer, and the header once a message is there.
        descriptor: over that block.
        places: of its entries in the match list; most receives need but one.
    """

    __slots__ = ("block", "descriptor", "places")

    def __init__(self) -> None:
        self.block = Block()
        self.descriptor = IndependentBlock(MemoryOperation.IND_LIN_SV_HDR_BDY_ACK, [self.block])
        self.places: list[int] = []


class Postings:
    """The receives that are posted, in order.

    Attributes:
        posted: how many entries they have.
        last: place of the last of these; negative if there is none.
    """

    __slots__ = (
        "_entries", "_free", "_limit", "_list", "_order", "_previous", "_spare", "last", "posted",
    )  # fmt: skip

    def __init__(self, mailbox: Mailbox) -> None:
        self._list = mailbox.list
        self._entries: list[Any] = mailbox.list.entries
        self._limit = mailbox.parameters.match_list + CATCH_ALLS
        self._previous = [-1] * CATCH_ALLS
        self.last = -1
        self._free: list[int] = []
        self._spare: list[Posting] = []
        self._order: Order | None = None
        self.posted = 0

    def place(self) -> tuple[int, MatchEntry]:
        """Return an entry that is in the array and not in the list, and where it is.

        Raises:
            Refused: EQNOMID: the match list is full.
        """
        if self._free:
            index = self._free.pop()
            return index, self._entries[index]
        index = len(self._entries)
        if index >= self._limit:
            raise Refused("EQNOMID", f"all {self._limit - CATCH_ALLS} entries of [nx] match_list")
        entry = MatchEntry(None)
        self._entries.append(entry)
        self._previous.append(-1)
        return index, entry

    def link(self, index: int) -> None:
        """Put the entry at *index* behind all others that are posted."""
        entries = self._entries
        entry = entries[index]
        entry.active = True
        entry.failed_no_fit = False
        entry.next_no_match = entry.next_invalid = WHOLE
        last = self.last
        if last < 0:
            self._list.head = index
        else:
            before = entries[last]
            before.next_no_match = before.next_invalid = index
        self._previous[index] = last
        self.last = index
        self.posted += 1
        if self._order is not None:
            self._order.add(index)
        elif self.posted > _MANY:
            self._begin_order()

    def _begin_order(self) -> None:
        """Find entries by an index from now on, as so many are posted."""
        order = self._order = Order(self._entries)
        place = self._list.head
        while place != WHOLE:
            order.add(place)
            place = self._entries[place].next_no_match
        self._list.ahead = order.first

    def unlink(self, index: int) -> None:
        """Take the entry at *index* out of the list."""
        entries = self._entries
        entry = entries[index]
        following = entry.next_no_match
        previous = self._previous[index]
        if previous < 0:
            self._list.head = following
        else:
            before = entries[previous]
            before.next_no_match = before.next_invalid = following
        if following == WHOLE:
            self.last = previous
        else:
            self._previous[following] = previous
        entry.active = False
        self.posted -= 1
        if self._order is not None:
            self._order.remove(index)
            if not self.posted:
                self._order = self._list.ahead = None

    def post(
        self, wanted: tuple[tuple[int, int, int, int], ...], buffer: memoryview | None
    ) -> Posting:
        """Post a receive into *buffer* of whatever fits one of *wanted*.

        Args:
            wanted: match bits, mask, rank and group of the sender, for each entry.

        Raises:
            Refused: EQNOMID: the match list has no room for it.
        """
        posting = self._spare.pop() if self._spare else Posting()
        posting.block.header = None
        posting.block.buffer = buffer
        posting.descriptor.next_free = 0
        places = posting.places
        try:
            for _ in wanted:
                places.append(self.place()[0])
        except Refused:
            self._free += places
            places.clear()
            self._spare.append(posting)
            raise
        for index, (bits, mask, rank, group) in zip(places, wanted, strict=True):
            entry = self._entries[index]
            entry.bits, entry.mask, entry.rank, entry.group = bits, mask, rank, group
            entry.descriptor = posting.descriptor
            self.link(index)
        return posting

    def state(self, posting: Posting) -> Header | bool:
        """Return the header of the message that came; or whether one came that was too long."""
        header = posting.block.header
        if header is not None:
            return header
        return any(self._entries[index].failed_no_fit for index in posting.places)

    def withdraw(self, posting: Posting) -> None:
        """Take a receive back, or what is left of it once its message is there."""
        for index in posting.places:
            self.unlink(index)
        self._free += posting.places
        posting.places.clear()
        posting.block.header = posting.block.buffer = None
        self._spare.append(posting)
