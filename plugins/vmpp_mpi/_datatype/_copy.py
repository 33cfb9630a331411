"""Copies between memory and the wire, in the way that costs least.

There are three: run by run in Python, for a few of them; a strided copy of NumPy's for each piece;
and through an array of indices, for layouts of many irregular runs. Each has its price, measured
once, and the lowest of the three sums decides.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from math import gcd
from typing import TYPE_CHECKING, Any, Final

from vmpp_mpi._datatype._pieces import Piece, number_of_runs, repeated, spread

if TYPE_CHECKING:
    from types import ModuleType

    from vmpp_mpi._datatype._layout import Layout

_RUN: Final = 0.3
_PIECE: Final = 2.2
_GATHER: Final = 6.0
_INDEX: Final = 0.004
"""Microseconds: of a run in Python, of a piece, of a gather and of each of its indices."""
_UNLOADED: Final = 64
"""So many runs are copied in Python rather than load NumPy for them."""
_KINDS: Final = {1: "u1", 2: "u2", 4: "u4", 8: "u8"}
"""NumPy's fastest types by size; runs of other sizes are elements of type ``V``."""


_RUNS, _PIECES, _INDICES = range(3)


class Copier:
    """Copies elements of one layout."""

    __slots__ = ("_index", "_layout", "_runs", "_unit")

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._runs = number_of_runs(layout.pieces)
        self._unit = _unit(layout)
        self._index: Any = None

    def pack(self, memory: memoryview, count: int, origin: int) -> memoryview:
        """Return a packed copy of *count* elements; see `Layout.pack`."""
        way = self._way(count)
        if way == _INDICES:
            return memoryview(self._units(memory, count, origin)[self._indices(count)]).cast("B")
        nbytes = count * self._layout.size
        if way == _RUNS:
            packed = memoryview(bytearray(nbytes))
            for wire, offset, length in spread(self._of(count)):
                packed[wire : wire + length] = memory[origin + offset : origin + offset + length]
        else:
            packed = memoryview(_numpy().empty(nbytes, "u1"))
            for wired, stored in self._pairs(packed, memory, count, origin):
                wired[...] = stored
        return packed

    def unpack(self, data: memoryview, memory: memoryview, count: int, origin: int) -> None:
        """Store *count* elements from packed *data*; see `Layout.unpack`."""
        way = self._way(count)
        if way == _RUNS:
            for wire, offset, length in spread(self._of(count)):
                memory[origin + offset : origin + offset + length] = data[wire : wire + length]
        elif way == _PIECES:
            for wired, stored in self._pairs(data, memory, count, origin):
                stored[...] = wired
        else:
            units, indices = self._units(memory, count, origin), self._indices(count)
            units[indices] = _numpy().frombuffer(data, units.dtype, indices.size)

    def _way(self, count: int) -> int:
        runs = self._runs * count
        if runs <= _UNLOADED and "numpy" not in sys.modules:
            return _RUNS
        units = count * self._layout.size // self._unit
        prices = (_RUN * runs, _PIECE * len(self._layout.pieces), _GATHER + _INDEX * units)
        return prices.index(min(prices))

    def _of(self, count: int) -> tuple[Piece, ...]:
        layout = self._layout
        return repeated(layout.pieces, layout.size, count, layout.extent)

    def _pairs(
        self, packed: memoryview, memory: memoryview, count: int, origin: int
    ) -> Iterator[tuple[Any, Any]]:
        """Yield for each piece its runs on the wire and in memory, as arrays of one shape."""
        array = _numpy().ndarray
        for wire, offset, run, dims in self._of(count):
            kind = _KINDS.get(run) or f"V{run}"
            shape = [number for number, _, _ in dims]
            yield (
                array(shape, kind, packed, wire, [step for _, _, step in dims]),
                array(shape, kind, memory, origin + offset, [step for _, step, _ in dims]),
            )

    def _units(self, memory: memoryview, count: int, origin: int) -> Any:
        """Return the memory from the lowest byte of *count* elements on, as an array of units."""
        unit = self._unit
        begin = origin + self._layout.bounds(count)[0]
        return _numpy().frombuffer(memory, _KINDS[unit], (len(memory) - begin) // unit, begin)

    def _indices(self, count: int) -> Any:
        """Return for each unit on the wire its place among those of `_units`."""
        np, extent = _numpy(), self._layout.extent
        if self._index is None:
            self._index = self._element_indices(np)
        if count == 1:
            return self._index
        lowest = min((count - 1) * extent, 0)
        steps = (np.arange(count) * extent - lowest) // self._unit
        return (steps[:, None] + self._index).ravel()

    def _element_indices(self, np: ModuleType) -> Any:
        unit = self._unit
        wires, offsets, lengths = np.array(sorted(spread(self._layout.pieces))).T // unit
        steps = np.repeat(offsets - self._layout.true_lb // unit - wires, lengths)
        return steps + np.arange(len(steps))


def _unit(layout: Layout) -> int:
    """Return the largest of 8, 4, 2 and 1 bytes that all runs, and what is between, consist of."""
    together = gcd(8, layout.extent)
    for _, offset, run, dims in layout.pieces:
        together = gcd(together, run, offset - layout.true_lb, *(step for _, step, _ in dims))
    return together


def _numpy() -> ModuleType:
    import numpy as np  # noqa: PLC0415 - programs without irregular data need not load it

    return np
