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
    """

    __slots__ = (
        "_contiguous", "_ends", "_extent", "_lengths", "_offsets", "_size", "disp", "etype",
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
        segments = np.array(layout.runs(), np.int64).reshape(-1, 2)
        self._offsets, self._lengths = segments[:, 0], segments[:, 1]
        self._ends = np.cumsum(self._lengths)

    def problem(self, writing: bool) -> str:
        """Return in words why no file can be seen this way, empty if it can."""
        if self.unit == 0 or self._size == 0:
            return "an elementary datatype or filetype of no bytes"
        if self._size % self.unit:
            return f"a filetype of {self._size} bytes is no whole number of etypes of {self.unit}"
        if self._extent <= 0:
            return f"a filetype whose extent is {self._extent}"
        if self._offsets[0] < 0 or (np.diff(self._offsets) < 0).any():
            return "the displacements of a filetype must be positive and ascending"
        if writing and self._overlaps():
            return "the data of a filetype overlap, in a file that is written to"
        return ""

    def _overlaps(self) -> bool:
        return bool((self._offsets[1:] < self._offsets[:-1] + self._lengths[:-1]).any())

    @property
    def ascending(self) -> bool:
        """Whether data that follow one another lie one after the other in the file."""
        return self._hull <= self._extent + int(self._offsets[0]) and not self._overlaps()

    @property
    def _hull(self) -> int:
        return int(self._offsets[-1] + self._lengths[-1])

    def runs(self, position: int, nbytes: int) -> Runs:
        """Return the stretches of the file that hold *nbytes* of the data from *position* on."""
        if self._contiguous or nbytes == 0:
            return Runs.one(self.disp + position, nbytes)
        first, skip = divmod(position, self._size)
        tiles = -(-(skip + nbytes) // self._size)
        origin = self.disp + first * self._extent
        if tiles == 1:
            return Runs(self._offsets + origin, self._lengths).part(skip, skip + nbytes)
        origins = origin + self._extent * np.arange(tiles, dtype=np.int64)
        offsets = (origins[:, None] + self._offsets).ravel()
        whole = Runs(offsets, np.tile(self._lengths, tiles)).part(skip, skip + nbytes)
        return Runs.merged(whole.offsets, whole.lengths)

    def byte_offset(self, position: int) -> int:
        """Return where in the file the data from *position* on begin."""
        if self._contiguous:
            return self.disp + position
        tile, skip = divmod(position, self._size)
        index = int(np.searchsorted(self._ends, skip, "right"))
        before = int(self._ends[index] - self._lengths[index])
        return self.disp + tile * self._extent + int(self._offsets[index]) + skip - before

    def bytes_before(self, offset: int) -> int:
        """Return how many bytes of the data come before the first that is not before *offset*."""
        beyond = offset - self.disp
        if beyond <= 0:
            return 0
        if self._contiguous:
            return beyond
        tiles = max(0, (beyond - self._hull) // self._extent + 1)
        inside = Runs(self._offsets, self._lengths).before(beyond - tiles * self._extent)
        return tiles * self._size + inside
