"""Reduction operations: on memory, element by element, and on Python objects.

Numbers are reduced as all message libraries reduce them (`vmpp_collectives.elementwise`). Elements
are packed (see `vmpp_mpi._datatype`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Self

from vmpp.engine import current_process
from vmpp_collectives import Combine, elementwise
from vmpp_mpi._buffers._buffer import recv_spec, send_spec
from vmpp_mpi._datatype import Basic, Datatype, Layout
from vmpp_mpi._errors import ERR_BUFFER, ERR_OP
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._handle import Handle, forget, is_predefined, predefine
from vmpp_mpi._local import local
from vmpp_mpi._special import IN_PLACE

if TYPE_CHECKING:
    from types import ModuleType

_MOST_OWN: Final = 32
"""Operations of its own that a rank may have at a time."""


class Operation:
    """What a handle `Op` refers to.

    Attributes:
        name: for messages.
        function: of two Python objects. A user's takes two buffers and a datatype.
        commutative: whether operands may change places.
        kinds: NumPy's kinds of element that the operation takes, and ``p`` for pairs.
        ufunc: name of NumPy's function, empty if there is none.
        user: whether a program made it.
    """

    __slots__ = ("commutative", "function", "kinds", "name", "ufunc", "user")

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        commutative: bool = True,
        kinds: str = "",
        ufunc: str = "",
        user: bool = False,
    ) -> None:
        self.name = name
        self.function = function
        self.commutative = commutative
        self.kinds = kinds
        self.ufunc = ufunc
        self.user = user


class Op(Handle[Operation]):
    """A reduction operation. Null when made of nothing."""

    __slots__ = ("_by_number",)

    _by_number: bool
    """There and true in a handle made of a number, which tells nothing of the function."""

    _error = ERR_OP

    def __new__(cls, op: Op | None = None) -> Self:
        """Make a second handle to what *op* refers to."""
        return cls._copy(op)

    @classmethod
    def fromhandle(cls, handle: int) -> Self:
        """Return a handle to what the number *handle* stands for; see `Handle.fromhandle`."""
        found = super().fromhandle(handle)
        found._by_number = True
        return found

    def _reduce(self) -> tuple[Any, ...]:
        operation = self._get()
        if getattr(self, "_by_number", False):
            raise ValueError("cannot pickle an operation that is known by number only")
        return type(self).Create, (operation.function, operation.commutative)

    def __call__(self, x: Any, y: Any, /) -> Any:
        """Reduce two Python objects.

        Raises:
            ValueError: the operation is null.
        """
        operation = self._ref
        if operation is None:
            raise ValueError("cannot call a null operation")
        if operation.user:
            return operation.function(x, y, None)
        return operation.function(x, y)

    @classmethod
    def Create(
        cls, function: Callable[[Any, Any, Datatype], object], commute: bool = False
    ) -> Self:
        """Make an operation of a program's own.

        Args:
            function: called with two buffers and a datatype; leaves the result in the second.
            commute: whether operands may change places.

        Raises:
            TypeError: *function* cannot be called.
            RuntimeError: the rank has made `_MOST_OWN` and freed none, the most that mpi4py takes.
        """
        if not callable(function):
            raise TypeError(f"{type(function).__name__!r} object is not callable")
        own = local("mpi.ops", list[Operation])
        if len(own) >= _MOST_OWN and current_process() is not None:
            raise RuntimeError("cannot create too many user-defined reduction operations")
        operation = Operation("user's operation", function, bool(commute), user=True)
        own.append(operation)
        return cls._wrap(operation)

    def Free(self) -> None:
        """Free the operation and make the handle null.

        Raises:
            MPIError: of class `ERR_OP`: the operation is predefined or null.
        """
        if is_predefined(self):
            raise MPIError(ERR_OP, "cannot free a predefined operation")
        own = local("mpi.ops", list[Operation])
        if self._ref in own:
            own.remove(self._ref)
        forget(self)

    def free(self) -> None:
        """Free the operation if that can be, and make the handle null unless it is a constant."""
        if is_predefined(self):
            forget(self)
        else:
            self.Free()

    def Is_commutative(self) -> bool:
        """Return whether operands may change places."""
        return self._get().commutative

    @property
    def is_commutative(self) -> bool:
        """Whether operands may change places."""
        return self._get().commutative

    @property
    def is_predefined(self) -> bool:
        """Whether the operation comes with MPI; null does."""
        return is_predefined(self)

    def Reduce_local(self, inbuf: Any, inoutbuf: Any) -> None:
        """Reduce two buffers of this rank into the second.

        Raises:
            ValueError: they differ in count or datatype.
            MPIError: of class `ERR_OP`: the operation does not take such elements; of class
                `ERR_BUFFER`: *inbuf* is `IN_PLACE`.
        """
        if inbuf is IN_PLACE:
            raise MPIError(ERR_BUFFER, "IN_PLACE has no meaning here")
        given = send_spec(inbuf)
        result = recv_spec(inoutbuf)
        if given.datatype != result.datatype:
            raise ValueError("mismatch in send and receive MPI datatypes")
        if given.count != result.count:
            raise ValueError(
                f"mismatch in send count {given.count} and receive count {result.count}"
            )
        self.combiner(result.datatype)(given.data, result.data)
        result.deliver()

    def combiner(self, datatype: Datatype) -> Combine:
        """Return the function that reduces two vectors of *datatype*, to be called many times.

        Raises:
            MPIError: of class `ERR_OP`: the operation does not take such elements, or is not one
                for reductions (`REPLACE`, `NO_OP`); of class `ERR_TYPE`: the null datatype.
        """
        operation = self._get()
        layout = datatype._get()
        if operation.user:
            return _user_combiner(operation.function, datatype, layout)
        if layout.number is None:
            raise MPIError(ERR_OP, f"{operation.name} of elements of a datatype made of others")
        return _combiner(operation, layout.number)

    def reduce(
        self, inbuf: memoryview, inoutbuf: memoryview, datatype: Datatype, count: int
    ) -> None:
        """Reduce *count* packed elements of two buffers into the second.

        `REPLACE` puts the first in the place of the second, `NO_OP` leaves it, for any datatype.

        Raises:
            MPIError: as `combiner`.
        """
        nbytes = count * datatype.size
        if self._ref is REPLACE._ref:
            inoutbuf[:nbytes] = inbuf[:nbytes]
        elif self._ref is not NO_OP._ref:
            self.combiner(datatype)(inbuf[:nbytes], inoutbuf[:nbytes])


Op._family = (Op,)


@cache
def _combiner(operation: Operation, number: Basic) -> Combine:
    """Return the function that reduces vectors of a *number*."""
    kind = "p" if number.parts else number.kind[0]
    if number.name == "MPI_CHAR":
        kind = "i"  # C's char is a small integer, Fortran's is not
    elif number.name in ("MPI_BYTE", "MPI_PACKED"):
        kind = "B" if number.name == "MPI_BYTE" else "V"
    elif number.name.startswith("MPI_LOGICAL"):
        kind = "b"
    if kind not in operation.kinds:
        raise MPIError(ERR_OP, f"{operation.name} of elements {number.name}")
    if number.parts:
        value, index = number.parts
        return _pair_combiner(operation, (value.kind, index.kind))
    return elementwise(operation.ufunc, "i1" if number.name == "MPI_CHAR" else number.kind)


def _numpy() -> ModuleType:
    import numpy as np  # noqa: PLC0415 - programs that reduce no vectors need not load it

    return np


def _pair_combiner(operation: Operation, pair: tuple[str, str]) -> Combine:
    value, index = pair
    largest = operation.name == "MAXLOC"

    def combine(given: memoryview, result: memoryview) -> None:
        np = _numpy()
        dtype = np.dtype([("value", value), ("index", index)])
        x = np.frombuffer(given, dtype)
        y = np.frombuffer(result, dtype)
        better = x["value"] > y["value"] if largest else x["value"] < y["value"]
        tied = (x["value"] == y["value"]) & (x["index"] < y["index"])
        np.copyto(y, x, where=better | tied)

    return combine


def _user_combiner(function: Callable[..., Any], datatype: Datatype, layout: Layout) -> Combine:
    """Return the function that calls a program's own with buffers as it knows them."""
    from vmpp_mpi._buffers._memory import buffer  # noqa: PLC0415 - needs NumPy

    datatype = Datatype(datatype)  # which may be freed while the operation is under way

    def contiguous(given: memoryview, result: memoryview) -> None:
        function(buffer(given), buffer(result), Datatype(datatype))

    def unpacked(given: memoryview, result: memoryview) -> None:
        count = len(result) // layout.size if layout.size else 0
        low, high = layout.bounds(count)
        nbytes = max(high, count * layout.extent) - low
        x, y = memoryview(bytearray(nbytes)), memoryview(bytearray(nbytes))
        layout.unpack(given, x, -low)
        layout.unpack(result, y, -low)
        contiguous(x, y)
        result[:] = layout.pack(y, count, -low)

    return contiguous if layout.contiguous else unpacked


def _maxloc(x: Any, y: Any) -> Any:
    return _better(x, y, operator.gt)


def _minloc(x: Any, y: Any) -> Any:
    return _better(x, y, operator.lt)


def _better(x: Any, y: Any, beats: Callable[[Any, Any], bool]) -> Any:
    """Return the pair whose value *beats* the other's, that of lower index when they tie."""
    u, i = x
    v, j = y
    if beats(u, v) or (u == v and i <= j):
        return u, i
    return v, j


OP_NULL: Final = predefine("OP_NULL", Op())


def _predefined(name: str, *rest: Any) -> Op:
    return predefine(name, Op._wrap(Operation(name, *rest)))


MAX: Final = _predefined("MAX", lambda x, y: y if y > x else x, True, "iuf", "maximum")
MIN: Final = _predefined("MIN", lambda x, y: y if y < x else x, True, "iuf", "minimum")
SUM: Final = _predefined("SUM", operator.add, True, "iufc", "add")
PROD: Final = _predefined("PROD", operator.mul, True, "iufc", "multiply")
LAND: Final = _predefined("LAND", lambda x, y: bool(x) & bool(y), True, "iub", "logical_and")
BAND: Final = _predefined("BAND", operator.and_, True, "iuB", "bitwise_and")
LOR: Final = _predefined("LOR", lambda x, y: bool(x) | bool(y), True, "iub", "logical_or")
BOR: Final = _predefined("BOR", operator.or_, True, "iuB", "bitwise_or")
LXOR: Final = _predefined("LXOR", lambda x, y: bool(x) ^ bool(y), True, "iub", "logical_xor")
BXOR: Final = _predefined("BXOR", operator.xor, True, "iuB", "bitwise_xor")
MAXLOC: Final = _predefined("MAXLOC", _maxloc, True, "p")
MINLOC: Final = _predefined("MINLOC", _minloc, True, "p")
REPLACE: Final = _predefined("REPLACE", lambda x, y: y, False)
NO_OP: Final = _predefined("NO_OP", lambda x, y: x, False)
