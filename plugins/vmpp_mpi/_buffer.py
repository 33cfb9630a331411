"""Message specifications: from what a program gives as a buffer to the bytes of a message.

A program gives an object that exports its memory (through the buffer protocol, DLPack or
``__cuda_array_interface__``), or a list or tuple of such an object with a count, a displacement and
a datatype. Here each of these becomes a `Spec`, whose ``data`` are exactly the bytes that go over
the wire. For a contiguous datatype they are a view of the program's own memory. For another they
are a packed copy: what was received into it has to be put in place by ``deliver``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from operator import index
from pickle import PickleBuffer
from typing import Any, Final

from vmpp_mpi._datatype import BY_CODE, BYTE, Datatype, Layout
from vmpp_mpi._exported import export, is_buffer, memory_of
from vmpp_mpi._special import BOTTOM, IN_PLACE

__all__ = [
    "Spec",
    "VSpec",
    "WSpec",
    "is_buffer",
    "is_in_place",
    "memory_of",
    "recv_spec",
    "recv_view",
    "recv_vspec",
    "recv_wspec",
    "send_spec",
    "send_view",
    "send_vspec",
    "send_wspec",
]

_EMPTY: Final = memoryview(bytearray())
_SEQUENCES: Final = (list, tuple)
_BY_FORMAT: Final = {code: (datatype, datatype.size) for code, datatype in BY_CODE.items()}
_NATIVE: Final = "@=<" if sys.byteorder == "little" else "@=>!"


class Spec:
    """The bytes of a message, and the elements they are.

    Attributes:
        data: format ``B``, one-dimensional: exactly the bytes to send or to receive into.
        count: number of elements.
        datatype: type of an element.
        nbytes: length of data, which is count times the size of the datatype.
        base: None when data is the program's own memory; else its memory, from the origin of the
            first element on, of which data is a packed copy.
    """

    __slots__ = ("base", "count", "data", "datatype", "nbytes")

    def __init__(
        self,
        data: memoryview,
        count: int,
        datatype: Datatype,
        base: memoryview | None = None,
    ) -> None:
        self.data = data
        self.count = count
        self.datatype = datatype
        self.nbytes = len(data)
        self.base = base

    def load(self) -> None:
        """Put what the program has in its memory by now into `data`; see `deliver`."""
        if self.base is not None:
            self.data = self.datatype._get().pack(self.base, self.count)

    def deliver(self, nbytes: int | None = None) -> None:
        """Put what was received into `data` where the program wants it.

        Does nothing for a contiguous datatype, where it is there already.

        Args:
            nbytes: how many bytes arrived; all by default.
        """
        if self.base is not None:
            self.datatype._get().unpack(self.data[:nbytes], self.base)


class VSpec:
    """The bytes of a message in blocks of different sizes, one for each rank.

    Attributes:
        data: format ``B``, one-dimensional. Block i is the ``counts[i]`` elements that begin at
            element ``displs[i]``, where an element takes as many bytes as the size of the datatype.
        counts: number of elements in each block.
        displs: where each block begins in data, in elements.
        datatype: type of an element.
        base: None when data is the program's own memory; else its memory, of which data is a
            packed copy with displacements of its own.
    """

    __slots__ = ("_places", "base", "counts", "data", "datatype", "displs")

    def __init__(
        self,
        memory: memoryview,
        counts: list[int],
        displs: list[int],
        datatype: Datatype,
        load: bool,
    ) -> None:
        self.counts = counts
        self.datatype = datatype
        self._places = displs
        layout = datatype._get()
        if layout.contiguous:
            self.data, self.displs, self.base = memory, displs, None
        else:
            self.displs = _running_sums(counts)
            self.data = memoryview(bytearray(sum(counts) * layout.size))
            self.base = memory
            if load:
                self.load()

    def load(self) -> None:
        """Put what the program has in its memory by now into `data`; see `Spec.load`."""
        if self.base is not None:
            layout = self.datatype._get()
            for place, block in zip(self._places, self.blocks(), strict=True):
                block[:] = layout.pack(
                    self.base[place * layout.extent :], len(block) // layout.size
                )

    def blocks(self) -> Iterator[memoryview]:
        """Yield the bytes of each block."""
        size = self.datatype._get().size
        for count, displ in zip(self.counts, self.displs, strict=True):
            yield self.data[displ * size : (displ + count) * size]

    def deliver(self) -> None:
        """Put what was received into `data` where the program wants it; see `Spec.deliver`."""
        if self.base is not None:
            layout = self.datatype._get()
            for place, block in zip(self._places, self.blocks(), strict=True):
                layout.unpack(block, self.base[place * layout.extent :])


class WSpec:
    """The bytes of a message in blocks with a datatype each, one for each rank.

    Attributes:
        blocks: one `Spec` for each rank.
    """

    __slots__ = ("blocks",)

    def __init__(self, blocks: list[Spec]) -> None:
        self.blocks = blocks

    def load(self) -> None:
        """Put what the program has in its memory by now into the blocks; see `Spec.load`."""
        for block in self.blocks:
            block.load()

    def deliver(self) -> None:
        """Put what was received where the program wants it; see `Spec.deliver`."""
        for block in self.blocks:
            block.deliver()


def is_in_place(obj: object) -> bool:
    """Return whether *obj* says that a collective works in place; None does, as with mpi4py."""
    return obj is IN_PLACE or obj is None


def send_view(obj: Any) -> memoryview:
    """Return the bytes to send of a point-to-point buffer argument; raises as `send_spec`.

    The shortest way for what is most common: objects that export contiguous memory.
    """
    kind = type(obj)
    if kind is bytes or kind is bytearray:
        return PickleBuffer(obj).raw()
    if kind is list or kind is tuple:
        listed = _listed(obj, 1)
        return send_spec(obj).data if listed is None else listed[0]
    try:
        view = memoryview(obj)
        if view.format in BY_CODE:
            return _bytes_of(view)
    except (TypeError, ValueError, BufferError):
        pass  # something unusual, or wrong: the long way tells which
    return send_spec(obj).data


def recv_view(obj: Any) -> memoryview | None:
    """Return the memory to receive a point-to-point message into; raises as `recv_spec`.

    None when what arrives has to be unpacked, which needs `recv_spec` and its ``deliver``.
    """
    kind = type(obj)
    if kind is list or kind is tuple:
        listed = _listed(obj, 1)
        if listed is not None and not listed[0].readonly:
            return listed[0]
    else:
        try:
            view = memoryview(obj)
            if not view.readonly and view.format in BY_CODE:
                return _bytes_of(view)
        except (TypeError, ValueError, BufferError):
            pass  # something unusual, or wrong: the long way tells which
    spec = recv_spec(obj)
    return spec.data if spec.base is None else None


def _bytes_of(view: memoryview) -> memoryview:
    """Return the bytes of contiguous memory.

    Raises:
        BufferError: it is not contiguous.
    """
    try:
        return view.cast("B")
    except TypeError:
        # In Fortran's order, without elements, or of a format that cast() does not know.
        return PickleBuffer(view).raw()


def _listed(obj: Any, blocks: int) -> tuple[memoryview, int, Datatype] | None:
    """Return bytes, count and datatype of ``[buffer, (count,) datatype]``, None if unusual.

    A short way for what is common, as `send_view`: a buffer that is long enough, a contiguous
    datatype by handle.
    """
    try:
        datatype = obj[-1]
        layout = datatype._ref
        size = layout.size
        if layout.contiguous and size:
            raw = PickleBuffer(obj[0]).raw()
            items = len(obj)
            if items == 2:
                count = len(raw) // size
                if not len(raw) % size and not count % blocks:
                    return raw, count, datatype
            elif items == 3 and type(obj[1]) is int:
                count = obj[1] * blocks
                if 0 <= count * size <= len(raw):
                    return raw[: count * size], count, datatype
    except (AttributeError, IndexError, TypeError, ValueError, BufferError):
        pass
    return None


def _whole(obj: Any, blocks: int) -> tuple[memoryview, int, Datatype] | None:
    """Return bytes, count and datatype of a plain buffer or a common list, None if unusual."""
    kind = type(obj)
    if kind is list or kind is tuple:
        return _listed(obj, blocks)
    try:
        datatype, size = _BY_FORMAT[memoryview(obj).format]
        raw = PickleBuffer(obj).raw()
    except (TypeError, ValueError, KeyError, BufferError):
        return None
    count = len(raw) // size
    return None if count % blocks else (raw, count, datatype)


def send_spec(obj: Any, blocks: int = 1) -> Spec:
    """Return the bytes to send that a buffer argument stands for.

    Args:
        obj: a buffer or ``[buffer, ...]`` with a count, displacement and datatype.
        blocks: into how many blocks a collective divides the buffer. A count in *obj* is that of
            one block; without a count the blocks share the whole buffer equally. The count of the
            result is that of all blocks together.

    Raises:
        TypeError: *obj* is nothing that a message can be made of.
        ValueError: a count or displacement that does not suit the buffer.
        KeyError: its elements, or a type code, correspond to no datatype.
        BufferError: its memory is not contiguous.
        MPIError: of class `ERR_TYPE`: the null datatype.
    """
    whole = _whole(obj, blocks)
    if whole is not None:
        return Spec(*whole)
    memory, count, datatype = _message(obj, False, blocks)
    layout = datatype._get()
    if layout.contiguous:
        return Spec(memory[: count * layout.size], count, datatype)
    return Spec(layout.pack(memory, count), count, datatype, memory)


def recv_spec(obj: Any, blocks: int = 1) -> Spec:
    """Return the memory to receive into that a buffer argument stands for.

    Arguments are those of `send_spec`. When `Spec.base` is not None, call `Spec.deliver` once the
    message is there.

    Raises:
        BufferError: besides the reasons of `send_spec`: the memory is read-only.
    """
    whole = _whole(obj, blocks)
    if whole is not None and not whole[0].readonly:
        return Spec(*whole)
    memory, count, datatype = _message(obj, True, blocks)
    layout = datatype._get()
    if layout.contiguous:
        return Spec(memory[: count * layout.size], count, datatype)
    # Loaded with what is there: a collective in place reads it, and gaps in a message keep it.
    return Spec(layout.pack(memory, count), count, datatype, memory)


def send_vspec(obj: Any, blocks: int) -> VSpec:
    """Return the bytes to send, in one block for each of *blocks* ranks, of a buffer argument.

    Args:
        obj: a buffer or ``[buffer, ...]`` with counts, displacements and a datatype. Counts or
            displacements may be sequences with an item for each rank. One number as counts holds
            for all ranks, as displacements it is the distance from block to block. Without counts
            the blocks share the buffer equally; without displacements they follow one another.
        blocks: number of ranks.

    Raises:
        ValueError: besides the reasons of `send_spec`: a sequence of wrong length.
    """
    return _vector(obj, False, blocks)


def recv_vspec(obj: Any, blocks: int) -> VSpec:
    """Return the memory to receive into, in one block for each rank; see `send_vspec`."""
    return _vector(obj, True, blocks)


def send_wspec(obj: Any, blocks: int) -> WSpec:
    """Return the bytes to send, in one block of its own datatype for each of *blocks* ranks.

    Args:
        obj: ``[buffer, types]`` or ``[buffer, counts, displs, types]``, or with counts and
            displacements in one tuple. Displacements are in bytes. Without counts each block is
            one element at displacement 0.
        blocks: number of ranks.

    Raises:
        TypeError, ValueError, BufferError, MPIError: as `send_vspec`.
    """
    return _generalized(obj, False, blocks)


def recv_wspec(obj: Any, blocks: int) -> WSpec:
    """Return the memory to receive into, in blocks of their own datatypes; see `send_wspec`."""
    return _generalized(obj, True, blocks)


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


def _as_datatype(given: Any) -> Datatype:
    if isinstance(given, Datatype):
        return given
    try:
        return BY_CODE[given]
    except KeyError:
        raise KeyError(f"cannot map {given!r} to MPI datatype") from None


def _is_type(given: Any) -> bool:
    return isinstance(given, (Datatype, str))


def _is_null(buffer: Any) -> bool:
    return buffer is None or buffer is BOTTOM or buffer is IN_PLACE


def _resolve(buffer: Any, given: Any, writable: bool) -> tuple[memoryview, Datatype]:
    """Return the memory of *buffer* and the datatype, *given* or its own."""
    if _is_null(buffer):
        return _EMPTY, _as_datatype(given)
    memory, format_ = export(buffer, writable)
    return memory, _datatype_of(format_) if given is None else _as_datatype(given)


def _fields(obj: Sequence[Any]) -> tuple[Any, Any, Any, Any]:
    """Return buffer, counts, displacements and datatype of a specification; None where absent."""
    match len(obj):
        case 2:
            buffer, second = obj
            if _is_type(second):
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


def _message(obj: Any, writable: bool, blocks: int) -> tuple[memoryview, int, Datatype]:
    """Return the memory from the first element's origin on, the count of all blocks, the type."""
    if not isinstance(obj, _SEQUENCES):
        if obj is IN_PLACE:
            return _EMPTY, 0, BYTE
        if obj is not BOTTOM and not is_buffer(obj):
            raise TypeError("message: expecting buffer or list/tuple")
        buffer, count, displ, given = obj, None, None, None
    else:
        buffer, count, displ, given = _fields(obj)
        if isinstance(count, _SEQUENCES):
            count, displ = count
    memory, datatype = _resolve(buffer, given, writable)
    count = None if count is None else index(count)
    displ = 0 if displ is None else index(displ)
    if not datatype and (count is None or displ):
        raise ValueError("message: a null datatype tells neither count nor displacement")
    layout = datatype._get()
    if count is not None and count < 0:
        raise ValueError(f"message: negative count {count}")
    if displ < 0:
        raise ValueError(f"message: negative displacement {displ}")
    count = _infer(layout, len(memory), displ, blocks) if count is None else count * blocks
    _check_span(layout, memory, count, displ, buffer)
    return memory[displ * layout.extent :], count, datatype


def _infer(layout: Layout, nbytes: int, displ: int, blocks: int) -> int:
    """Return how many elements fill a buffer of *nbytes* from element *displ* on."""
    extent = layout.extent
    if extent <= 0 or nbytes % extent:
        if nbytes == 0:
            return 0
        raise ValueError(
            f"message: cannot infer count, buffer length {nbytes} is not a multiple of datatype "
            f"extent {extent} (lb:{layout.lb}, ub:{layout.lb + extent})"
        )
    entries = nbytes // extent
    if displ > entries:
        raise ValueError(
            f"message: displacement {displ} out of bounds, number of datatype entries {entries}"
        )
    if (entries - displ) % blocks:
        raise ValueError(
            f"message: cannot infer count, number of entries {entries - displ} is not a multiple "
            f"of required number of blocks {blocks}"
        )
    return entries - displ


def _check_span(layout: Layout, memory: memoryview, count: int, displ: int, buffer: Any) -> None:
    """Refuse elements that reach beyond the buffer."""
    if count and _is_null(buffer):
        raise ValueError(f"message: buffer is {buffer} but count is {count}")
    if displ * layout.extent > len(memory):
        raise ValueError(
            f"message: displacement {displ} out of bounds, number of datatype entries "
            f"{len(memory) // layout.extent}"
        )
    needed = displ * layout.extent + layout.span(count)
    if needed > len(memory):
        raise ValueError(
            f"message: buffer too small for requested count, {count} elements from {displ} on "
            f"need {needed} bytes of {len(memory)}"
        )


def _running_sums(counts: list[int]) -> list[int]:
    sums = []
    total = 0
    for count in counts:
        sums.append(total)
        total += count
    return sums


def _per_rank(given: Any, blocks: int) -> list[int]:
    """Return the items of a sequence with one for each rank."""
    if len(given) != blocks:
        raise ValueError(f"expecting {blocks} items, got {len(given)}")
    return [index(item) for item in given]


def _vector(obj: Any, writable: bool, blocks: int) -> VSpec:
    if isinstance(obj, _SEQUENCES):
        buffer, counts, displs, given = _fields(obj)
        if displs is None and type(counts) is tuple and len(counts) == 2:
            counts, displs = counts
    elif obj is BOTTOM or is_buffer(obj):
        buffer, counts, displs, given = obj, None, None, None
    else:
        raise TypeError("message: expecting buffer or list/tuple")
    memory, datatype = _resolve(buffer, given, writable)
    if not datatype and counts is None:
        raise ValueError("message: a null datatype does not tell the counts")
    layout = datatype._get()
    each = _vector_counts(counts, layout, len(memory), blocks)
    places = _vector_displs(displs, each, blocks)
    for count, displ in zip(each, places, strict=True):
        if count < 0:
            raise ValueError(f"message: negative count {count}")
        if count:
            if displ < 0:
                raise ValueError(f"message: negative displacement {displ}")
            _check_span(layout, memory, count, displ, buffer)
    return VSpec(memory, each, places, datatype, load=not writable)


def _vector_counts(counts: Any, layout: Layout, nbytes: int, blocks: int) -> list[int]:
    if counts is None:
        return [_infer(layout, nbytes, 0, blocks) // blocks] * blocks
    number = _number(counts)
    return _per_rank(counts, blocks) if number is None else [number] * blocks


def _vector_displs(displs: Any, counts: list[int], blocks: int) -> list[int]:
    if displs is None:
        return _running_sums(counts)
    number = _number(displs)
    if number is None:
        return _per_rank(displs, blocks)
    return [number * block for block in range(blocks)]


def _number(given: Any) -> int | None:
    """Return *given* if it is one number for all ranks; an array of no dimension is."""
    if isinstance(given, _SEQUENCES):
        return None
    try:
        return index(given)
    except TypeError:
        return None


def _generalized(obj: Any, writable: bool, blocks: int) -> WSpec:
    if not isinstance(obj, _SEQUENCES):
        raise TypeError("message: expecting list/tuple with a datatype for each rank")
    match len(obj):
        case 2:
            (buffer, types), counts, displs = obj, None, None
        case 3:
            buffer, (counts, displs), types = obj
        case 4:
            buffer, counts, displs, types = obj
        case _:
            raise ValueError("message: expecting 2 to 4 items")
    if len(types) != blocks:
        raise ValueError(f"expecting {blocks} items, got {len(types)}")
    if _is_null(buffer):
        if counts is None or displs is None:
            raise ValueError(f"message: buffer is {buffer}, which needs counts and displacements")
        memory = _EMPTY
    else:
        memory = export(buffer, writable)[0]
    whole = counts is None and displs is None
    each = [1] * blocks if whole else _per_rank(counts, blocks)
    places = [0] * blocks if whole else _per_rank(displs, blocks)
    return WSpec(
        [
            _block(memory, count, place, datatype)
            for count, place, datatype in zip(each, places, types, strict=True)
        ]
    )


def _block(memory: memoryview, count: int, offset: int, datatype: Any) -> Spec:
    """Return *count* elements from byte *offset* of *memory* on."""
    if not isinstance(datatype, Datatype):
        raise TypeError(f"expected Datatype, got {type(datatype).__name__}")
    if count == 0:
        return Spec(_EMPTY, 0, datatype if datatype else BYTE)
    layout = datatype._get()
    if count < 0 or offset < 0 or offset + layout.span(count) > len(memory):
        raise ValueError(
            f"message: {count} elements at byte {offset} do not lie in a buffer of "
            f"{len(memory)} bytes"
        )
    memory = memory[offset:]
    packed = layout.pack(memory, count)
    return Spec(packed, count, datatype, None if layout.contiguous else memory)
