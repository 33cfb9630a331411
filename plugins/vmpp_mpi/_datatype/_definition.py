"""What a handle to a datatype refers to: a layout, a name, and how it was made."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from vmpp_mpi import _constants as constants
from vmpp_mpi._datatype._layout import Layout
from vmpp_mpi._datatype._signature import Basic


class Recipe(NamedTuple):
    """How a datatype was made.

    Attributes:
        combiner: which constructor.
        bases: the datatypes that it was given.
        params: its other arguments by name, in the order of the call.
    """

    combiner: int
    bases: tuple[Definition, ...] = ()
    params: dict[str, Any] = {}  # noqa: RUF012 - never changed

    @property
    def name(self) -> str:
        """The combiner's name."""
        return _NAMES[self.combiner]

    def contents(self) -> tuple[list[int], list[int], list[int]]:
        """Return the integers, addresses and counts of the call, as ``MPI_Type_get_contents_c``."""
        params, combiner = self.params, self.combiner
        if combiner == constants.COMBINER_SUBARRAY:
            sizes = params["sizes"]
            counts = [*sizes, *params["subsizes"], *params["starts"]]
            return [len(sizes), params["order"]], [], counts
        if combiner == constants.COMBINER_DARRAY:
            integers = [params["size"], params["rank"], len(params["gsizes"])]
            for name in ("distribs", "dargs", "psizes"):
                integers += params[name]
            return [*integers, params["order"]], [], list(params["gsizes"])
        if combiner in _OF_INTEGERS:
            return list(params.values()), [], []
        counts = [len(params["displacements"])] if "displacements" in params else []
        for value in params.values():
            counts += value if isinstance(value, list) else [value]
        return [], [], counts


_OF_INTEGERS: Final = (
    constants.COMBINER_F90_INTEGER,
    constants.COMBINER_F90_REAL,
    constants.COMBINER_F90_COMPLEX,
)
_NAMES: Final[dict[int, str]] = {
    value: name.removeprefix("COMBINER_")
    for name, value in vars(constants).items()
    if name.startswith("COMBINER_")
}
COMBINER_NAMES: Final = tuple(_NAMES.values())
"""Of all combiners, without the prefix."""

UNFREEABLE: Final = (
    constants.COMBINER_NAMED,
    *_OF_INTEGERS,
)
"""Combiners of datatypes that count as predefined."""

NAMED: Final = Recipe(constants.COMBINER_NAMED)


class Definition(Layout):
    """A datatype.

    Attributes:
        name: as the program or MPI named it.
        recipe: how it was made.
        number: the number or pair that it stands for; None for a datatype made of others, unless
            as a duplicate of such a one.
        committed: whether messages can be made of it.
        plain: whether messages are made of it without a copy, the short way: it is committed,
            contiguous and not empty.
        attributes: what a program attached, by key; None as long as there is nothing.
    """

    __slots__ = ("attributes", "committed", "name", "number", "plain", "recipe")

    def __init__(
        self,
        layout: Layout,
        recipe: Recipe = NAMED,
        name: str = "",
        number: Basic | None = None,
    ) -> None:
        self._take(layout)
        self.recipe = recipe
        self.name = name
        self.number = number
        self.attributes: dict[int, Any] | None = None
        self.committed = self.plain = False
        if recipe.combiner in UNFREEABLE:
            self.commit()

    def commit(self) -> None:
        """Make it ready for messages."""
        self.committed = True
        self.plain = self.contiguous and self.size > 0

    def again(self) -> Definition:
        """Return an equal one that is another datatype, as what a program gets of the contents."""
        copy = Definition(self, self.recipe, number=self.number)
        copy.committed, copy.plain = self.committed, self.plain
        return copy
