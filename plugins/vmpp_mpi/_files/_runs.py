"""Runs: which stretches of a file an access touches, and where in its data each belongs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Self

import numpy as np

from vmpp_mpi._files._copy import Integers

_NONE: Final = np.zeros(0, np.int64)


class Runs:
    """Stretches of a file, whose data follow one another in an access.

    They ascend and do not overlap, or else only `part` and `batches` say anything sensible.

    Attributes:
        offsets: where in the file each begins, in bytes.
        lengths: how long each is; none is empty.
    """

    __slots__ = ("_ends", "lengths", "offsets")

    def __init__(self, offsets: Integers, lengths: Integers) -> None:
        self.offsets = offsets
        self.lengths = lengths
        self._ends: Integers | None = None

    @property
    def ends(self) -> Integers:
        """Where in the data each ends, counted from the beginning of the first."""
        if self._ends is None:
            self._ends = np.cumsum(self.lengths)
        return self._ends

    @classmethod
    def one(cls, offset: int, length: int) -> Self:
        """Return a single stretch, none if it is empty."""
        if not length:
            return cls(_NONE, _NONE)
        return cls(np.array([offset], np.int64), np.array([length], np.int64))

    @classmethod
    def merged(cls, offsets: Integers, lengths: Integers) -> Self:
        """Return stretches of which those that touch have become one."""
        if len(offsets) < 2:
            return cls(offsets, lengths)
        ends = offsets + lengths
        first = np.flatnonzero(np.r_[True, offsets[1:] != ends[:-1]])
        return cls(offsets[first], np.add.reduceat(lengths, first))

    @classmethod
    def union(cls, parts: Sequence[Runs]) -> Self:
        """Return the stretches that cover the same bytes as *parts*, each once."""
        offsets = np.concatenate([part.offsets for part in parts]) if parts else _NONE
        if not len(offsets):
            return cls(_NONE, _NONE)
        ends = np.concatenate([part.offsets + part.lengths for part in parts])
        order = np.argsort(offsets, kind="stable")
        offsets, reach = offsets[order], np.maximum.accumulate(ends[order])
        first = np.flatnonzero(np.r_[True, offsets[1:] > reach[:-1]])
        last = np.r_[first[1:], len(offsets)] - 1
        return cls(offsets[first], reach[last] - offsets[first])

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def nbytes(self) -> int:
        """How many bytes they are."""
        if len(self.lengths) == 1:
            return int(self.lengths[0])
        return int(self.ends[-1]) if len(self.lengths) else 0

    @property
    def begin(self) -> int:
        """Where in the file the first begins."""
        return int(self.offsets[0]) if len(self.offsets) else 0

    @property
    def end(self) -> int:
        """Where in the file the last ends."""
        return int(self.offsets[-1] + self.lengths[-1]) if len(self.offsets) else 0

    def packed(self) -> bytes:
        """Return offset and length of each as 64-bit integers, little-endian."""
        return np.stack((self.offsets, self.lengths), 1).astype("<i8").tobytes()

    @classmethod
    def unpacked(cls, data: Any) -> Self:
        """Return the stretches that `packed` has made *data* of."""
        pairs = np.frombuffer(data, "<i8").astype(np.int64).reshape(-1, 2)
        return cls(pairs[:, 0], pairs[:, 1])

    def part(self, begin: int, end: int) -> Runs:
        """Return the stretches of the bytes from *begin* to *end* of the data."""
        end = min(end, self.nbytes)
        if begin >= end:
            return Runs(_NONE, _NONE)
        first = int(np.searchsorted(self.ends, begin, "right"))
        last = int(np.searchsorted(self.ends, end, "left")) + 1
        offsets, lengths = self.offsets[first:last].copy(), self.lengths[first:last].copy()
        lengths[-1] -= int(self.ends[last - 1]) - end
        skipped = begin - int(self.ends[first] - self.lengths[first])
        offsets[0] += skipped
        lengths[0] -= skipped
        return Runs(offsets, lengths)

    def between(self, begin: int, end: int) -> tuple[int, Runs]:
        """Return the stretches within *begin* to *end* of the file, and where their data begin."""
        first = self.before(begin)
        return first, self.part(first, self.before(end))

    def before(self, offset: int) -> int:
        """Return how many bytes of the data lie before *offset* in the file."""
        index = int(np.searchsorted(self.offsets, offset, "left"))
        if index == 0:
            return 0
        beyond = int(self.offsets[index - 1] + self.lengths[index - 1]) - offset
        return int(self.ends[index - 1]) - max(0, beyond)

    def batches(self, nbytes: int, count: int) -> Iterator[tuple[int, Runs]]:
        """Yield parts of at most *nbytes* and *count* stretches, and where the data of each begin.

        No batch has more than it must: the data are cut at multiples of *nbytes*.
        """
        if len(self) == 1 and self.nbytes <= nbytes:
            yield 0, self
            return
        for begin in range(0, self.nbytes, nbytes):
            part = self.part(begin, begin + nbytes)
            for index in range(0, len(part), count):
                piece = Runs(
                    part.offsets[index : index + count], part.lengths[index : index + count]
                )
                yield begin + (int(part.ends[index - 1]) if index else 0), piece
