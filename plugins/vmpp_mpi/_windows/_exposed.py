"""The memory that a process exposes in one window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vmpp_mpi._windows._groups import Group
from vmpp_mpi._windows._locks import LockQueue

if TYPE_CHECKING:
    from vmpp.portals import Address, Header


class Region:
    """One stretch of exposed memory.

    Attributes:
        memory: the bytes, writable.
        base: the displacement of its first byte: 0, or its address in a dynamic window.
        key: tells it from other regions of the window; in the match bits of its entries.
        places: of its entries in the match list for memory.
    """

    __slots__ = ("base", "key", "memory", "places")

    def __init__(self, memory: memoryview, base: int, key: int) -> None:
        self.memory = memory
        self.base = base
        self.key = key
        self.places: tuple[int, ...] = ()

    @property
    def end(self) -> int:
        """The displacement after the last byte."""
        return self.base + len(self.memory)


class Exposed:
    """What a process exposes in one window: its regions, and the lock on them.

    Attributes:
        window: number of the window.
        regions: by key.
        lock: for passive target epochs.
    """

    __slots__ = ("_next_key", "lock", "regions", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self.regions: dict[int, Region] = {}
        self.lock: LockQueue[Address, Header] = LockQueue()
        self._next_key = 0

    def add(self, memory: memoryview, base: int) -> Region:
        """Add a region and return it."""
        region = Region(memory, base, self._next_key)
        self._next_key += 1
        self.regions[region.key] = region
        return region

    def find(self, begin: int, end: int) -> Region | None:
        """Return the region that has all bytes from *begin* to *end*, None if there is none."""
        for region in self.regions.values():
            if region.base <= begin and end <= region.end:
                return region
        return None

    def overlaps(self, begin: int, end: int) -> bool:
        """Return whether a region has any of these bytes."""
        return any(region.base < end and begin < region.end for region in self.regions.values())

    def locate(self, groups: Sequence[Group]) -> list[tuple[memoryview, Group]] | None:
        """Return for each group the memory it is in, and where; None if not all are exposed."""
        found: list[tuple[memoryview, Group]] = []
        for group in groups:
            region = self.find(*group.span())
            if region is not None:
                found.append((region.memory, group.moved(-region.base)))
            elif group.repeat == 1:
                return None
            else:
                # Its runs may lie in several regions.
                parts = self.locate(group.single())
                if parts is None:
                    return None
                found += parts
        return found


def gather(located: Sequence[tuple[memoryview, Group]]) -> bytes:
    """Return the bytes of all groups, as a copy."""
    return b"".join([_bytes(memory, group) for memory, group in located])


def scatter(located: Sequence[tuple[memoryview, Group]], data: Any) -> None:
    """Store *data* as the bytes of all groups."""
    begin = 0
    view = memoryview(data)
    for memory, group in located:
        part = view[begin : begin + group.nbytes]
        begin += group.nbytes
        if group.repeat == 1:
            memory[group.offset : group.offset + group.length] = part
        else:
            packed = Group(0, group.length, group.length, group.repeat)
            group.view(memory)[:] = packed.view(part)


def _bytes(memory: memoryview, group: Group) -> bytes:
    if group.repeat == 1:
        return bytes(memory[group.offset : group.offset + group.length])
    return group.view(memory).tobytes()
