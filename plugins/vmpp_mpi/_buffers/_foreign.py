"""Memory of objects that describe it by other means than Python's buffer protocol.

DLPack (``__dlpack__``, ``__dlpack_device__``) hands over a capsule with a C structure, as laid out
in ``dlpack.h`` of the DLPack project, in its first form or the versioned one. The CUDA array
interface (``__cuda_array_interface__``, version 3 of Numba's documentation) is a dictionary with an
address. A node of a machine has no other processors than its CPUs, so the memory of a device can be
used where the CPU can read it, and is refused otherwise.
"""

from __future__ import annotations

import ctypes
import sys
import warnings
from operator import index
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
    """The first form; its manager's fields follow the tensor and are not needed."""

    _fields_ = (("tensor", _Tensor),)


class _VersionedTensor(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("manager", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _Tensor),
    )


_MAX_VERSION: Final = (1, 1)
_READ_ONLY: Final = 1
_ON_CPU: Final = 1

_CODES: Final = {
    (0, 8, 1): "i1", (0, 16, 1): "i2", (0, 32, 1): "i4", (0, 64, 1): "i8",
    (1, 8, 1): "u1", (1, 16, 1): "u2", (1, 32, 1): "u4", (1, 64, 1): "u8",
    (2, 16, 1): "f2", (2, 32, 1): "f4", (2, 64, 1): "f8", (2, 128, 1): "f16",
    (5, 64, 1): "c8", (5, 128, 1): "c16", (2, 128, 2): "c32",
    (6, 8, 1): "b1",
}  # fmt: skip
"""Type codes by DLPack's kind (signed, unsigned, float, complex, bool), bits and lanes.

The bits of the longest complex numbers do not fit their field: these come as pairs of floats.
"""

_NATIVE: Final = "<" if sys.byteorder == "little" else ">"

_capsule_is: Final = ctypes.pythonapi.PyCapsule_IsValid
_capsule_is.restype = ctypes.c_int
_capsule_is.argtypes = (ctypes.py_object, ctypes.c_char_p)
_capsule_pointer: Final = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = (ctypes.py_object, ctypes.c_char_p)
_libc: Final = ctypes.CDLL(None)


def foreign_memory(obj: Any, writable: bool) -> tuple[memoryview, str | None]:
    """Return the memory that *obj* describes by DLPack or the CUDA array interface.

    Returns:
        The memory as bytes and the type code of its elements, None for raw bytes.

    Raises:
        TypeError: *obj* describes none, or by something of a wrong type.
        BufferError: the memory is not contiguous, not to be read by the CPU, or read-only where
            *writable* is asked for; a structure is of an unknown version or invalid.
        ValueError, KeyError: the dictionary has a malformed item, or lacks one.
    """
    if hasattr(obj, "__dlpack__"):
        return _from_dlpack(obj, writable)
    try:
        described = obj.__cuda_array_interface__
    except AttributeError:
        kind = type(obj).__name__
        raise TypeError(f"a bytes-like object is required, not {kind!r}") from None
    return _from_array_interface(obj, described, writable)


def on_device(obj: Any) -> bool:
    """Return whether *obj* says that its memory is a device's, not to be used piece by piece."""
    if hasattr(obj, "__dlpack_device__"):
        device: int = obj.__dlpack_device__()[0]
        return device != _ON_CPU
    return hasattr(obj, "__cuda_array_interface__")


def at_address(address: int, nbytes: int, owner: object) -> memoryview:
    """Return memory at an address, which keeps its *owner* alive."""
    if nbytes == 0:
        return memoryview(bytearray())
    array = (ctypes.c_ubyte * nbytes).from_address(address)
    array.owner = owner  # type: ignore[attr-defined]
    return memoryview(array).cast("B")


def check_accessible(address: int, nbytes: int, writable: bool = False) -> None:
    """Refuse memory that the CPU cannot read, or not write to where *writable* is asked for.

    The kernel says so of the first and the last byte, without the crash of trying it here: they go
    through a pipe, and come back the same way where they came from.

    Raises:
        BufferError: there is no such memory.
    """
    ends = (ctypes.c_int * 2)()
    if nbytes == 0 or _libc.pipe(ends) != 0:
        return
    one = ctypes.c_size_t(1)
    try:
        for place in (ctypes.c_void_p(address), ctypes.c_void_p(address + nbytes - 1)):
            if _libc.write(ends[1], place, one) != 1:
                raise BufferError(f"message: no memory of the CPU's at address {place.value}")
            if writable and _libc.read(ends[0], place, one) != 1:
                raise BufferError(f"message: memory at address {place.value} is read-only")
    finally:
        _libc.close(ends[0])
        _libc.close(ends[1])


def _capsule_of(obj: Any, device: int) -> Any:
    arguments: dict[str, Any] = {} if device == _ON_CPU else {"stream": -1}
    try:
        return obj.__dlpack__(max_version=_MAX_VERSION, **arguments)
    except TypeError:  # of an exporter that knows the first form only
        return obj.__dlpack__(**arguments)


def _tensor_in(capsule: Any) -> tuple[_Tensor, bool]:
    """Return the tensor that a capsule holds, and whether it can only be read."""
    if _capsule_is(capsule, b"dltensor_versioned"):
        versioned = _VersionedTensor.from_address(_capsule_pointer(capsule, b"dltensor_versioned"))
        if versioned.major != _MAX_VERSION[0]:
            raise BufferError(f"dlpack: version {versioned.major}.{versioned.minor}")
        return versioned.tensor, bool(versioned.flags & _READ_ONLY)
    if _capsule_is(capsule, b"dltensor"):
        return _ManagedTensor.from_address(_capsule_pointer(capsule, b"dltensor")).tensor, False
    raise BufferError("dlpack: not a capsule with a tensor, or it has been used")


def _from_dlpack(obj: Any, writable: bool) -> tuple[memoryview, str | None]:
    device, number = obj.__dlpack_device__()
    device, _ = index(device), index(number)
    # The capsule is kept and not renamed: it frees the tensor when it goes, with the view.
    capsule = _capsule_of(obj, device)
    tensor, readonly = _tensor_in(capsule)
    if writable and readonly:
        raise BufferError("dlpack: buffer is read-only")
    if tensor.ndim < 0 or (tensor.ndim and not tensor.shape):
        raise BufferError("dlpack: tensor without a shape")
    shape = tensor.shape[: tensor.ndim] if tensor.ndim else []
    if any(length < 0 for length in shape):
        raise BufferError(f"dlpack: negative length in shape {shape}")
    if tensor.strides and not _contiguous(shape, tensor.strides[: tensor.ndim], 1):
        raise BufferError("dlpack: buffer is not contiguous")
    kind = tensor.dtype
    nbytes = _product(shape) * ((kind.bits * kind.lanes + 7) // 8)
    address = (tensor.data or 0) + tensor.byte_offset
    if device != _ON_CPU:
        check_accessible(address, nbytes)
    code = _CODES.get((kind.code, kind.bits, kind.lanes))
    view = at_address(address, nbytes, capsule)
    return view.toreadonly() if readonly else view, code


def _from_array_interface(
    obj: Any, described: dict[str, Any], writable: bool
) -> tuple[memoryview, str | None]:
    address, readonly = described["data"]
    if writable and readonly:
        raise BufferError("__cuda_array_interface__: buffer is read-only")
    if described.get("mask") is not None:
        raise BufferError("__cuda_array_interface__: cannot handle masked arrays")
    order, kind, itemsize = _typestr(described["typestr"])
    _check_descr(described.get("descr"), described["typestr"])
    shape = tuple(described["shape"])
    if any(length < 0 for length in shape):
        raise BufferError(f"__cuda_array_interface__: negative length in shape {shape}")
    strides = described.get("strides")
    if strides is not None and not _contiguous(shape, tuple(strides), itemsize):
        raise BufferError("__cuda_array_interface__: buffer is not contiguous")
    if order not in ("|", _NATIVE):
        raise BufferError(f"message: elements {described['typestr']!r} not in native byte order")
    address = index(address or 0)
    nbytes = _product(shape) * itemsize
    check_accessible(address, nbytes)
    view = at_address(address, nbytes, obj)
    return view.toreadonly() if readonly else view, None if kind == "V" else f"{kind}{itemsize}"


def _typestr(typestr: Any) -> tuple[str, str, int]:
    """Return byte order, kind and size of elements."""
    if not isinstance(typestr, str):
        raise TypeError(f"typestr: expected str, got {type(typestr).__name__}")
    order, kind, itemsize = typestr[:1], typestr[1:2], int(typestr[2:])
    if itemsize < 1:
        raise ValueError(f"typestr: {typestr!r} has no size")
    return order, kind, itemsize


def _check_descr(descr: Any, typestr: str) -> None:
    if descr is None:
        return
    if not isinstance(descr, list):
        raise TypeError(f"descr: expected list, got {type(descr).__name__}")
    if descr != [("", typestr)]:
        warnings.warn(
            "__cuda_array_interface__: ignoring the fields of a structure", RuntimeWarning, 3
        )


def _product(shape: Any) -> int:
    total = 1
    for length in shape:
        total *= length
    return total


def _contiguous(shape: Any, strides: Any, itemsize: int) -> bool:
    """Return whether elements at these *strides* lie densely, in C or in Fortran order."""
    if _product(shape) == 0:
        return True
    dimensions = [pair for pair in zip(shape, strides, strict=True) if pair[0] != 1]
    return _dense(reversed(dimensions), itemsize) or _dense(dimensions, itemsize)


def _dense(dimensions: Any, step: int) -> bool:
    for length, stride in dimensions:
        if stride != step:
            return False
        step *= length
    return True
