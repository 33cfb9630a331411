"""The memory of objects, as bytes, by whatever means they export it."""

from __future__ import annotations

from pickle import PickleBuffer
from typing import Any

from vmpp_mpi._foreign import foreign_memory


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
