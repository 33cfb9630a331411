"""Layouts: where in memory the data of an element lie, and how packed bytes get there and back.

A layout is built from smaller ones by four functions: `repeat`, `join`, `resize` and `place`. All
constructors of MPI are made of these. It never changes.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Self

from vmpp_mpi._datatype import _signature
from vmpp_mpi._datatype._pieces import Piece, Run, merged, repeated, runs
from vmpp_mpi._datatype._signature import Basic, Signature

if TYPE_CHECKING:
    from vmpp_mpi._datatype._copy import Copier


class Layout:
    """How an element of a datatype lies in memory; sizes and offsets in bytes.

    Attributes:
        size: bytes of data in an element.
        lb: the lower bound, where an element begins.
        extent: distance from one element to the next.
        true_lb: offset of the first byte of data.
        true_extent: distance from the first byte of data to past the last.
        align: the largest alignment of its numbers in a C structure.
        bounded: whether `resize` has set the bounds of it or of a part of it, which decides how
            far it extends in another.
        pieces: the data of an element, in the order of the wire.
        signature: the sequence of numbers that the data are.
        contiguous: whether n elements in memory are n * size bytes of data and nothing else.
        single: offset of the data if they are one run, None otherwise.
    """

    __slots__ = (
        "_copier", "align", "bounded", "contiguous", "extent", "lb", "pieces",
        "signature", "single", "size", "true_extent", "true_lb",
    )  # fmt: skip

    def __init__(
        self,
        pieces: tuple[Piece, ...],
        signature: Signature,
        *,
        size: int,
        lb: int,
        extent: int,
        true_lb: int,
        true_extent: int,
        align: int = 1,
        bounded: bool = False,
    ) -> None:
        self.pieces = pieces
        self.signature = signature
        self.size = size
        self.lb = lb
        self.extent = extent
        self.true_lb = true_lb
        self.true_extent = true_extent
        self.align = align
        self.bounded = bounded
        self.single = pieces[0][1] if len(pieces) == 1 and not pieces[0][3] else None
        self.contiguous = self.single == 0 and extent == size
        self._copier: Copier | None = None

    def _take(self, other: Layout) -> None:
        """Become equal to *other*; for classes made of this one."""
        self.pieces, self.signature, self.size = other.pieces, other.signature, other.size
        self.lb, self.extent, self.align = other.lb, other.extent, other.align
        self.true_lb, self.true_extent = other.true_lb, other.true_extent
        self.bounded, self.single, self.contiguous = other.bounded, other.single, other.contiguous
        self._copier = other._copier

    def _same(self) -> dict[str, Any]:
        """Return the arguments that make an equal one."""
        return {name: getattr(self, name) for name in _ARGUMENTS}

    # -- bytes to and from the wire ----------------------------------------------------------------

    def view(self, memory: memoryview, count: int, origin: int = 0) -> memoryview | None:
        """Return the data of *count* elements as a part of *memory*; None if they have gaps.

        Args:
            memory: format ``B``.
            count: number of elements.
            origin: where in memory the first element's origin is.
        """
        single = self.single
        if single is None:
            return memory[:0] if self.size * count == 0 else None
        if count > 1 and self.extent != self.size:
            return None
        begin = origin + single
        return memory[begin : begin + count * self.size]

    def pack(self, memory: memoryview, count: int, origin: int = 0) -> memoryview:
        """Return the data of *count* elements, which shares the *memory* if that has no gaps.

        Arguments are those of `view`. All the elements have to lie in the memory (`bounds`).
        """
        found = self.view(memory, count, origin)
        return self._copies().of(count).pack(memory, origin) if found is None else found

    def unpack(self, data: memoryview, memory: memoryview, origin: int = 0) -> None:
        """Store *data* from the wire as elements.

        Data that ends within an element fills that element in part.

        Args:
            data: format ``B``; shorter than the elements that have room if less has arrived.
            memory: format ``B``, to be written to.
            origin: where in memory the first element's origin is.
        """
        size = self.size
        if not size:
            return
        count, rest = divmod(len(data), size)
        whole = self.view(memory, count, origin)
        if whole is not None:
            whole[:] = data[: count * size]
        else:
            self._copies().of(count).unpack(data, memory, origin)
        if rest:
            # The last element is taken, changed as far as data goes, and stored again.
            place = origin + count * self.extent
            last = bytearray(self.pack(memory, 1, place))
            last[:rest] = data[count * size :]
            self.unpack(memoryview(last), memory, place)

    def room(self, count: int) -> memoryview:
        """Return memory for the packed data of *count* elements, whatever is in it."""
        return self._copies().of(count).room()

    def _copies(self) -> Copier:
        copier = self._copier
        if copier is None:
            from vmpp_mpi._datatype._copy import Copier  # noqa: PLC0415 - most need none

            copier = self._copier = Copier(self)
        return copier

    # -- where they lie ----------------------------------------------------------------------------

    def span(self, count: int) -> int:
        """Return how far *count* elements reach beyond the origin of the first."""
        return self.bounds(count)[1]

    def bounds(self, count: int) -> tuple[int, int]:
        """Return where the data of *count* elements begin and end, from the first's origin on.

        The beginning is negative where data lie before the origin.
        """
        if count == 0 or self.size == 0:
            return 0, 0
        last = (count - 1) * self.extent
        return (
            self.true_lb + min(last, 0),
            self.true_lb + self.true_extent + max(last, 0),
        )

    def runs(self, count: int = 1) -> list[Run]:
        """Return (offset, length) of each stretch of data of *count* elements.

        In the order of the wire, stretches that touch as one; offsets from the first's origin on.
        """
        return runs(repeated(self.pieces, self.size, count, self.extent))

    # -- what they are -----------------------------------------------------------------------------

    @property
    def basic(self) -> Basic | None:
        """The number or pair of which all the data are, None if there are several kinds."""
        return _signature.only_basic(self.signature)

    def elements(self, nbytes: int) -> int | None:
        """Return how many numbers *nbytes* of packed data are, None if they end within one."""
        if not self.size:
            return None if nbytes else 0
        count, rest = divmod(nbytes, self.size)
        whole = count * _signature.elements(self.signature)
        more, rest = _signature.elements_in(self.signature, rest)
        return None if rest else whole + more

    def bytes_of(self, elements: int) -> int:
        """Return how many bytes of packed data so many numbers are; see `elements`."""
        each = _signature.elements(self.signature)
        if not each:
            return 0
        count, rest = divmod(elements, each)
        return count * self.size + _signature.bytes_of(self.signature, rest)[0]

    # -- for other ranks ---------------------------------------------------------------------------

    def dumps(self) -> bytes:
        """Return all there is to know as bytes, for `loads` on another rank."""
        same = self._same()
        same["signature"] = _signature.to_words(self.signature)
        return pickle.dumps(tuple(same.values()), 4)

    @staticmethod
    def loads(data: bytes) -> Layout:
        """Return the layout of which `dumps` made *data*."""
        return _loaded(bytes(data))

    # -- making others -----------------------------------------------------------------------------

    @classmethod
    def empty(cls) -> Self:
        """Return the layout of an element without data."""
        return cls((), (), size=0, lb=0, extent=0, true_lb=0, true_extent=0)

    @classmethod
    def of(cls, basic: Basic, gap: int = 0, extent: int | None = None) -> Self:
        """Return the layout of a number, or of a pair with a *gap* between value and index."""
        size = basic.size
        pieces: tuple[Piece, ...] = ((0, 0, size, ()),)
        if gap:
            first = basic.parts[0].size
            pieces = ((0, 0, first, ()), (first, first + gap, size - first, ()))
        return cls(
            pieces,
            ((1, basic),),
            size=size,
            lb=0,
            extent=size if extent is None else extent,
            true_lb=0,
            true_extent=size + gap,
            align=basic.align,
        )


_ARGUMENTS: Final = (
    "pieces", "signature", "size", "lb", "extent", "true_lb", "true_extent", "align", "bounded",
)  # fmt: skip


@lru_cache(maxsize=256)
def _loaded(data: bytes) -> Layout:
    same = dict(zip(_ARGUMENTS, pickle.loads(data), strict=True))
    same["signature"] = _signature.from_words(same["signature"])
    return Layout(**same)


def repeat(layout: Layout, count: int, stride: int) -> Layout:
    """Return *count* times the *layout*, *stride* bytes from one to the next."""
    if count == 0 or _is_void(layout):
        return Layout.empty()
    if count == 1:
        return layout
    last = (count - 1) * stride
    low, high = min(last, 0), max(last, 0)
    true = (layout.true_lb + low, layout.true_lb + layout.true_extent + high)
    return _closed(
        repeated(layout.pieces, layout.size, count, stride),
        _signature.repeated(layout.signature, count),
        layout.size * count,
        true if layout.size else (0, 0),
        (layout.lb + low, layout.lb + layout.extent + high),
        layout.bounded,
        layout.align,
    )


def join(parts: Iterable[tuple[int, Layout]]) -> Layout:
    """Return layouts at displacements in bytes, in the order of the wire.

    Where bounds were set in some of the parts, those alone bound the whole.
    """
    kept = [(at, layout) for at, layout in parts if not _is_void(layout)]
    filled = [(at, layout) for at, layout in kept if layout.size]
    bounding = [(at, layout) for at, layout in kept if layout.bounded] or kept
    pieces: list[Piece] = []
    size = 0
    for at, layout in filled:
        for wire, offset, run, dims in layout.pieces:
            pieces.append((size + wire, at + offset, run, dims))
        size += layout.size
    return _closed(
        merged(pieces),
        _signature.joined(layout.signature for _, layout in filled),
        size,
        _reach((at + each.true_lb, at + each.true_lb + each.true_extent) for at, each in filled),
        _reach((at + each.lb, at + each.lb + each.extent) for at, each in bounding),
        any(layout.bounded for _, layout in bounding),
        max((layout.align for _, layout in kept), default=1),
    )


def resize(layout: Layout, lb: int, extent: int) -> Layout:
    """Return the *layout* with other bounds."""
    same = layout._same()
    same.update(lb=lb, extent=extent, bounded=True)
    return Layout(**same)


def place(layout: Layout, offset: int) -> Layout:
    """Return the *layout* moved by *offset* bytes."""
    return join([(offset, layout)]) if offset else layout


def _is_void(layout: Layout) -> bool:
    """Return whether a layout has neither data nor bounds, as that of no elements."""
    return not layout.size and not layout.bounded


def _reach(bounds: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Return the lowest and the highest of all *bounds*, 0 if there are none."""
    found = list(bounds)
    if not found:
        return 0, 0
    return min(low for low, _ in found), max(high for _, high in found)


def _closed(
    pieces: tuple[Piece, ...],
    signature: Signature,
    size: int,
    true: tuple[int, int],
    bounds: tuple[int, int],
    bounded: bool,
    align: int,
) -> Layout:
    """Return a layout; its extent is rounded up to its alignment, unless its bounds were set."""
    lb, ub = bounds
    extent = ub - lb
    if not bounded:
        extent += -extent % align
    return Layout(
        pieces,
        signature,
        size=size,
        lb=lb,
        extent=extent,
        true_lb=true[0],
        true_extent=true[1] - true[0],
        align=align,
        bounded=bounded,
    )
