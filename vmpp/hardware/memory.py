"""A node's memory: regions handed out within its size."""

from __future__ import annotations

from dataclasses import dataclass


class OutOfMemory(Exception):
    """A region does not fit in what is left of a node's memory."""


@dataclass(slots=True)
class Region:
    """A piece of memory: its owner's name for it, first address and length in bytes."""

    name: str
    base: int
    length: int


class Memory:
    """Hands out regions, first fit, within *size* bytes.

    There is no paging: what does not fit is refused.
    """

    __slots__ = ("regions", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.regions: list[Region] = []

    @property
    def used(self) -> int:
        """Bytes in use."""
        return sum(region.length for region in self.regions)

    def allocate(self, name: str, length: int) -> Region:
        """Return a new region of *length* bytes.

        Raises:
            ValueError: *length* is negative.
            OutOfMemory: no gap is large enough; the message names sizes in bytes.
        """
        if length < 0:
            raise ValueError(f"a region cannot have {length} bytes")
        base = 0
        for place, region in enumerate(self.regions):
            if region.base - base >= length:
                return self._insert(place, Region(name, base, length))
            base = region.base + region.length
        free = self.size - self.used
        if self.size - base < length:
            pieces = ", but not in one piece" if length <= free else ""
            raise OutOfMemory(
                f"{name} needs {length} bytes, and {free} of {self.size} are free{pieces}"
            )
        return self._insert(len(self.regions), Region(name, base, length))

    def free(self, region: Region) -> None:
        """Give *region* back.

        Raises:
            ValueError: it is not allocated here.
        """
        for place, held in enumerate(self.regions):
            if held is region:
                del self.regions[place]
                return
        raise ValueError(f"region {region.name} is not allocated here")

    def find(self, address: int) -> Region | None:
        """Return the region that *address* lies in, or None."""
        for region in self.regions:
            if region.base <= address < region.base + region.length:
                return region
        return None

    def _insert(self, place: int, region: Region) -> Region:
        self.regions.insert(place, region)
        return region
