"""What a datatype is: sizes, bounds, names, codes, and how it was made."""

from __future__ import annotations

from typing import Any, Self

from vmpp_mpi._attributes import Attributed
from vmpp_mpi._constants import (
    COMBINER_NAMED,
    COMBINER_STRUCT,
    MAX_OBJECT_NAME,
)
from vmpp_mpi._datatype._definition import UNFREEABLE, Definition
from vmpp_mpi._errors import ERR_TYPE
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._handle import forget, is_predefined
from vmpp_mpi._local import local


class _Own:
    """What a rank has of a datatype that all ranks share: its name for it and its attributes."""

    __slots__ = ("attributes", "name")

    def __init__(self) -> None:
        self.name: str | None = None
        self.attributes: dict[int, Any] | None = None


class Described(Attributed[Definition]):
    """A handle to a datatype, with the calls that tell what it is."""

    __slots__ = ()

    _error = ERR_TYPE

    def _holder(self) -> Any:
        definition = self._get()
        if not is_predefined(self):
            return definition
        own: dict[Definition, _Own] = local("mpi.datatype.own", dict)
        return own.setdefault(definition, _Own())

    def _ready(self) -> Definition:
        """Return what the handle refers to, for a message to be made of it.

        Raises:
            MPIError: `ERR_TYPE`: it is null, or has not been committed.
        """
        definition = self._get()
        if not definition.committed:
            raise MPIError(ERR_TYPE, "the datatype has not been committed")
        return definition

    # -- size and bounds ---------------------------------------------------------------------------

    def Get_size(self) -> int:
        """Return the bytes of data in one element."""
        return self._get().size

    def Get_extent(self) -> tuple[int, int]:
        """Return the lower bound and the extent of an element, in bytes."""
        layout = self._get()
        return layout.lb, layout.extent

    def Get_true_extent(self) -> tuple[int, int]:
        """Return the lower bound and the extent of an element's data, in bytes."""
        layout = self._get()
        return layout.true_lb, layout.true_extent

    @property
    def size(self) -> int:
        """Bytes of data in one element."""
        return self._get().size

    @property
    def extent(self) -> int:
        """Distance from one element to the next, in bytes."""
        return self._get().extent

    @property
    def lb(self) -> int:
        """Lower bound of an element, in bytes."""
        return self._get().lb

    @property
    def ub(self) -> int:
        """Upper bound of an element, in bytes."""
        layout = self._get()
        return layout.lb + layout.extent

    @property
    def true_lb(self) -> int:
        """Lower bound of an element's data, in bytes."""
        return self._get().true_lb

    @property
    def true_extent(self) -> int:
        """Extent of an element's data, in bytes."""
        return self._get().true_extent

    @property
    def true_ub(self) -> int:
        """Upper bound of an element's data, in bytes."""
        layout = self._get()
        return layout.true_lb + layout.true_extent

    # -- name --------------------------------------------------------------------------------------

    def Get_name(self) -> str:
        """Return the datatype's name: the rank's own if it has set one."""
        definition = self._ref
        if definition is None:
            return "MPI_DATATYPE_NULL"
        own = self._holder().name
        return definition.name if own is None else str(own)

    def Set_name(self, name: str) -> None:
        """Name the datatype, for this rank."""
        self._holder().name = name[:MAX_OBJECT_NAME]

    @property
    def name(self) -> str:
        """The datatype's name."""
        return self.Get_name()

    @name.setter
    def name(self, value: str) -> None:
        self.Set_name(value)

    # -- how it was made ---------------------------------------------------------------------------

    def Get_envelope(self) -> tuple[int, int, int, int, int]:
        """Return how many integers, addresses, counts and datatypes made it, and the combiner."""
        recipe = self._get().recipe
        integers, addresses, counts = recipe.contents()
        return len(integers), len(addresses), len(counts), len(recipe.bases), recipe.combiner

    def Get_contents(self) -> tuple[list[int], list[int], list[int], list[Self]]:
        """Return the integers, addresses, counts and datatypes that made the datatype.

        The datatypes that are not predefined are new ones, to be freed.

        Raises:
            MPIError: `ERR_TYPE`: it is predefined.
        """
        definition = self._get()
        recipe = definition.recipe
        if recipe.combiner == COMBINER_NAMED:
            raise MPIError(ERR_TYPE, f"{definition.name} is predefined and made of nothing")
        return *recipe.contents(), [self._part(base) for base in recipe.bases]

    def decode(self) -> tuple[Self, str, dict[str, Any]]:
        """Return the datatype from which it was made, the combiner's name and its arguments.

        The datatype is null where it is made of several or none.
        """
        recipe = self._get().recipe
        if recipe.combiner == COMBINER_NAMED:
            return self, recipe.name, {}
        parts = [self._part(base) for base in recipe.bases]
        params = {
            name: list(value) if isinstance(value, list) else value
            for name, value in recipe.params.items()
        }
        if recipe.combiner == COMBINER_STRUCT:
            params["datatypes"] = parts
        return parts[0] if len(parts) == 1 else self._wrap(None), recipe.name, params

    @classmethod
    def _part(cls, base: Definition) -> Self:
        return cls._wrap(base if base.recipe.combiner in UNFREEABLE else base.again())

    @property
    def envelope(self) -> tuple[int, int, int, int, int]:
        """As `Get_envelope` returns it."""
        return self.Get_envelope()

    @property
    def contents(self) -> tuple[list[int], list[int], list[int], list[Self]]:
        """As `Get_contents` returns it."""
        return self.Get_contents()

    @property
    def combiner(self) -> int:
        """How the datatype was made."""
        return self._get().recipe.combiner

    @property
    def is_named(self) -> bool:
        """Whether the datatype is not made from others."""
        return self._get().recipe.combiner == COMBINER_NAMED

    @property
    def is_predefined(self) -> bool:
        """Whether the datatype comes with MPI; null does, and what cannot be freed."""
        return self._ref is None or self._ref.recipe.combiner in UNFREEABLE

    # -- Python's names for it ---------------------------------------------------------------------

    def tocode(self) -> str:
        """Return the type code of the datatype.

        Raises:
            ValueError: it has none.
        """
        code = typecode(self)
        if code is None:
            raise ValueError(f"{self.Get_name() or 'datatype'} has no type code")
        return code

    @property
    def typestr(self) -> str:
        """NumPy's type string of an element, raw bytes (``V8``) when it is not one number."""
        if self._ref is None:
            return ""
        number = self._ref.number
        return (number.kind if number else "") or f"V{self._ref.extent}"

    @property
    def typechar(self) -> str:
        """NumPy's type character of an element."""
        if self._ref is None:
            return ""
        number = self._ref.number
        return (number.char if number else "") or "V"

    # -- the end -----------------------------------------------------------------------------------

    def Free(self) -> None:
        """Free the datatype and make the handle null. Datatypes made of it stay.

        Raises:
            MPIError: `ERR_TYPE`: the datatype is predefined or null.
        """
        if self.is_predefined:
            raise MPIError(ERR_TYPE, f"cannot free {self.Get_name()}, which is predefined")
        self._delete_attributes()
        forget(self)

    def free(self) -> None:
        """Free the datatype if that can be, and make the handle null unless it is a constant."""
        if self.is_predefined:
            forget(self)
        else:
            self.Free()


def typecode(datatype: Described) -> str | None:
    """Return the type code of *datatype*, None if it has none."""
    number = None if datatype._ref is None else datatype._ref.number
    return None if number is None else number.code


def typealign(datatype: Described) -> int | None:
    """Return the alignment of *datatype* in a C structure in bytes, None if it has none."""
    number = None if datatype._ref is None else datatype._ref.number
    return None if number is None else number.align
