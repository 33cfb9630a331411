"""MPI's own memory object.

A module apart because it needs NumPy, which only programs that use it shall load: before Python
3.12 a class written in Python can export memory only by deriving from one that does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NoReturn, Self, final

import numpy as np

from vmpp.process.memory import taken
from vmpp_mpi._buffers._exported import memory_of
from vmpp_mpi._buffers._foreign import at_address, on_device

# Not by its own name, whose annotations would bind the methods below to those of arrays.
_Exporter: Any = np.ndarray
_BYTE: Final = np.dtype("u1")
_NOTHING: Final = (1, (0,), _BYTE, False, b"")
"""State of an array without memory."""


@final
class buffer(_Exporter):  # type: ignore[misc] # noqa: N801 - MPI's name for it
    """A stretch of memory, as bytes; it exports what it refers to and keeps that alive.

    Args:
        buf: an object that exports contiguous memory; none makes an empty buffer.

    Raises:
        TypeError: *buf* exports no memory.
        BufferError: its memory is not contiguous.
    """

    __slots__ = ("obj",)
    __module__ = "mpi4py.MPI"  # where programs know it from

    obj: Any
    """The object whose memory it is, None if there is none."""

    def __new__(cls, *buf: Any) -> Self:
        """Make a buffer that refers to the memory of *buf*."""
        if not buf:
            return cls._over(memoryview(bytearray()), None)
        (obj,) = buf
        return cls._over(memory_of(obj, False), obj)

    @classmethod
    def _over(cls, memory: memoryview, obj: Any) -> Self:
        made: Self = super().__new__(cls, (len(memory),), _BYTE, memory)
        made.obj = obj
        return made

    def _check_reach(self) -> None:
        """Refuse to look into memory that is a device's.

        Raises:
            BufferError: it is.
        """
        if on_device(self.obj):
            raise BufferError("the memory is a device's")

    @staticmethod
    def allocate(nbytes: int, clear: bool = False) -> buffer:
        """Return new memory. It is zero, whether *clear* asks for that or not.

        Raises:
            ValueError: *nbytes* is negative.
            MemoryError: the node has not so much.
        """
        if nbytes < 0:
            raise ValueError("expecting non-negative size")
        memory = taken(int(nbytes))
        return buffer._over(memoryview(memory), memory)

    @staticmethod
    def frombuffer(obj: Any, readonly: bool = False) -> buffer:
        """Return a buffer that refers to the memory of *obj*; errors as the class itself."""
        memory = memory_of(obj, False)
        return buffer._over(memory.toreadonly() if readonly else memory, obj)

    @staticmethod
    def fromaddress(address: int, nbytes: int, readonly: bool = False) -> buffer:
        """Return a buffer of the memory at an *address*, which the caller keeps alive.

        Raises:
            ValueError: a negative size, or memory at address 0.
        """
        if nbytes < 0:
            raise ValueError("expecting non-negative buffer length")
        if address == 0 and nbytes > 0:
            raise ValueError("expecting non-NULL address")
        memory = at_address(address, nbytes, None)
        return buffer._over(memory.toreadonly() if readonly else memory, None)

    @property
    def address(self) -> int:
        """Where the memory begins; 0 when there is none."""
        where: int = self.ctypes.data
        return 0 if self.obj is None and not len(self) else where

    @property
    def readonly(self) -> bool:
        """Whether the memory can only be read."""
        return not self.flags.writeable

    @property
    def format(self) -> str:
        """Format of an element: ``B``, a byte."""
        return "B"

    def cast(self, format: str, shape: Any = None) -> memoryview:  # noqa: A002 - as memoryview
        """Return the memory as elements of another *format*, in another *shape*."""
        self._check_reach()
        view: Any = memoryview(self)
        cast: memoryview = view.cast(format) if shape is None else view.cast(format, list(shape))
        return cast

    def tobytes(self, order: str | None = None) -> bytes:
        """Return a copy of the memory. A line of bytes has one *order* only."""
        self._check_reach()
        return memoryview(self).tobytes()

    def toreadonly(self) -> buffer:
        """Return a buffer of the same memory that can only be read."""
        return buffer._over(memoryview(self).toreadonly(), self.obj)

    def release(self) -> None:
        """Let go of the memory; the buffer is empty afterwards."""
        self.__setstate__(_NOTHING)
        self.obj = None

    def __getitem__(self, item: Any, /) -> Any:
        self._check_reach()
        if isinstance(item, slice):
            if item.step not in (None, 1):
                raise IndexError("slice with step not supported")
            return buffer._over(memoryview(self)[item], self.obj)
        if not hasattr(item, "__index__"):
            raise TypeError("index must be integer or slice")
        return memoryview(self)[item]

    def __setitem__(self, item: Any, value: Any, /) -> None:
        self._check_reach()
        if self.readonly:
            raise TypeError("buffer is read-only")
        if isinstance(item, slice):
            if item.step not in (None, 1):
                raise IndexError("slice with step not supported")
            target = memoryview(self)[item]
            source = (
                bytes([value]) * len(target)
                if isinstance(value, int | np.integer)
                else memory_of(value, False)
            )
            if len(source) != len(target):
                raise ValueError("slice length does not match buffer")
            target[:] = source
            return
        if not hasattr(item, "__index__"):
            raise TypeError("index must be integer or slice")
        if not hasattr(value, "__index__"):
            raise TypeError("an integer is required")
        if not 0 <= value < 256:
            raise OverflowError("value does not fit a byte")
        memoryview(self)[item] = value

    def __delitem__(self, item: Any, /) -> NoReturn:
        raise NotImplementedError("a part of a buffer cannot be deleted")

    def __iter__(self) -> Iterator[int]:
        return iter(memoryview(self))

    def __bool__(self) -> bool:
        return len(self) > 0

    def __reduce__(self) -> NoReturn:
        raise ValueError("cannot pickle a buffer; pickle its bytes")

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.buffer of {len(self)} bytes>"

    __str__ = __repr__
    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__
