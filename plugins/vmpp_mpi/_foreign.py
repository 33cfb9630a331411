"""Memory of objects that describe it by other means than Python's buffer protocol.

DLPack (``__dlpack__``, ``__dlpack_device__``) hands over a capsule with a C structure, as laid out
in ``dlpack.h`` of the DLPack project. The CUDA array interface (``__cuda_array_interface__``,
version 3 of Numba's documentation) is a dictionary with an address, which here must be one that the
processor can read.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final


class _Device(ctypes.Structure):
    _fields_ = (("type", ctypes.c_int32), ("number", ctypes.c_int32))


class _ElementType(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16))


class _Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("ndim", ctypes.c_int32),
        ("dtype", _ElementType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class _ManagedTensor(ctypes.Structure):
    """The first of the two forms; its manager's fields follow the tensor and are not needed."""

    _fields_ = (("tensor", _Tensor),)


_ON_CPU: Final = frozenset({1, 3, 11, 13})
"""Device types whose memory the processor can read: CPU, CUDA host, ROCm host, CUDA managed."""

_CODES: Final = {
    (0, 8): "i1", (0, 16): "i2", (0, 32): "i4", (0, 64): "i8",
    (1, 8): "u1", (1, 16): "u2", (1, 32): "u4", (1, 64): "u8",
    (2, 16): "f2", (2, 32): "f4", (2, 64): "f8", (2, 128): "f16",
    (5, 64): "c8", (5, 128): "c16", (5, 256): "c32",
    (6, 8): "b1",
}  # fmt: skip
"""Type codes by DLPack's kind (signed, unsigned, float, complex, bool) and number of bits."""

_capsule_pointer: Final = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = (ctypes.py_object, ctypes.c_char_p)


def foreign_memory(obj: Any, writable: bool) -> tuple[memoryview, str | None]:
    """Return the memory that *obj* describes by DLPack or the CUDA array interface.

    Returns:
        The memory as bytes and the type code of its elements, None for raw bytes.

    Raises:
        TypeError: *obj* describes none.
        BufferError: it is not contiguous, on a device, or read-only where *writable* is asked for.
        KeyError: its elements have no datatype.
    """
    if hasattr(type(obj), "__dlpack__"):
        return _from_dlpack(obj)
    try:
        described = obj.__cuda_array_interface__
    except AttributeError:
        kind = type(obj).__name__
        raise TypeError(f"a bytes-like object is required, not {kind!r}") from None
    return _from_array_interface(obj, described, writable)


def at_address(address: int, nbytes: int, owner: object) -> memoryview:
    """Return memory at an address, which keeps its *owner* alive."""
    if nbytes == 0:
        return memoryview(bytearray())
    array = (ctypes.c_ubyte * nbytes).from_address(address)
    array.owner = owner  # type: ignore[attr-defined]
    return memoryview(array).cast("B")


def _from_dlpack(obj: Any) -> tuple[memoryview, str | None]:
    device, _ = obj.__dlpack_device__()
    if device not in _ON_CPU:
        raise BufferError(f"dlpack: memory is on a device of type {int(device)}, not on the CPU")
    # The capsule is kept and not renamed: it frees the tensor when it goes, with the view.
    capsule = obj.__dlpack__()
    address = _capsule_pointer(capsule, b"dltensor")
    tensor = _ManagedTensor.from_address(address).tensor
    shape = tensor.shape[: tensor.ndim]
    strides = tensor.strides[: tensor.ndim] if tensor.strides else None
    if strides is not None and not _contiguous(shape, strides):
        raise BufferError("dlpack: buffer is not contiguous")
    kind = tensor.dtype
    itemsize = (kind.bits * kind.lanes + 7) // 8
    code = _CODES.get((kind.code, kind.bits)) if kind.lanes == 1 else None
    if code is None:
        raise KeyError(
            f"cannot map DLPack type (code {kind.code}, {kind.bits} bits, {kind.lanes} lanes) "
            "to MPI datatype"
        )
    address = (tensor.data or 0) + tensor.byte_offset
    return at_address(address, _product(shape) * itemsize, capsule), code


def _from_array_interface(
    obj: Any, described: dict[str, Any], writable: bool
) -> tuple[memoryview, str | None]:
    typestr = described["typestr"]
    shape = described["shape"]
    address, readonly = described["data"]
    if writable and readonly:
        raise BufferError("__cuda_array_interface__: buffer is read-only")
    if described.get("mask") is not None:
        raise BufferError("__cuda_array_interface__: cannot handle masked arrays")
    itemsize = int(typestr[2:])
    strides = described.get("strides")
    if strides is not None and not _contiguous(shape, [step // itemsize for step in strides]):
        raise BufferError("__cuda_array_interface__: buffer is not contiguous")
    if typestr[0] == ">" and itemsize > 1:
        raise BufferError(f"message: elements {typestr!r} are not in native byte order")
    return at_address(address or 0, _product(shape) * itemsize, obj), typestr[1:]


def _product(shape: Any) -> int:
    total = 1
    for length in shape:
        total *= length
    return total


def _contiguous(shape: Any, strides: Any) -> bool:
    """Return whether elements with *strides* in elements lie densely, in C or Fortran order."""
    if _product(shape) == 0:
        return True
    dimensions = [pair for pair in zip(shape, strides, strict=True) if pair[0] != 1]
    return _dense(reversed(dimensions)) or _dense(dimensions)


def _dense(dimensions: Any) -> bool:
    step = 1
    for length, stride in dimensions:
        if stride != step:
            return False
        step *= length
    return True
