"""How data are represented in a file: natively, portably, or as a program's own functions do it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from vmpp_mpi._constants import MAX_DATAREP_STRING
from vmpp_mpi._datatype import BYTE, Datatype, datatype_create
from vmpp_mpi._datatype._definition import UNFREEABLE
from vmpp_mpi._errors import (
    ERR_ARG,
    ERR_CONVERSION,
    ERR_DUP_DATAREP,
    ERR_UNSUPPORTED_DATAREP,
)
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._local import local

if TYPE_CHECKING:
    from vmpp_mpi._buffers._buffer import Spec

Conversion = Callable[[Any, Datatype, int, Any, int], object]
"""A program's own function: user's buffer, datatype, count, file's buffer, position."""


class Representation:
    """The native one: in the file as in memory. ``internal`` is the same.

    Attributes:
        name: that `File.Set_view` takes.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def in_file(self, datatype: Datatype) -> Datatype:
        """Return a datatype that lies in memory as *datatype* does in a file."""
        return datatype

    def encode(self, spec: Spec) -> memoryview:
        """Return what a file gets of a buffer."""
        return spec.data

    def room(self, spec: Spec) -> memoryview:
        """Return where to read what a buffer gets of a file."""
        return spec.data

    def decode(self, data: memoryview, spec: Spec) -> int:
        """Put *data*, read into `room`, into the buffer; return how many bytes it has got."""
        spec.deliver(len(data))
        return len(data)


class Converted(Representation, ABC):
    """One in which data are not what they are in memory. Subclasses say how they are converted."""

    __slots__ = ("_known",)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._known: dict[Any, Datatype] = {}

    def in_file(self, datatype: Datatype) -> Datatype:
        """Return a datatype made as *datatype* is, of basic ones with their extents in a file.

        Displacements in bytes, of `Datatype.Create_hvector` say, stay what they are.
        """
        definition = datatype._get()
        if definition.recipe.combiner in UNFREEABLE:
            # One object for all ranks: it must keep no datatype of a program's own.
            found = self._known.get(definition)
            if found is None:
                found = BYTE.Create_contiguous(self.extent(datatype))
                self._known[definition] = found
            return found
        base, combiner, params = datatype.decode()
        parts = params.get("datatypes")
        if parts is None:
            base = self.in_file(base)
        else:
            params["datatypes"] = [self.in_file(part) for part in parts]
        return datatype_create(base, combiner, params)

    @abstractmethod
    def extent(self, datatype: Datatype) -> int:
        """Return the bytes that a predefined datatype takes in a file."""

    def room(self, spec: Spec) -> memoryview:
        """Return where to read what a buffer gets of a file."""
        return memoryview(bytearray(spec.count * self.in_file(spec.datatype).size))


class External32(Converted):
    """The portable one that MPI defines: big-endian, with sizes that are the same everywhere."""

    __slots__ = ()

    def extent(self, datatype: Datatype) -> int:
        """Return the bytes that a predefined datatype takes in a file."""
        return datatype.Pack_external_size("external32", 1)

    def encode(self, spec: Spec) -> memoryview:
        """Return what a file gets of a buffer. Raises `ERR_CONVERSION`: it is too large for it."""
        from vmpp_mpi._datatype._external import to_external  # noqa: PLC0415 - needs NumPy

        return to_external(spec.datatype._get().signature, spec.data, spec.count)

    def decode(self, data: memoryview, spec: Spec) -> int:
        """Put *data*, read into `room`, into the buffer; return how many bytes it has got."""
        from vmpp_mpi._datatype._external import from_external  # noqa: PLC0415 - needs NumPy

        layout = spec.datatype._get()
        size = self.in_file(spec.datatype).size
        count, rest = divmod(len(data), size) if size else (0, 0)
        whole: Any = data
        if rest:
            whole = bytearray(data) + bytes(size - rest)
        native = from_external(layout.signature, memoryview(whole), count + bool(rest), layout.size)
        nbytes = count * layout.size + _native_bytes(layout.signature, rest)
        spec.data[:nbytes] = native[:nbytes]
        spec.deliver(nbytes)
        return nbytes


def _native_bytes(signature: Any, nbytes: int) -> int:
    """Return how many bytes in memory the first *nbytes* of an element's data in a file are."""
    from vmpp_mpi._datatype._signature import runs  # noqa: PLC0415 - few files end so

    native = 0
    for count, basic in runs(signature):
        whole = min(count, nbytes // basic.external)
        native += whole * basic.size
        nbytes -= whole * basic.external
        if whole < count:
            break
    return native


class Registered(Converted):
    """One that a program has registered, with functions of its own.

    Args:
        name: that `File.Set_view` takes.
        read: converts what has been read; None: nothing is to be converted.
        write: converts what will be written; None: nothing is to be converted.
        extent: returns the bytes that a predefined datatype takes in a file.
    """

    __slots__ = ("_extent", "_read", "_write")

    def __init__(
        self,
        name: str,
        read: Conversion | None,
        write: Conversion | None,
        extent: Callable[[Datatype], int],
    ) -> None:
        super().__init__(name)
        self._read = read
        self._write = write
        self._extent = extent

    def extent(self, datatype: Datatype) -> int:
        """Return the bytes that a predefined datatype takes in a file. Raises `ERR_CONVERSION`."""
        try:
            return int(self._extent(Datatype(datatype)))
        except Exception as error:
            raise _failed(self.name, error) from error

    def encode(self, spec: Spec) -> memoryview:
        """Return what a file gets of a buffer. Raises `ERR_CONVERSION`."""
        if self._write is None:
            return spec.data
        made = super().room(spec)
        self._convert(self._write, spec, spec.count, made)
        return made

    def room(self, spec: Spec) -> memoryview:
        """Return where to read what a buffer gets of a file."""
        return spec.data if self._read is None else super().room(spec)

    def decode(self, data: memoryview, spec: Spec) -> int:
        """Put *data*, read into `room`, into the buffer; return how many bytes it has got."""
        if self._read is None:
            spec.deliver(len(data))
            return len(data)
        size = self.in_file(spec.datatype).size
        count = len(data) // size if size else 0
        self._convert(self._read, spec, count, data)
        return count * spec.datatype.size

    def _convert(self, function: Conversion, spec: Spec, count: int, data: memoryview) -> None:
        from vmpp_mpi._buffers._memory import buffer  # noqa: PLC0415 - needs NumPy

        user = spec.data if spec.base is None else spec.base
        try:
            function(buffer(user), Datatype(spec.datatype), count, buffer(data), 0)
        except Exception as error:
            raise _failed(self.name, error) from error


def _failed(name: str, error: Exception) -> MPIError:
    return MPIError(ERR_CONVERSION, f"a function of data representation {name!r}: {error!r}")


_PREDEFINED: Final = {
    name: kind(name)
    for name, kind in (
        ("native", Representation),
        ("internal", Representation),
        ("external32", External32),
    )
}


def _registered() -> dict[str, Registered]:
    """Return the representations that the running rank has registered, by name."""
    return local("mpi.datareps", dict)


def representation(name: str | None) -> Representation:
    """Return the representation of a *name*, the native one for None.

    Raises:
        MPIError: `ERR_UNSUPPORTED_DATAREP`: there is none.
    """
    name = "native" if name is None else name
    found = _PREDEFINED.get(name) or _registered().get(name)
    if found is None:
        raise MPIError(ERR_UNSUPPORTED_DATAREP, f"{name!r}")
    return found


def Register_datarep(
    datarep: str,
    read_fn: Conversion | None,
    write_fn: Conversion | None,
    extent_fn: Callable[[Datatype], int],
) -> None:
    """Register a data representation of the program's own, for this rank.

    Args:
        datarep: its name.
        read_fn: called with the user's buffer, a datatype, a count, what has been read and a
            position; converts so many elements into the buffer, from that element on. None leaves
            the data as they are.
        write_fn: converts the other way, with the same arguments.
        extent_fn: called with a predefined datatype; returns the bytes that it takes in a file.

    Raises:
        MPIError: `ERR_DUP_DATAREP`: there is one of that name; `ERR_ARG`: the name is empty or
            too long.
    """
    if not 0 < len(datarep) <= MAX_DATAREP_STRING:
        raise MPIError(ERR_ARG, f"a data representation's name of {len(datarep)} characters")
    if datarep in _PREDEFINED or datarep in _registered():
        raise MPIError(ERR_DUP_DATAREP, repr(datarep))
    _registered()[datarep] = Registered(datarep, read_fn, write_fn, extent_fn)
