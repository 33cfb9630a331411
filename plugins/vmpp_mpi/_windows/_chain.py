"""A match list whose entries come at the end and go in any order."""

from __future__ import annotations

from typing import Final

from vmpp.portals import END, Descriptor, MatchEntry, MatchList

_NOWHERE: Final = 1 << 40
"""A link that leads out of the list. Unlike `END` it leaves the entry that it is taken from active:
whoever sends too much harms nobody else."""


class Chain:
    """The entries of one portal, which the kernel tries in the order in which they were added.

    Places in the array are used again, and so are the entries themselves.

    Attributes:
        list: for the portal.
    """

    __slots__ = ("_before", "_entries", "_free", "_last", "list")

    def __init__(self) -> None:
        self._entries: list[MatchEntry | None] = []
        self._before: list[int] = []
        self._free: list[int] = []
        self._last = END
        self.list = MatchList(self._entries)

    def add(self, bits: int, descriptor: Descriptor) -> int:
        """Add an entry and return its place."""
        if self._free:
            place = self._free.pop()
            entry = self._entry(place)
            entry.active = True
        else:
            place = len(self._entries)
            entry = MatchEntry(None, next_no_fit=_NOWHERE)
            self._entries.append(entry)
            self._before.append(END)
        entry.bits = bits
        entry.descriptor = descriptor
        entry.next_no_match = entry.next_invalid = END
        self._before[place] = self._last
        self._link(self._last, place)
        self._last = place
        return place

    def remove(self, place: int) -> None:
        """Take the entry at a *place* out."""
        entry = self._entry(place)
        after, before = entry.next_no_match, self._before[place]
        self._link(before, after)
        if after == END:
            self._last = before
        else:
            self._before[after] = before
        entry.active = False
        entry.descriptor = None
        self._free.append(place)

    def _entry(self, place: int) -> MatchEntry:
        entry = self._entries[place]
        assert entry is not None
        return entry

    def _link(self, before: int, place: int) -> None:
        """Make *place* follow *before*, or come first."""
        if before == END:
            self.list.head = place
        else:
            entry = self._entry(before)
            entry.next_no_match = entry.next_invalid = place
