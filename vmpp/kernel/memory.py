"""Memory of processes: what each holds of its node's, and the most that it may."""

from __future__ import annotations

from vmpp.hardware import Memory, OutOfMemory, Region


class ProcessMemory:
    """What one process holds of the memory of its node; all of it is given back at its end.

    Attributes:
        parts: into how many equal parts the memory is divided, of which it may have one.
        used: bytes that it holds.
    """

    __slots__ = ("_memory", "_owner", "_regions", "parts", "used")

    def __init__(self, memory: Memory, owner: str) -> None:
        """Hold nothing yet of *memory*, all of which *owner* may have."""
        self._memory = memory
        self._owner = owner
        self._regions: list[Region] = []
        self.parts = 1
        self.used = 0

    def allocate(self, length: int) -> Region:
        """Return a new region of *length* bytes.

        Raises:
            ValueError: *length* is negative.
            OutOfMemory: that is more than the process may have, or than there is; the message names
                the sizes in bytes.
        """
        size = self._memory.size
        left = size // self.parts - self.used
        if length > left and self.parts > 1:
            raise OutOfMemory(
                f"{self._owner} needs {length} bytes, and has {left} of {size} "
                f"as one of {self.parts} ranks on a node"
            )
        region = self._memory.allocate(self._owner, length)
        self._regions.append(region)
        self.used += length
        return region

    def free(self, region: Region) -> None:
        """Give *region* back; nothing happens if the process does not hold it any more."""
        for place, held in enumerate(self._regions):
            if held is region:
                del self._regions[place]
                self._memory.free(region)
                self.used -= region.length
                return

    def free_all(self) -> None:
        """Give back all that the process holds."""
        for region in self._regions:
            self._memory.free(region)
        self._regions.clear()
        self.used = 0
