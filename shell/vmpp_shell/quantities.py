"""Options that are quantities with units, as machine files write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from vmpp.machine.quantities import DURATION, SIZE, Unit

if TYPE_CHECKING:
    _Type = click.ParamType[Any]
else:
    # Click's older versions know no type parameters.
    _Type = click.ParamType


class QuantityType(_Type):
    """A quantity with its unit, which becomes the whole number that the machine counts in."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.name = unit.noun.removeprefix("a ")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; fails unless it is such a quantity."""
        if isinstance(value, int):
            return value
        try:
            return self.unit.read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


SIZE_TYPE: Final = QuantityType(SIZE)
DURATION_TYPE: Final = QuantityType(DURATION)
