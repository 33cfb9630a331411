"""Arguments for buffers: which elements of which memory a program means.

A program gives an object that exports its memory, or a list or tuple of such an object with counts,
displacements and datatypes. In the place of the object may stand `BOTTOM`: then offsets are
addresses.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from operator import index
from typing import Any, Final

from vmpp_mpi._buffers._exported import absolute, enclosing, export
from vmpp_mpi._datatype import BY_CODE, Datatype, Definition, Layout
from vmpp_mpi._special import BOTTOM, IN_PLACE

SEQUENCES: Final = (list, tuple)
EMPTY: Final = memoryview(bytearray())
_NATIVE: Final = "@=<" if sys.byteorder == "little" else "@=>!"


class Elements:
    """Elements of a datatype somewhere in a program's memory.

    Attributes:
        buffer: what the program gave.
        memory: of the buffer; empty for `BOTTOM` and None.
        datatype: type of an element.
        writable: whether they are to be written to.
    """

    __slots__ = ("buffer", "datatype", "memory", "writable")

    def __init__(self, buffer: Any, given: Any, writable: bool) -> None:
        self.buffer = buffer
        self.writable = writable
        self.memory = EMPTY
        if buffer is None or buffer is BOTTOM or buffer is IN_PLACE:
            self.datatype = as_datatype(given)
            return
        self.memory, format_ = export(buffer, writable)
        self.datatype = _datatype_of(format_) if given is None else as_datatype(given)

    def layout(self) -> Definition:
        """Return the layout of an element.

        Raises:
            MPIError: `ERR_TYPE`: the datatype is null, or has not been committed.
        """
        return self.datatype._ready()

    def infer(self, layout: Layout, displ: int, blocks: int) -> int:
        """Return how many elements fill the buffer from element *displ* on.

        Raises:
            ValueError: it cannot be told, or they cannot be divided into so many blocks.
        """
        extent, nbytes = layout.extent, len(self.memory)
        if nbytes == 0:
            return 0
        if extent <= 0 or nbytes % extent:
            raise ValueError(
                f"message: cannot infer count, buffer length {nbytes} is not a multiple of "
                f"datatype extent {extent} (lb:{layout.lb}, ub:{layout.lb + extent})"
            )
        entries = nbytes // extent - displ
        if entries % blocks:
            raise ValueError(
                f"message: cannot infer count, number of entries {entries} is not a multiple of "
                f"required number of blocks {blocks}"
            )
        return entries

    def check_displacement(self, layout: Layout, displ: int) -> None:
        """Refuse a displacement in elements that leads out of the buffer.

        Raises:
            ValueError: it does.
        """
        if displ < 0:
            raise ValueError(f"message: negative displacement {displ}")
        if displ == 0 or self.buffer is BOTTOM:
            return
        if layout.extent <= 0:
            raise ValueError(
                f"message: cannot handle displacement, datatype extent {layout.extent}"
            )
        if displ * layout.extent > len(self.memory):
            raise ValueError(
                f"message: displacement {displ} out of bounds, number of datatype entries "
                f"{len(self.memory) // layout.extent}"
            )

    def place(self, layout: Layout, count: int, offset: int) -> tuple[memoryview, int]:
        """Return the memory in which *count* elements lie, and where in it the first one's origin.

        Args:
            layout: of an element.
            count: number of elements.
            offset: of the first element's origin in the buffer, in bytes.

        Raises:
            ValueError: they reach beyond the buffer.
            BufferError: there is no memory at the address.
        """
        memory, buffer = self.memory, self.buffer
        low, high = layout.bounds(count)
        if low == high:
            return memory, 0
        if offset + low >= 0 and offset + high <= len(memory):
            return memory, offset
        if buffer is BOTTOM:
            return absolute(offset, layout.runs(count), self.writable), -low
        if buffer is None or buffer is IN_PLACE:
            raise ValueError(f"message: buffer is {buffer} but count is {count}")
        if offset + low < 0 and offset + high <= len(memory):
            memory, shift = enclosing(buffer, memory, self.writable)
            if offset + low + shift >= 0:
                return memory, offset + shift
        raise ValueError(
            f"message: buffer too small for requested count, {count} elements reach from byte "
            f"{offset + low} to {offset + high} of {len(self.memory)}"
        )


def as_datatype(given: Any) -> Datatype:
    """Return the datatype that is *given* itself or by a type code.

    Raises:
        KeyError: there is no such code.
    """
    if isinstance(given, Datatype):
        return given
    try:
        return BY_CODE[given]
    except KeyError:
        raise KeyError(f"cannot map {given!r} to MPI datatype") from None


def _datatype_of(format_: str | None) -> Datatype:
    """Return the datatype of the elements of a buffer, from its *format_*."""
    found = BY_CODE.get(format_ or "B")
    if found is not None:
        return found
    assert format_ is not None
    if format_[0] in "<>!" and format_[0] not in _NATIVE:
        raise BufferError(f"message: elements {format_!r} are not in native byte order")
    found = BY_CODE.get(format_.lstrip(_NATIVE))
    if found is None:
        raise KeyError(f"cannot map {format_!r} to MPI datatype")
    return found


def fields(obj: Sequence[Any]) -> tuple[Any, Any, Any, Any]:
    """Return buffer, counts, displacements and datatype of a list; None where absent.

    Raises:
        ValueError: it has too few or too many items.
    """
    match len(obj):
        case 2:
            buffer, second = obj
            if isinstance(second, (Datatype, str)):
                return buffer, None, None, second
            counts, given = second, None
        case 3:
            buffer, counts, given = obj
        case 4:
            buffer, counts, displs, given = obj
            return buffer, counts, displs, given
        case _:
            raise ValueError("message: expecting 2 to 4 items")
    return buffer, counts, None, given


def per_rank(given: Any, blocks: int) -> list[int]:
    """Return the items of a sequence with one for each rank.

    Raises:
        ValueError: it has another length.
    """
    if len(given) != blocks:
        raise ValueError(f"expecting {blocks} items, got {len(given)}")
    return [index(item) for item in given]


def counts_of(given: Any, elements: Elements, layout: Layout, blocks: int) -> list[int]:
    """Return the number of elements of each block; without any *given* they share the buffer.

    Raises:
        ValueError: as `Elements.infer` and `per_rank`; one is negative.
    """
    if given is None:
        share, rest = divmod(elements.infer(layout, 0, 1), blocks)
        return [share + (block < rest) for block in range(blocks)]
    number = _number(given)
    counts = per_rank(given, blocks) if number is None else [number] * blocks
    if counts and min(counts) < 0:
        raise ValueError(f"message: negative count {min(counts)}")
    return counts


def displacements_of(given: Any, counts: list[int], blocks: int) -> list[int]:
    """Return where each block begins; without any *given* they follow one another."""
    if given is None:
        sums, total = [], 0
        for count in counts:
            sums.append(total)
            total += count
        return sums
    number = _number(given)
    if number is None:
        return per_rank(given, blocks)
    return [number * block for block in range(blocks)]


def _number(given: Any) -> int | None:
    """Return *given* if it is one number for all ranks; an array of no dimension is."""
    if isinstance(given, SEQUENCES):
        return None
    try:
        return index(given)
    except TypeError:
        return None
