"""A program's buffers as bytes."""

from __future__ import annotations

from typing import Any

_NONE = memoryview(b"")


def memory(buffer: Any, *, writable: bool = False) -> memoryview:
    """Return the bytes of *buffer*; None has none.

    Raises:
        TypeError: it is no buffer, or cannot be written to.
        ValueError: it is not contiguous.
    """
    if buffer is None:
        return _NONE
    view = memoryview(buffer)
    if view.format == "B" and view.ndim == 1 and view.c_contiguous and not writable:
        return view
    if not view.c_contiguous:
        raise ValueError("a message's buffer has to be contiguous")
    if writable and view.readonly:
        raise TypeError(f"cannot receive into a read-only {type(buffer).__name__}")
    if not view.nbytes:
        return _NONE
    try:
        return view.cast("B")
    except (TypeError, ValueError, NotImplementedError):
        # Formats of foreign byte order, as ctypes has them, are none that a view can be cast from.
        import numpy as np  # noqa: PLC0415 - few programs need it

        return np.frombuffer(buffer, np.uint8).data
