"""The class of handles to datatypes, with the constructors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Self

from vmpp_mpi._constants import (
    COMBINER_CONTIGUOUS,
    COMBINER_DARRAY,
    COMBINER_DUP,
    COMBINER_F90_COMPLEX,
    COMBINER_F90_INTEGER,
    COMBINER_F90_REAL,
    COMBINER_HINDEXED,
    COMBINER_HINDEXED_BLOCK,
    COMBINER_HVECTOR,
    COMBINER_INDEXED,
    COMBINER_INDEXED_BLOCK,
    COMBINER_RESIZED,
    COMBINER_STRUCT,
    COMBINER_SUBARRAY,
    COMBINER_VECTOR,
    ORDER_C,
    TYPECLASS_COMPLEX,
    TYPECLASS_INTEGER,
    TYPECLASS_LOGICAL,
    TYPECLASS_REAL,
)
from vmpp_mpi._datatype import _constructors as layouts
from vmpp_mpi._datatype._definition import COMBINER_NAMES, Definition, Recipe
from vmpp_mpi._datatype._layout import Layout, resize
from vmpp_mpi._datatype._numbers import (
    DEFINITIONS,
    PAIRS,
    f90_complex,
    f90_integer,
    f90_real,
)
from vmpp_mpi._datatype._packing import Packing
from vmpp_mpi._errors import ERR_ARG
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._local import local
from vmpp_mpi._numbers import whole


class Datatype(Packing):
    """The type of the elements of a message. Null when made of nothing."""

    __slots__ = ()

    def __new__(cls, datatype: Datatype | None = None) -> Self:
        """Make a second handle to what *datatype* refers to."""
        return cls._copy(datatype)

    def _reduce(self) -> tuple[Any, ...]:
        return datatype_create, (*self.decode(), True)

    def Commit(self) -> Self:
        """Make the datatype ready for messages."""
        self._get().commit()
        return self

    # -- constructors ------------------------------------------------------------------------------

    def _made(self, layout: Layout, combiner: int, **params: Any) -> Self:
        """Return a handle to a new datatype, made of this one."""
        return self._wrap(Definition(layout, Recipe(combiner, (self._get(),), params)))

    def Dup(self) -> Self:
        """Return a new datatype of the same layout, with a handle and attributes of its own."""
        old = self._get()
        made = Definition(old, Recipe(COMBINER_DUP, (old,)), number=old.number)
        if old.committed:
            made.commit()
        self._copy_attributes(made)
        return self._wrap(made)

    Create_dup = Dup

    def Create_contiguous(self, count: int) -> Self:
        """Return a datatype of *count* elements side by side.

        Raises:
            MPIError: `ERR_COUNT`: a number is negative; `ERR_TYPE`: this datatype is null. The
                same goes for all constructors.
        """
        count = whole(count)
        layout = layouts.contiguous(self._get(), count)
        return self._made(layout, COMBINER_CONTIGUOUS, count=count)

    def Create_vector(self, count: int, blocklength: int, stride: int) -> Self:
        """Return a datatype of *count* blocks of equal length, a *stride* in elements apart."""
        count, blocklength, stride = whole(count), whole(blocklength), whole(stride)
        layout = layouts.vector(self._get(), count, blocklength, stride)
        return self._made(
            layout, COMBINER_VECTOR, count=count, blocklength=blocklength, stride=stride
        )

    def Create_hvector(self, count: int, blocklength: int, stride: int) -> Self:
        """Return a datatype of *count* blocks of equal length, a *stride* in bytes apart."""
        count, blocklength, stride = whole(count), whole(blocklength), whole(stride)
        layout = layouts.hvector(self._get(), count, blocklength, stride)
        return self._made(
            layout, COMBINER_HVECTOR, count=count, blocklength=blocklength, stride=stride
        )

    def Create_indexed(self, blocklengths: Sequence[int], displacements: Sequence[int]) -> Self:
        """Return a datatype of blocks, with displacements in elements.

        Raises:
            ValueError: there are more or fewer displacements than blocks.
        """
        lengths, displs = _arrays(blocklengths, displacements)
        layout = layouts.indexed(self._get(), lengths, displs)
        return self._made(layout, COMBINER_INDEXED, blocklengths=lengths, displacements=displs)

    def Create_hindexed(self, blocklengths: Sequence[int], displacements: Sequence[int]) -> Self:
        """Return a datatype of blocks, with displacements in bytes; raises as `Create_indexed`."""
        lengths, displs = _arrays(blocklengths, displacements)
        layout = layouts.hindexed(self._get(), lengths, displs)
        return self._made(layout, COMBINER_HINDEXED, blocklengths=lengths, displacements=displs)

    def Create_indexed_block(self, blocklength: int, displacements: Sequence[int]) -> Self:
        """Return a datatype of blocks of equal length, with displacements in elements."""
        length, displs = whole(blocklength), _array(displacements)
        layout = layouts.indexed_block(self._get(), length, displs)
        return self._made(layout, COMBINER_INDEXED_BLOCK, blocklength=length, displacements=displs)

    def Create_hindexed_block(self, blocklength: int, displacements: Sequence[int]) -> Self:
        """Return a datatype of blocks of equal length, with displacements in bytes."""
        length, displs = whole(blocklength), _array(displacements)
        layout = layouts.hindexed_block(self._get(), length, displs)
        return self._made(layout, COMBINER_HINDEXED_BLOCK, blocklength=length, displacements=displs)

    @classmethod
    def Create_struct(
        cls,
        blocklengths: Sequence[int],
        displacements: Sequence[int],
        datatypes: Sequence[Datatype],
    ) -> Self:
        """Return a datatype of blocks of datatypes of their own, with displacements in bytes.

        Raises:
            ValueError: the sequences differ in length.
        """
        lengths, displs = _arrays(blocklengths, displacements)
        olds = tuple([datatype._get() for datatype in _many(datatypes, len(lengths))])
        layout = layouts.struct(lengths, displs, olds)
        params = {"blocklengths": lengths, "displacements": displs}
        return cls._wrap(Definition(layout, Recipe(COMBINER_STRUCT, olds, params)))

    def Create_subarray(
        self,
        sizes: Sequence[int],
        subsizes: Sequence[int],
        starts: Sequence[int],
        order: int = ORDER_C,
    ) -> Self:
        """Return a datatype of a part of an array, with the extent of the whole array.

        Args:
            sizes: of the array, in each dimension.
            subsizes: of the part.
            starts: where the part begins.
            order: `ORDER_C`, where the last index changes fastest, or `ORDER_FORTRAN`.

        Raises:
            MPIError: `ERR_ARG`: the part does not lie in the array, or there is no such order.
            ValueError: the sequences differ in length.
        """
        wholes, parts = _arrays(sizes, subsizes)
        firsts, order = _array(starts, len(wholes)), whole(order)
        layout = layouts.subarray(self._get(), wholes, parts, firsts, order)
        return self._made(
            layout, COMBINER_SUBARRAY, sizes=wholes, subsizes=parts, starts=firsts, order=order
        )

    def Create_darray(
        self,
        size: int,
        rank: int,
        gsizes: Sequence[int],
        distribs: Sequence[int],
        dargs: Sequence[int],
        psizes: Sequence[int],
        order: int = ORDER_C,
    ) -> Self:
        """Return a datatype of a process's part of a distributed array.

        Args:
            size: number of processes.
            rank: of the process in the grid, whose last coordinate changes fastest.
            gsizes: of the array, in each dimension.
            distribs: how each is distributed: `DISTRIBUTE_BLOCK`, `DISTRIBUTE_CYCLIC` or
                `DISTRIBUTE_NONE`.
            dargs: sizes of the blocks, or `DISTRIBUTE_DFLT_DARG`.
            psizes: of the grid of processes.
            order: of the array, as for `Create_subarray`.

        Raises:
            MPIError: `ERR_ARG`: the arguments do not fit one another.
            ValueError: the sequences differ in length.
        """
        params: dict[str, Any] = {"size": whole(size), "rank": whole(rank)}
        params["gsizes"] = _array(gsizes)
        for name, given in (("distribs", distribs), ("dargs", dargs), ("psizes", psizes)):
            params[name] = _array(given, len(params["gsizes"]))
        params["order"] = whole(order)
        return self._made(layouts.darray(self._get(), **params), COMBINER_DARRAY, **params)

    def Create_resized(self, lb: int, extent: int) -> Self:
        """Return a datatype with another lower bound and extent, in bytes."""
        lb, extent = whole(lb), whole(extent)
        return self._made(resize(self._get(), lb, extent), COMBINER_RESIZED, lb=lb, extent=extent)

    Resized = Create_resized

    @classmethod
    def Get_value_index(cls, value: Datatype, index: Datatype) -> Self:
        """Return the datatype of pairs of a value and an index, for `MAXLOC` and `MINLOC`.

        It is null unless MPI has a name for the pair.

        Raises:
            MPIError: `ERR_TYPE`: one of the two is null.
        """
        return cls._wrap(PAIRS.get((value._get(), index._get())))

    # -- Fortran's numbers of given precision ------------------------------------------------------

    @classmethod
    def Create_f90_integer(cls, r: int) -> Self:
        """Return Fortran's integer that has all numbers of *r* decimal digits.

        Raises:
            MPIError: `ERR_ARG`: there is none.
        """
        r = whole(r)
        return cls._f90(COMBINER_F90_INTEGER, f90_integer(r), r=r)

    @classmethod
    def Create_f90_real(cls, p: int, r: int) -> Self:
        """Return Fortran's real number of *p* digits' precision and a decimal exponent up to *r*.

        One of the two may be `UNDEFINED`.

        Raises:
            MPIError: `ERR_ARG`: there is none.
        """
        p, r = whole(p), whole(r)
        return cls._f90(COMBINER_F90_REAL, f90_real(p, r), p=p, r=r)

    @classmethod
    def Create_f90_complex(cls, p: int, r: int) -> Self:
        """Return Fortran's complex number of two such real numbers; see `Create_f90_real`."""
        p, r = whole(p), whole(r)
        return cls._f90(COMBINER_F90_COMPLEX, f90_complex(p, r), p=p, r=r)

    @classmethod
    def _f90(cls, combiner: int, like: Definition, **params: int) -> Self:
        """Return a handle to a datatype, the same one whenever the rank gives the same numbers."""
        made: dict[Any, Definition] = local("mpi.datatype.f90", dict)
        key = combiner, *params.values()
        if key not in made:
            made[key] = Definition(like, Recipe(combiner, (), params), number=like.number)
        return cls._wrap(made[key])

    # -- predefined datatypes ----------------------------------------------------------------------

    @classmethod
    def Match_size(cls, typeclass: int, size: int) -> Self:
        """Return the predefined datatype of a class (`TYPECLASS_REAL`, ...) and a size in bytes.

        Raises:
            MPIError: `ERR_ARG`: there is none.
        """
        found = DEFINITIONS.get(f"{_CLASS_PREFIX.get(typeclass)}{size}")
        if found is None:
            raise MPIError(ERR_ARG, f"no datatype of class {typeclass} has {size} bytes")
        return cls._wrap(found)

    @classmethod
    def fromcode(cls, code: str) -> Datatype:
        """Return the datatype that a type code (``"d"``, ``"i4"``, ...) stands for.

        Raises:
            ValueError: there is no such code.
        """
        try:
            found: Datatype = HANDLES[code]
        except (KeyError, TypeError):
            raise ValueError(f"cannot map code {code!r} to MPI datatype") from None
        return found


Datatype._family = (Datatype,)

_CLASS_PREFIX: Final = {
    TYPECLASS_LOGICAL: "LOGICAL",
    TYPECLASS_INTEGER: "INTEGER",
    TYPECLASS_REAL: "REAL",
    TYPECLASS_COMPLEX: "COMPLEX",
}

HANDLES: Final[dict[str, Datatype]] = {}
"""Predefined datatypes by type code; see `BY_CODE`, which fills it."""


def datatype_create(
    datatype: Datatype, combiner: str, params: dict[str, Any], free: bool = False
) -> Datatype:
    """Make a datatype from what `Datatype.decode` returned; the way back from a pickle.

    Args:
        datatype: what it is made from.
        combiner: how, by name.
        params: the combiner's arguments.
        free: whether the datatypes that it is made of are not needed afterwards.

    Raises:
        ValueError: there is no such combiner.
    """
    if combiner == "NAMED":
        return datatype
    name = _CONSTRUCTORS.get(combiner)
    if name is None:
        raise ValueError(f"cannot make a datatype by {combiner}")
    made: Datatype = getattr(datatype, name)(**params).Commit()
    if free:
        parts = params.get("datatypes") or [datatype]
        for part in parts:
            part.free()
    return made


def datatype_decode(datatype: Datatype, mark: bool = False) -> tuple[Datatype, str, dict[str, Any]]:
    """Return what `Datatype.decode` does.

    Args:
        datatype: what to take apart.
        mark: whether the parts will be freed by `datatype_create`, which needs no mark for that.
    """
    del mark
    return datatype.decode()


_CONSTRUCTORS: Final = {
    name: f"{'Get' if name == 'VALUE_INDEX' else 'Create'}_{name.lower()}"
    for name in COMBINER_NAMES
}


def _array(given: Sequence[int], length: int | None = None) -> list[int]:
    """Return the whole numbers of a sequence, which must have that *length* if one is given."""
    if length is not None and len(given) != length:
        raise ValueError(f"expecting {length} items, got {len(given)}")
    return [whole(item) for item in given]


def _arrays(first: Sequence[int], second: Sequence[int]) -> tuple[list[int], list[int]]:
    return _array(first), _array(second, len(first))


def _many(datatypes: Sequence[Datatype] | Datatype, length: int) -> Sequence[Datatype]:
    """Return a sequence of *length* datatypes; one stands for as many of it."""
    if isinstance(datatypes, Datatype):
        return [datatypes] * length
    if len(datatypes) != length:
        raise ValueError(f"expecting {length} items, got {len(datatypes)}")
    for datatype in datatypes:
        if not isinstance(datatype, Datatype):
            raise TypeError(f"expected Datatype, got {type(datatype).__name__}")
    return datatypes
