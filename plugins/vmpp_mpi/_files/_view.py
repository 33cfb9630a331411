"""Views: which bytes of a file a rank sees, as one sequence of data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vmpp_mpi._files._runs import Runs

if TYPE_CHECKING:
    from vmpp_mpi._datatype import Datatype
    from vmpp_mpi._files._datarep import Representation


class View:
    """What `File.Set_view` has set; offsets and sizes in bytes of the file.

    The data seen are those of the filetype, laid down again and again from the displacement on.

    Attributes:
        disp: where the first filetype begins.
        etype: the elementary datatype, as the program gave it.
        filetype: the datatype of what is seen, as the program gave it.
        rep: how data are represented in the file.
        unit: bytes of an elementary datatype's data.
        ascending: whether data that follow one another lie one after the other in the file.
    """

    __slots__ = (
        "_contiguous", "_element", "_extent", "_overlaps", "_size", "ascending", "disp", "etype",
        "filetype", "rep", "unit",
    )  # fmt: skip

    def __init__(self, disp: int, etype: Datatype, filetype: Datatype, rep: Representation) -> None:
        self.disp = disp
        self.etype = etype
        self.filetype = filetype
        self.rep = rep
        self.unit = rep.in_file(etype).size
        layout = rep.in_file(filetype)._get()
        self._size = layout.size
        self._extent = layout.extent
        self._contiguous = layout.contiguous
        self._element = Runs.unpacked(np.array(layout.runs(), "<i8"))
        self._overlaps = _overlap(self._element)
        # Of a resized filetype the next may begin before the one before has ended.
        apart = self._element.end - self._element.begin <= self._extent
        self.ascending = self._contiguous or (apart and not self._overlaps)

    def problem(self, writing: bool) -> str:
        """Return in words why no file can be seen this way, empty if it can."""
        if self.unit == 0 or self._size == 0:
            return "an elementary datatype or filetype of no bytes"
        if self._size % self.unit:
            return f"a filetype of {self._size} bytes is no whole number of etypes of {self.unit}"
        if self._contiguous:
            return ""
        if self._extent <= 0:
            return f"a filetype whose extent is {self._extent}"
        if self._element.begin < 0 or (np.diff(self._element.offsets) < 0).any():
            return "the displacements of a filetype must be positive and ascending"
        if writing and self._overlaps:
            return "the data of a filetype overlap, in a file that is written to"
        return ""

    def runs(self, position: int, nbytes: int) -> Runs:
        """Return the stretches of the file that hold *nbytes* of the data from *position* on."""
        if self._contiguous or nbytes == 0:
            return Runs.one(self.disp + position, nbytes)
        first, skip = divmod(position, self._size)
        tiles = -(-(skip + nbytes) // self._size)
        origin = self.disp + first * self._extent
        if tiles == 1:
            part = self._element.part(skip, skip + nbytes)
            return Runs(part.offsets + origin, part.lengths)
        origins = origin + self._extent * np.arange(tiles, dtype=np.int64)
        offsets = (origins[:, None] + self._element.offsets).ravel()
        lengths = np.tile(self._element.lengths, tiles)
        whole = Runs(offsets, lengths).part(skip, skip + nbytes)
        return Runs.merged(whole.offsets, whole.lengths)

    def byte_offset(self, position: int) -> int:
        """Return where in the file the data from *position* on begin."""
        if self._contiguous:
            return self.disp + position
        tile, skip = divmod(position, self._size)
        inside = self._element.part(skip, skip + 1).begin
        return self.disp + tile * self._extent + inside

    def bytes_before(self, offset: int) -> int:
        """Return how many bytes of the data come before the first that is not before *offset*."""
        beyond = offset - self.disp
        if beyond <= 0:
            return 0
        if self._contiguous:
            return beyond
        tiles = max(0, (beyond - self._element.end) // self._extent + 1)
        return tiles * self._size + self._element.before(beyond - tiles * self._extent)


def _overlap(runs: Runs) -> bool:
    return bool((runs.offsets[1:] < runs.offsets[:-1] + runs.lengths[:-1]).any())
