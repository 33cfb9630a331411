"""Message specifications: from what a program gives as a buffer to the bytes of a message.

Here are the calls for the rest of the library, with short ways for what programs give most often.
What else they may give is looked through in `_arguments`; the results are described in `_specs`.
"""

from __future__ import annotations

from operator import index
from pickle import PickleBuffer
from typing import Any, Final

from vmpp_mpi._buffers._arguments import (
    EMPTY,
    SEQUENCES,
    Elements,
    counts_of,
    displacements_of,
    fields,
    per_rank,
)
from vmpp_mpi._buffers._exported import is_buffer, memory_of
from vmpp_mpi._buffers._specs import Spec, VSpec, WSpec
from vmpp_mpi._datatype import BY_CODE, BYTE, Datatype
from vmpp_mpi._special import BOTTOM, IN_PLACE

__all__ = [
    "Spec",
    "VSpec",
    "WSpec",
    "is_buffer",
    "is_in_place",
    "memory_of",
    "receivable",
    "recv_spec",
    "recv_view",
    "recv_vspec",
    "recv_wspec",
    "send_spec",
    "send_view",
    "send_vspec",
    "send_wspec",
]

_BY_FORMAT: Final = {code: (datatype, datatype.size) for code, datatype in BY_CODE.items()}


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
        if listed is not None:
            return listed[0]
        gaps = _with_gaps(obj)
        if gaps is None:
            return send_spec(obj).data
        memory, count, datatype = gaps
        return Spec.of(memory, 0, count, datatype).data
    try:
        view = memoryview(obj)
        if view.format in BY_CODE:
            return _bytes_of(view)
    except (TypeError, ValueError, BufferError):
        pass  # something unusual, or wrong: the long way tells which
    return send_spec(obj).data


def recv_view(obj: Any) -> memoryview | None:
    """Return the memory to receive a point-to-point message into, by the shortest way.

    None if that is not enough, because what arrives has to be unpacked, or *obj* is unusual or
    wrong: `recv_spec` tells.
    """
    kind = type(obj)
    if kind is list or kind is tuple:
        listed = _listed(obj, 1)
        return None if listed is None or listed[0].readonly else listed[0]
    try:
        view = memoryview(obj)
        if not view.readonly and view.format in BY_CODE:
            return _bytes_of(view)
    except (TypeError, ValueError, BufferError):
        pass
    return None


def receivable(obj: Any) -> tuple[memoryview, Spec | None]:
    """Return the memory to receive a point-to-point message into, and what puts it in place.

    That is None where the memory is the program's own. Raises as `recv_spec`.
    """
    view = recv_view(obj)
    if view is not None:
        return view, None
    gaps = _with_gaps(obj)
    if gaps is None or gaps[0].readonly:
        spec = recv_spec(obj, load=False)
    else:
        memory, count, datatype = gaps
        spec = Spec.of(memory, 0, count, datatype, load=False)
    return spec.data, None if spec.base is None else spec


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
        if layout.plain:
            size = layout.size
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


def _with_gaps(obj: Any) -> tuple[memoryview, int, Datatype] | None:
    """Return memory, count and datatype of ``[buffer, count, datatype]``, None if unusual.

    A short way as `_listed`, for elements with gaps that lie in the buffer.
    """
    try:
        buffer, count, datatype = obj
        layout = datatype._ref
        if type(count) is int and count >= 0 and layout.committed:
            memory = PickleBuffer(buffer).raw()
            low, high = layout.bounds(count)
            if low >= 0 and high <= len(memory):
                return memory, count, datatype
    except (AttributeError, TypeError, ValueError, BufferError):
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
    elements, count, offset = _message(obj, False, blocks)
    memory, origin = elements.place(elements.layout(), count, offset)
    return Spec.of(memory, origin, count, elements.datatype)


def recv_spec(obj: Any, blocks: int = 1, load: bool = True) -> Spec:
    """Return the memory to receive into that a buffer argument stands for.

    Call `Spec.deliver` once the message is there.

    Args:
        obj: as for `send_spec`.
        blocks: as for `send_spec`.
        load: whether a packed copy has to have what is in the program's memory, because not all of
            it will be received, or it is a collective's input in place.

    Raises:
        BufferError: besides the reasons of `send_spec`: the memory is read-only.
    """
    whole = _whole(obj, blocks)
    if whole is not None and not whole[0].readonly:
        return Spec(*whole)
    elements, count, offset = _message(obj, True, blocks)
    memory, origin = elements.place(elements.layout(), count, offset)
    return Spec.of(memory, origin, count, elements.datatype, load)


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


def _message(obj: Any, writable: bool, blocks: int) -> tuple[Elements, int, int]:
    """Return elements, the count of all blocks, and where the first begins, in bytes."""
    if not isinstance(obj, SEQUENCES):
        if obj is IN_PLACE:
            return Elements(None, BYTE, writable), 0, 0
        if obj is not BOTTOM and not is_buffer(obj):
            raise TypeError("message: expecting buffer or list/tuple")
        buffer, count, displ, given = obj, None, None, None
    else:
        buffer, count, displ, given = fields(obj)
        if isinstance(count, SEQUENCES):
            count, displ = count
    elements = Elements(buffer, given, writable)
    count = None if count is None else index(count)
    displ = 0 if displ is None else index(displ)
    if not elements.datatype and (count is None or displ):
        raise ValueError("message: a null datatype tells neither count nor displacement")
    layout = elements.layout()
    if count is not None and count < 0:
        raise ValueError(f"message: negative count {count}")
    elements.check_displacement(layout, displ)
    count = elements.infer(layout, displ, blocks) if count is None else count * blocks
    return elements, count, displ * layout.extent


def _vector(obj: Any, writable: bool, blocks: int) -> VSpec:
    if isinstance(obj, SEQUENCES):
        buffer, counts, displs, given = fields(obj)
        if displs is None and type(counts) is tuple and len(counts) == 2:
            counts, displs = counts
    elif obj is BOTTOM or is_buffer(obj):
        buffer, counts, displs, given = obj, None, None, None
    else:
        raise TypeError("message: expecting buffer or list/tuple")
    elements = Elements(buffer, given, writable)
    datatype = elements.datatype
    if not datatype and counts is None:
        raise ValueError("message: a null datatype does not tell the counts")
    layout = elements.layout()
    each = counts_of(counts, elements, layout, blocks)
    places = displacements_of(displs, each, blocks)
    placed = []
    for count, displ in zip(each, places, strict=True):
        if count:
            elements.check_displacement(layout, displ)
            memory, origin = elements.place(layout, count, displ * layout.extent)
        else:
            memory, origin = EMPTY, 0
        placed.append((memory, origin, count))
    if layout.contiguous:
        size = layout.size
        views = [memory[at : at + count * size] for memory, at, count in placed]
        return VSpec(views, each, datatype)
    return VSpec.of([Spec.of(*place, datatype) for place in placed], each, datatype)


def _generalized(obj: Any, writable: bool, blocks: int) -> WSpec:
    if not isinstance(obj, SEQUENCES):
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
    if (buffer is None or buffer is BOTTOM) and (counts is None or displs is None):
        raise ValueError(f"message: buffer is {buffer}, which needs counts and displacements")
    elements = Elements(buffer, BYTE, writable)
    whole = counts is None and displs is None
    each = [1] * blocks if whole else per_rank(counts, blocks)
    places = [0] * blocks if whole else per_rank(displs, blocks)
    return WSpec(
        [
            _block(elements, count, place, datatype)
            for count, place, datatype in zip(each, places, types, strict=True)
        ]
    )


def _block(elements: Elements, count: int, offset: int, datatype: Any) -> Spec:
    """Return *count* elements from byte *offset* of a buffer on."""
    if not isinstance(datatype, Datatype):
        raise TypeError(f"expected Datatype, got {type(datatype).__name__}")
    if count == 0:
        return Spec(EMPTY, 0, datatype if datatype else BYTE)
    if count < 0:
        raise ValueError(f"message: negative count {count}")
    memory, origin = elements.place(datatype._ready(), count, offset)
    return Spec.of(memory, origin, count, datatype)
