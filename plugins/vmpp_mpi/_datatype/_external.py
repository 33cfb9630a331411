"""``external32``: the portable form of data, as MPI's chapter on files defines it.

Numbers are big-endian IEEE or two's complement, of the sizes of that chapter's table, packed
without gaps. A long is 4 bytes there, a wide character 2, and a long double the 16 bytes of IEEE's
binary128.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from vmpp_mpi._datatype._signature import Basic, Signature
from vmpp_mpi._errors import ERR_CONVERSION
from vmpp_mpi._errors import Exception as MPIError

Convert = Callable[[Basic, Any, Any], None]
"""Turns bytes of so many numbers, an array's last dimension, into others in another array."""


def external_size(signature: Signature) -> int:
    """Return how many bytes the data of a *signature* take."""
    return sum(count * _external(item) for count, item in signature)


def _external(item: Basic | Signature) -> int:
    return item.external if isinstance(item, Basic) else external_size(item)


def to_external(signature: Signature, packed: memoryview, count: int) -> memoryview:
    """Return *count* packed elements in portable form.

    Raises:
        MPIError: `ERR_CONVERSION`: a number is too large for it.
    """
    made: Any = np.empty((count, external_size(signature)), "u1")
    _walk(signature, np.frombuffer(packed, "u1").reshape(count, -1), made, False)
    return memoryview(made).cast("B")


def from_external(signature: Signature, data: memoryview, count: int, size: int) -> memoryview:
    """Return *count* elements in portable form as packed ones of *size* bytes."""
    made: Any = np.zeros((count, size), "u1")
    _walk(signature, np.frombuffer(data, "u1").reshape(count, -1), made, True)
    return memoryview(made).cast("B")


def _walk(signature: Signature, source: Any, target: Any, back: bool) -> None:
    """Convert all numbers of a *signature*; the arrays' last dimension are its bytes."""
    read = written = 0
    for count, item in signature:
        sizes = _sizes(item, back)
        given = _split(source, read, count, sizes[0])
        made = _split(target, written, count, sizes[1])
        if not isinstance(item, Basic):
            _walk(item, given, made, back)
        elif item.parts:
            _walk(tuple((1, part) for part in item.parts), given, made, back)
        elif back:
            _decode(item, given, made)
        else:
            _encode(item, given, made)
        read += count * sizes[0]
        written += count * sizes[1]


def _sizes(item: Basic | Signature, back: bool) -> tuple[int, int]:
    size, external = _size(item), _external(item)
    return (external, size) if back else (size, external)


def _size(item: Basic | Signature) -> int:
    if isinstance(item, Basic):
        return item.size
    return sum(count * _size(part) for count, part in item)


def _split(array: Any, begin: int, count: int, size: int) -> Any:
    """Return a view of *count* stretches of *size* bytes, with a dimension for their number."""
    part = array[..., begin : begin + count * size]
    return part.reshape(*part.shape[:-1], count, size)


def _encode(basic: Basic, source: Any, target: Any) -> None:
    native, portable = _dtypes(basic)
    given = source.view(native)
    if portable is None:
        _to_binary128(given.view("u1"), target)
        return
    made = target.view(portable)
    made[...] = given
    if basic.external < basic.size and not np.array_equal(made, given):
        raise MPIError(ERR_CONVERSION, f"a number of {basic.name} is too large for external32")


def _decode(basic: Basic, source: Any, target: Any) -> None:
    native, portable = _dtypes(basic)
    if portable is None:
        _from_binary128(source, target)
    else:
        target.view(native)[...] = source.view(portable)


def _dtypes(basic: Basic) -> tuple[str, str | None]:
    """Return NumPy's type of the machine's numbers and of the portable ones.

    None stands for binary128, which NumPy does not have where the machine does not.
    """
    kind, size = basic.kind[0], basic.external
    match kind:
        case "f" | "c":
            real = size if kind == "f" else size // 2
            if real == _LONG_DOUBLE:
                return f"f{real}", f">f{real}" if _HAS_BINARY128 else None
            return f"f{real}", f">f{real}"
        case "i" | "u":
            return f"{kind}{basic.size}", f">{kind}{size}"
        case "U":
            return f"u{basic.size}", f">u{size}"
    return "u1", "u1"


_LONG_DOUBLE: Final = 16
_HAS_BINARY128: Final = np.finfo(np.longdouble).nmant == 112
_FRACTION: Final = np.uint64((1 << 63) - 1)
_HIGH: Final = np.uint64((1 << 48) - 1)
_REST: Final = np.uint64((1 << 49) - 1)
_HALF: Final = np.uint64(1 << 48)
_INFINITE: Final = 0x7FFF


def _to_binary128(source: Any, target: Any) -> None:
    """Convert Intel's extended numbers: 64 bits with an explicit one, 15 of exponent, a sign."""
    words = np.ascontiguousarray(source).view("<u8")
    fraction = words[..., 0::2] & _FRACTION
    top = words[..., 1::2] & np.uint64(0xFFFF)
    made = np.empty(words.shape, ">u8")
    made[..., 0::2] = top << np.uint64(48) | fraction >> np.uint64(15)
    made[..., 1::2] = (fraction & np.uint64(_INFINITE)) << np.uint64(49)
    target[...] = made.view("u1").reshape(target.shape)


def _from_binary128(source: Any, target: Any) -> None:
    """Convert to Intel's extended numbers, to the nearest and of two the even one."""
    words = np.ascontiguousarray(source).view(">u8").astype("u8")
    high, low = words[..., 0::2], words[..., 1::2]
    top = high >> np.uint64(48)
    fraction = (high & _HIGH) << np.uint64(15) | low >> np.uint64(49)
    rest = low & _REST
    special = (top & np.uint64(_INFINITE)) == _INFINITE
    lost = special & (fraction == 0) & (rest != 0)  # what is not a number must not become infinite
    up = ~special & ((rest > _HALF) | ((rest == _HALF) & (fraction & np.uint64(1) == 1)))
    fraction = fraction + up.astype("u8")
    top = top + (fraction >> np.uint64(63))
    fraction = fraction & _FRACTION | lost.astype("u8") << np.uint64(62)
    one = ((top & np.uint64(_INFINITE)) != 0).astype("u8") << np.uint64(63)
    made = np.empty(words.shape, "<u8")
    made[..., 0::2] = fraction | one
    made[..., 1::2] = top
    target[...] = made.view("u1").reshape(target.shape)
