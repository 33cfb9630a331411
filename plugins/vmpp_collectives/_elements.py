"""Arithmetic on vectors of numbers, element by element, for reductions.

Short vectors of plain numbers are combined in Python, where a call of NumPy would cost more than
the arithmetic; all others through NumPy, which gives the same bits.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

Combine = Callable[[memoryview, memoryview], None]
"""Combines two vectors of the same length, given as bytes, into the second."""

_SHORT: Final = 4
"""Up to so many elements, arithmetic in Python is faster than a call of NumPy."""

_FORMATS: Final[Mapping[str, str]] = {
    "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q",
    "f4": "f", "f8": "d",
}  # fmt: skip
"""What Python's memory views call NumPy's kinds."""

_OF_NUMBERS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "add": operator.add,
    "multiply": operator.mul,
    "maximum": lambda x, y: y if y > x else x,
    "minimum": lambda x, y: y if y < x else x,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
}
# As NumPy does it: what is not a number prevails.
_OF_FLOATS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    **_OF_NUMBERS,
    "maximum": lambda x, y: x if x > y or x != x else y,  # noqa: PLR0124
    "minimum": lambda x, y: x if x < y or x != x else y,  # noqa: PLR0124
}


@cache
def elementwise(ufunc: str, kind: str) -> Combine:
    """Return the function that combines two vectors of numbers, as a `Reduction` wants it.

    Args:
        ufunc: name of NumPy's function, such as ``add`` or ``logical_or``.
        kind: of the elements, as NumPy calls it: ``f8``, ``i4``.
    """
    long_ = _lazy(ufunc, kind)
    function = (_OF_FLOATS if kind[0] == "f" else _OF_NUMBERS).get(ufunc)
    if function is None or kind not in _FORMATS:
        return long_
    size, form = int(kind[1:]), _FORMATS[kind]

    def combine(given: memoryview, result: memoryview) -> None:
        count = len(result) // size
        if count > _SHORT:
            long_(given, result)
            return
        x: memoryview[Any] = given.cast(form)  # type: ignore[call-overload]
        y: memoryview[Any] = result.cast(form)  # type: ignore[call-overload]
        try:
            for i in range(count):
                y[i] = function(x[i], y[i])
        except ValueError:  # an integer overflows, and has to wrap
            long_(given[i * size :], result[i * size :])

    return combine


def _lazy(ufunc: str, kind: str) -> Combine:
    """Return the reduction through NumPy, which is loaded when it is first needed."""
    ready: list[Combine] = []

    def combine(given: memoryview, result: memoryview) -> None:
        if not ready:
            ready.append(_through_numpy(ufunc, kind))
        ready[0](given, result)

    return combine


def _through_numpy(ufunc: str, kind: str) -> Combine:
    import numpy as np  # noqa: PLC0415 - programs that reduce no vectors need not load it

    function = getattr(np, ufunc)
    dtype = np.dtype(kind)
    frombuffer = np.frombuffer
    if kind[0] in "fc" and ufunc in ("add", "multiply"):
        # Overflow is no error here, and NumPy's warning would come from nowhere.
        function = np.errstate(all="ignore")(function)

    def combine(given: memoryview, result: memoryview) -> None:
        if len(result):
            out = frombuffer(result, dtype)
            function(frombuffer(given, dtype), out, out=out)

    return combine
