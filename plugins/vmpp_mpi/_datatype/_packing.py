"""Packing: elements into a program's own buffer and back, as the machine has them or portably."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from vmpp_mpi._buffers._exported import memory_of
from vmpp_mpi._datatype._described import Described
from vmpp_mpi._errors import ERR_ARG, ERR_COUNT, ERR_TRUNCATE
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._numbers import whole
from vmpp_mpi._work import charge_copy

if TYPE_CHECKING:
    from vmpp_mpi._communicators._comm import Comm


class Packing(Described):
    """A handle to a datatype, with the calls that pack elements of it."""

    __slots__ = ()

    def Pack(self, inbuf: Any, outbuf: Any, position: int, comm: Comm) -> int:
        """Pack the elements in a buffer into another from a *position* on; return what follows it.

        Args:
            inbuf: as many elements as its bytes are extents of the datatype.
            outbuf: bytes.
            position: in bytes.
            comm: on which the packed data are going to be sent.

        Raises:
            MPIError: `ERR_TRUNCATE`: the output buffer is too short; `ERR_ARG`: an element reaches
                beyond the buffer, or the position is none; `ERR_COMM`: the communicator is null;
                `ERR_TYPE`: the datatype is, or has not been committed.
            TypeError, BufferError: something is no buffer.
        """
        comm._get()
        memory, count = self._elements(inbuf, False)
        packed = self._ready().pack(memory, count)
        return _put(packed, outbuf, whole(position))

    def Unpack(self, inbuf: Any, position: int, outbuf: Any, comm: Comm) -> int:
        """Unpack as many elements as a buffer takes, and return the position that follows them.

        Raises:
            MPIError: as `Pack`; `ERR_TRUNCATE`: there are fewer.
        """
        comm._get()
        memory, count = self._elements(outbuf, True)
        layout = self._ready()
        packed, position = _taken(inbuf, whole(position), count * layout.size)
        layout.unpack(packed, memory)
        return position

    def Pack_size(self, count: int, comm: Comm) -> int:
        """Return how many bytes *count* elements take when packed.

        Raises:
            MPIError: `ERR_COUNT`: the count is negative; `ERR_COMM`: the communicator is null.
        """
        comm._get()
        return _natural(count) * self._ready().size

    def Pack_external(self, datarep: str, inbuf: Any, outbuf: Any, position: int) -> int:
        """Pack in portable form; otherwise as `Pack`.

        Args:
            datarep: ``"external32"``.
            inbuf: as for `Pack`.
            outbuf: bytes.
            position: in bytes.

        Raises:
            MPIError: as `Pack`; `ERR_ARG`: there is no other form; `ERR_CONVERSION`: a number is
                too large for it.
        """
        form = _external32(datarep)
        memory, count = self._elements(inbuf, False)
        layout = self._ready()
        packed = form.to_external(layout.signature, layout.pack(memory, count), count)
        return _put(packed, outbuf, whole(position))

    def Unpack_external(self, datarep: str, inbuf: Any, position: int, outbuf: Any) -> int:
        """Unpack what `Pack_external` packed; otherwise as `Unpack`."""
        form = _external32(datarep)
        memory, count = self._elements(outbuf, True)
        layout = self._ready()
        nbytes = count * form.external_size(layout.signature)
        data, position = _taken(inbuf, whole(position), nbytes)
        layout.unpack(form.from_external(layout.signature, data, count, layout.size), memory)
        return position

    def Pack_external_size(self, datarep: str, count: int) -> int:
        """Return how many bytes *count* elements take in portable form; raises as `Pack_size`."""
        form = _external32(datarep)
        size: int = form.external_size(self._ready().signature)
        return _natural(count) * size

    def _elements(self, buf: Any, writable: bool) -> tuple[memoryview, int]:
        """Return the memory of a buffer and how many elements it has."""
        memory = memory_of(buf, writable)
        layout = self._ready()
        count = len(memory) // layout.extent if layout.extent > 0 else 0
        low, high = layout.bounds(count)
        if low < 0 or high > len(memory):
            raise MPIError(
                ERR_ARG, f"{count} elements reach from byte {low} to {high} of {len(memory)}"
            )
        return memory, count


def _put(packed: memoryview, outbuf: Any, position: int) -> int:
    memory = memory_of(outbuf, True)
    end = position + len(packed)
    if position < 0:
        raise MPIError(ERR_ARG, f"position {position}")
    if end > len(memory):
        raise MPIError(ERR_TRUNCATE, f"{len(packed)} bytes from {position} on of {len(memory)}")
    memory[position:end] = packed
    charge_copy(len(packed))
    return end


def _taken(inbuf: Any, position: int, nbytes: int) -> tuple[memoryview, int]:
    """Return so many bytes from a *position* on, and where they end."""
    memory = memory_of(inbuf, False)
    end = position + nbytes
    if position < 0:
        raise MPIError(ERR_ARG, f"position {position}")
    if end > len(memory):
        raise MPIError(ERR_TRUNCATE, f"{nbytes} bytes from {position} on of {len(memory)}")
    charge_copy(nbytes)
    return memory[position:end], end


def _natural(count: Any) -> int:
    number = whole(count)
    if number < 0:
        raise MPIError(ERR_COUNT, f"negative count {number}")
    return number


def _external32(datarep: str) -> ModuleType:
    """Return the module for a portable form, loaded when it is first needed."""
    if datarep != "external32":
        raise MPIError(ERR_ARG, f"no portable form {datarep!r}")
    from vmpp_mpi._datatype import _external  # noqa: PLC0415 - needs NumPy

    return _external
