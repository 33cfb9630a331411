"""The memory of objects, as bytes, by whatever means they export it."""

from __future__ import annotations

from collections.abc import Sequence
from pickle import PickleBuffer
from typing import Any

from vmpp_mpi._buffers._foreign import at_address, check_accessible, foreign_memory


def memory_of(obj: Any, writable: bool) -> memoryview:
    """Return all the memory that *obj* exports, as bytes.

    Raises:
        TypeError: it exports none.
        BufferError: its memory is not contiguous, or read-only where *writable* is asked for.
    """
    return export(obj, writable)[0]


def is_buffer(obj: Any) -> bool:
    """Return whether *obj* exports its memory in a way that messages can be made of."""
    try:
        memoryview(obj)
    except TypeError:
        return hasattr(obj, "__dlpack__") or hasattr(obj, "__cuda_array_interface__")
    except (ValueError, BufferError):
        pass
    return True


def export(obj: Any, writable: bool) -> tuple[memoryview, str | None]:
    """Return the memory of *obj* as bytes, and its elements' format (None: raw bytes).

    Raises as `memory_of`.
    """
    try:
        view = memoryview(obj)
    except TypeError:
        return foreign_memory(obj, writable)
    except ValueError as error:  # NumPy: a dtype that buffers cannot express
        raise BufferError(str(error)) from None
    raw = PickleBuffer(obj).raw()  # refuses what is neither C- nor Fortran-contiguous
    if writable and raw.readonly:
        raise BufferError("message: buffer is read-only")
    return raw, view.format


def absolute(base: int, runs: Sequence[tuple[int, int]], writable: bool) -> memoryview:
    """Return the memory that spans *runs*, which are offsets and lengths from an address on.

    Nothing keeps it alive but the program, which knows the address.

    Raises:
        BufferError: there is no memory, or none to be written to where *writable* is asked for.
    """
    first = min(offset for offset, _ in runs)
    last = max(offset + length for offset, length in runs)
    for offset, length in runs if len(runs) <= _CHECKED else ((first, last - first),):
        check_accessible(base + offset, length, writable)
    return at_address(base + first, last - first, None)


_CHECKED = 64
"""Of more runs than these only the ends are looked at; those of a datatype are of few buffers."""


def enclosing(obj: Any, memory: memoryview, writable: bool) -> tuple[memoryview, int]:
    """Return the memory of the whole array or bytes that *obj* is a part of, for what lies before.

    Args:
        obj: exports a part.
        memory: of the part.
        writable: whether the whole has to be writable.

    Returns:
        The memory of the whole, and where in it the part begins; the part itself if it is one.
    """
    import numpy as np  # noqa: PLC0415 - hardly any program needs this

    owner: Any = memoryview(obj).obj
    while getattr(owner, "base", None) is not None:
        owner = owner.base
    try:
        whole = export(owner, writable)[0]
    except (TypeError, BufferError):
        return memory, 0
    begin = np.frombuffer(memory, "u1").ctypes.data - np.frombuffer(whole, "u1").ctypes.data
    if begin >= 0 and begin + len(memory) <= len(whole):
        return whole, begin
    return memory, 0
