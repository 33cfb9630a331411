"""Where in a long list of posted receives the first is that a message may match."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque


class PostedReceives:
    """An index of posted receives, so that the host need not walk past those that do not match.

    The machine's kernel does walk past them, and takes its time for each: `first` says how many.
    Every receive takes one message, so an entry is found once.

    Args:
        following: place of the entry after the last of them.
    """

    __slots__ = ("_by_mask", "_following", "_next", "_order", "_serials")

    def __init__(self, following: int) -> None:
        self._following = following
        self._next = 0
        # Serial numbers of the entries in the list, which are in the order of posting.
        self._order: list[int] = []
        self._serials: dict[int, int] = {}
        # By mask, then by the bits under it: serial number and place, oldest first.
        self._by_mask: dict[int, dict[int, deque[tuple[int, int]]]] = {}

    def add(self, place: int, bits: int, mask: int) -> None:
        """Note that the entry at *place* has been linked behind all others."""
        serial = self._next = self._next + 1
        self._serials[place] = serial
        self._order.append(serial)
        table = self._by_mask.setdefault(mask, {})
        table.setdefault(bits & mask, deque()).append((serial, place))

    def remove(self, place: int) -> None:
        """Note that the entry at *place* has been taken out of the list."""
        serial = self._serials.pop(place)
        del self._order[bisect_left(self._order, serial)]

    def first(self, bits: int) -> tuple[int, int]:
        """Return the place of the first entry that matches *bits*, and how many are before it.

        If none matches, these are the entry after the last, and the number of all.
        """
        found: tuple[int, int] | None = None
        chosen: deque[tuple[int, int]] | None = None
        for mask, table in self._by_mask.items():
            queue = table.get(bits & mask)
            if queue is None:
                continue
            while queue and self._serials.get(queue[0][1]) != queue[0][0]:
                queue.popleft()
            if not queue:
                del table[bits & mask]
            elif found is None or queue[0] < found:
                found, chosen = queue[0], queue
        if found is None or chosen is None:
            return self._following, len(self._order)
        chosen.popleft()
        serial, place = found
        return place, bisect_left(self._order, serial)
