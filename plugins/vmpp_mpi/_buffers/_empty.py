"""Lets a class written in Python export memory of no bytes, as a C extension's does.

Before Python 3.12 such a class cannot export memory at all, and what it exports since then belongs
to an object, where the memory at no address belongs to nobody.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

_AS_BUFFER: Final = 20
"""Which word of a type, as CPython lays it out, points to the functions that export memory."""


class _View(ctypes.Structure):
    """CPython's ``Py_buffer``, as far as it is looked at here."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
    )


_FORMAT: Final = b"x"
"""Of elements that no datatype corresponds to: the memory is not taken for an empty message."""

_get_buffer: Final = ctypes.PYFUNCTYPE(
    ctypes.c_int, ctypes.py_object, ctypes.POINTER(_View), ctypes.c_int
)
_fill: Final = ctypes.pythonapi.PyBuffer_FillInfo
_fill.restype = ctypes.c_int
_fill.argtypes = (
    *(ctypes.POINTER(_View), ctypes.c_void_p, ctypes.c_void_p),
    *(ctypes.c_ssize_t, ctypes.c_int, ctypes.c_int),
)


def _export(exporter: Any, view: Any, flags: int) -> int:
    """Describe the memory of nobody, without bytes, at no address."""
    del exporter
    filled: int = _fill(view, None, None, 0, 0, flags)
    if view.contents.format is not None:
        view.contents.format = _FORMAT
    return filled


_exporting: Final = _get_buffer(_export)


def exports_nothing(kind: type) -> None:
    """Have the objects of *kind*, a class of the caller's own, export memory of no bytes."""
    word = ctypes.sizeof(ctypes.c_void_p)
    functions = ctypes.c_void_p.from_address(id(kind) + _AS_BUFFER * word).value
    assert functions is not None
    ctypes.c_void_p.from_address(functions).value = ctypes.cast(_exporting, ctypes.c_void_p).value
