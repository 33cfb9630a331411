"""The disk of an I/O node: how long its arm, its platters and its electronics take.

The model is the common one of Ruemmler and Wilkes, 'An introduction to disk drive modeling', IEEE
Computer 27(3), 1994: a seek takes the longer the farther it goes, as the square root of that, for
the arm is speeding up most of the way; then the disk waits until the first byte passes under its
head; then the bytes pass one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt


@dataclass(frozen=True, slots=True)
class DiskParameters:
    """The constants of a disk.

    Attributes:
        capacity: bytes.
        block: bytes of a block, the least that is read or written.
        transfer_rate: of bytes in a row, fs a byte.
        seek_min: of a seek to the next track, ps.
        seek_max: of one across the whole disk, ps.
        rotation: of one turn, ps; 0: nothing turns.
    """

    capacity: int
    block: int
    transfer_rate: int
    seek_min: int
    seek_max: int
    rotation: int

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return self.capacity // self.block

    @property
    def track(self) -> int:
        """Bytes that pass in one turn; of a disk that does not turn those of a block."""
        return max(self.block, self.rotation * 1000 // self.transfer_rate)

    def passes(self, address: int) -> int:
        """Return when the byte at *address* passes, after the one at 0, if nothing interferes, ps.

        The tracks are skewed so that the arm comes to the next one just in time: data in a row are
        as on one spiral.
        """
        return address * self.transfer_rate // 1000

    def seek(self, origin: int, target: int) -> int:
        """Return how long the arm takes from one address to another: none within a track, ps.

        Over *d* of *n* tracks it is ``seek_min + (seek_max - seek_min) * sqrt((d-1) / (n-2))``: the
        first to the next track, the second to the last from the first.
        """
        track = self.track
        distance = abs(target // track - origin // track)
        if not distance:
            return 0
        span, most = self.seek_max - self.seek_min, self.capacity // track - 2
        if span <= 0 or most <= 0:
            return self.seek_min
        return self.seek_min + isqrt(span * span * min(distance - 1, most) // most)


class Disk:
    """One disk, which does one thing after the other.

    Where its platters stand follows from virtual time alone: the byte at address 0 passes at time
    0, and at every whole turn from then on.

    Attributes:
        parameters: its constants.
        free: when it is done with all that it has been told to do, ps.
        busy: how long it has worked so far, or will have by then, ps.
    """

    __slots__ = ("_head", "busy", "free", "parameters")

    def __init__(self, parameters: DiskParameters) -> None:
        self.parameters = parameters
        self.free = 0
        self.busy = 0
        self._head = 0

    @property
    def head(self) -> int:
        """The block that comes after what it has read or written last."""
        return -(-self._head // self.parameters.block)

    def move(self, when: int, begin: int, end: int) -> int:
        """Read or write the blocks from *begin* up to *end*, at time *when* at the earliest.

        Returns:
            The time, in picoseconds, at which the byte at address 0 would have passed; so that at
            any address is in memory, or on the disk, `DiskParameters.passes` later.
        """
        parameters = self.parameters
        start, stop = begin * parameters.block, end * parameters.block
        began = max(when, self.free)
        there = began if start == self._head else began + parameters.seek(self._head, start)
        angle = parameters.passes(start)
        if parameters.rotation:
            there += (angle - there) % parameters.rotation
        self.free = there + parameters.passes(stop) - angle
        self.busy += self.free - began
        self._head = stop
        return there - angle
