"""Copies between memory and the wire, in the way that costs least.

There are three: run by run in Python, for a few of them; a strided copy of NumPy's for each piece;
and through an array of indices, for layouts of many irregular runs. Each has its price, measured
once, and the lowest of the three decides. What a copy needs is worked out once for a number of
elements and kept for the next time.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import gcd
from typing import TYPE_CHECKING, Any, Final, Protocol

from vmpp_mpi._datatype._pieces import Piece, number_of_runs, repeated, spread

if TYPE_CHECKING:
    from types import ModuleType

    from vmpp_mpi._datatype._layout import Layout

_RUN: Final = 0.16
_PIECE: Final = 0.45
_GATHER: Final = 0.7
_INDEX: Final = 0.0015
"""Microseconds: of a run in Python, of a piece, of a gather and of each of its indices."""
_UNLOADED: Final = 64
"""So many runs are copied in Python rather than load NumPy for them."""
_KEPT: Final = 8
"""Copies of so many different numbers of elements are kept."""
_UNITS: Final = (8, 4, 2, 1)
"""Bytes of NumPy's fastest types; runs of other sizes are elements of type ``V``."""


class Copy(Protocol):
    """A way to copy a certain number of elements of a layout."""

    def room(self) -> memoryview:
        """Return memory for the packed elements, whatever is in it."""
        ...

    def pack(self, memory: memoryview, origin: int) -> memoryview:
        """Return a packed copy of the elements; see `Layout.pack`."""
        ...

    def unpack(self, data: memoryview, memory: memoryview, origin: int) -> None:
        """Store the elements from packed *data*; see `Layout.unpack`."""
        ...


class Copier:
    """Chooses how to copy elements of one layout."""

    __slots__ = ("_indices", "_kept", "_layout", "_runs", "_unit")

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._runs = number_of_runs(layout.pieces)
        self._unit = _unit(layout)
        self._indices: Any = None
        self._kept: dict[int, Copy] = {}

    def of(self, count: int) -> Copy:
        """Return the way to copy *count* elements."""
        found = self._kept.get(count)
        if found is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            found = self._kept[count] = self._choose(count)
        return found

    def _choose(self, count: int) -> Copy:
        layout = self._layout
        pieces = repeated(layout.pieces, layout.size, count, layout.extent)
        nbytes, runs = count * layout.size, self._runs * count
        if runs <= _UNLOADED and "numpy" not in sys.modules:
            return _ByRuns(pieces, nbytes)
        prices = {
            _ByRuns: _RUN * runs,
            _ByPieces: _PIECE * len(pieces),
            _ByIndices: _GATHER + _INDEX * (nbytes // self._unit),
        }
        way = min(prices, key=prices.__getitem__)
        if way is _ByIndices:
            return _ByIndices(self._places(count), self._unit, layout.bounds(count)[0])
        return _ByRuns(pieces, nbytes) if way is _ByRuns else _ByPieces(pieces, nbytes)

    def _places(self, count: int) -> Any:
        """Return for each unit on the wire its place among those from the lowest byte on."""
        import numpy as np  # noqa: PLC0415 - it is loaded, or worth it

        layout, unit = self._layout, self._unit
        if self._indices is None:
            runs = np.array(sorted(spread(layout.pieces)))
            wires, offsets, lengths = runs.T // unit
            steps = np.repeat(offsets - layout.true_lb // unit - wires, lengths)
            self._indices = steps + np.arange(len(steps))
        if count == 1:
            return self._indices
        lowest = min((count - 1) * layout.extent, 0)
        elements = (np.arange(count) * layout.extent - lowest) // unit
        return (elements[:, None] + self._indices).ravel()


class _ByRuns:
    """Copies run by run, in Python."""

    __slots__ = ("_nbytes", "_runs")

    def __init__(self, pieces: Sequence[Piece], nbytes: int) -> None:
        self._runs = list(spread(pieces))
        self._nbytes = nbytes

    def room(self) -> memoryview:
        return memoryview(bytearray(self._nbytes))

    def pack(self, memory: memoryview, origin: int) -> memoryview:
        packed = self.room()
        for wire, offset, length in self._runs:
            packed[wire : wire + length] = memory[origin + offset : origin + offset + length]
        return packed

    def unpack(self, data: memoryview, memory: memoryview, origin: int) -> None:
        for wire, offset, length in self._runs:
            memory[origin + offset : origin + offset + length] = data[wire : wire + length]


class _ByPieces:
    """Copies piece by piece, as arrays of the same shape and different strides."""

    __slots__ = ("_array", "_empty", "_nbytes", "_pieces")

    def __init__(self, pieces: Sequence[Piece], nbytes: int) -> None:
        np = _numpy()
        self._array, self._empty = np.ndarray, np.empty
        self._nbytes = nbytes
        self._pieces = [
            (
                tuple([count for count, _, _ in dims]),
                np.dtype(f"u{run}" if run in _UNITS else f"V{run}"),
                wire,
                tuple([step for _, _, step in dims]),
                offset,
                tuple([step for _, step, _ in dims]),
            )
            for wire, offset, run, dims in pieces
        ]

    def room(self) -> memoryview:
        return memoryview(self._empty(self._nbytes, "u1"))

    def pack(self, memory: memoryview, origin: int) -> memoryview:
        array = self._array
        packed = self.room()
        for shape, kind, wire, wire_steps, offset, steps in self._pieces:
            wired = array(shape, kind, packed, wire, wire_steps)
            wired[...] = array(shape, kind, memory, origin + offset, steps)
        return packed

    def unpack(self, data: memoryview, memory: memoryview, origin: int) -> None:
        array = self._array
        for shape, kind, wire, wire_steps, offset, steps in self._pieces:
            stored = array(shape, kind, memory, origin + offset, steps)
            stored[...] = array(shape, kind, data, wire, wire_steps)


class _ByIndices:
    """Copies through an array of places of units, the same on both ways."""

    __slots__ = ("_frombuffer", "_kind", "_low", "_places", "_unit")

    def __init__(self, places: Any, unit: int, low: int) -> None:
        np = _numpy()
        self._frombuffer = np.frombuffer
        self._kind = np.dtype(f"u{unit}")
        self._places = places
        self._unit = unit
        self._low = low

    def _units(self, memory: memoryview, origin: int) -> Any:
        begin = origin + self._low
        return self._frombuffer(memory, self._kind, (len(memory) - begin) // self._unit, begin)

    def room(self) -> memoryview:
        return memoryview(_numpy().empty(len(self._places) * self._unit, "u1"))

    def pack(self, memory: memoryview, origin: int) -> memoryview:
        return memoryview(self._units(memory, origin)[self._places]).cast("B")

    def unpack(self, data: memoryview, memory: memoryview, origin: int) -> None:
        units = self._frombuffer(data, self._kind, len(self._places))
        self._units(memory, origin)[self._places] = units


def _unit(layout: Layout) -> int:
    """Return the largest of 8, 4, 2 and 1 bytes that all runs, and what is between, consist of."""
    together = gcd(8, layout.extent)
    for _, offset, run, dims in layout.pieces:
        together = gcd(together, run, offset - layout.true_lb, *(step for _, step, _ in dims))
    return together


def _numpy() -> ModuleType:
    import numpy as np  # noqa: PLC0415 - programs without irregular data need not load it

    return np
