"""Where in a long list of posted receives the first is that may take a message."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from typing import Any

from vmpp_nx._mailbox import WHOLE


class Order:
    """Posted entries by what they take, so that the host need not walk past those that do not.

    The machine's kernel does walk, and takes its time for each entry that `first` counts.

    Args:
        entries: of the match list.
    """

    __slots__ = ("_entries", "_next", "_serials", "_sorted", "_tables")

    def __init__(self, entries: list[Any]) -> None:
        self._entries = entries
        self._next = 0
        # Serial numbers, in the order of the list.
        self._sorted: list[int] = []
        self._serials: dict[int, int] = {}
        # By mask, then by the bits under it: serial number and place, oldest first.
        self._tables: dict[int, dict[int, deque[tuple[int, int]]]] = {}

    def add(self, place: int) -> None:
        """Note that the entry at *place* has been linked behind all others."""
        entry = self._entries[place]
        serial = self._next = self._next + 1
        self._serials[place] = serial
        self._sorted.append(serial)
        table = self._tables.setdefault(entry.mask, {})
        table.setdefault(entry.bits & entry.mask, deque()).append((serial, place))

    def remove(self, place: int) -> None:
        """Note that the entry at *place* has been taken out of the list."""
        del self._sorted[bisect_left(self._sorted, self._serials.pop(place))]

    def first(self, bits: int) -> tuple[int, int]:
        """Return the place of the first entry that may take *bits*, and how many are before it.

        If there is none, these are the entry behind the last, and the number of all.
        """
        found: tuple[int, int] | None = None
        for mask, table in self._tables.items():
            queue = table.get(bits & mask)
            if queue is None:
                continue
            while queue and self._is_over(*queue[0]):
                queue.popleft()
            if not queue:
                del table[bits & mask]
            elif found is None or queue[0] < found:
                found = queue[0]
        if found is None:
            return WHOLE, len(self._sorted)
        return found[1], bisect_left(self._sorted, found[0])

    def _is_over(self, serial: int, place: int) -> bool:
        """Return whether an entry is gone, or has its message."""
        return self._serials.get(place) != serial or self._entries[place].descriptor.next_free > 0
