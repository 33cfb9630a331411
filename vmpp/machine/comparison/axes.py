"""What varies in a comparison: the axes, and the values along each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from vmpp.errors import VmppError, suggestion
from vmpp.machine.description import load
from vmpp.machine.kinds import KINDS
from vmpp.machine.policies import policy

if TYPE_CHECKING:
    from vmpp.machine.plugins import Plugins


class AxisError(VmppError):
    """There is nothing of this name to vary, or it cannot have this value."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One thing that varies.

    Attributes:
        name: a kind of policy, or one of `SETTINGS`.
        values: what it is in turn, as somebody has written it.
    """

    name: str
    values: tuple[str, ...]

    def applied(self, value: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the *options* of a run with one of the values in their place."""
        if self.name in KINDS:
            return {**options, "policies": {**options.get("policies", {}), self.name: value}}
        return {**options, self.name: SETTINGS[self.name](value)}


def _counted(low: int | None) -> Callable[[str], int]:
    """Return what reads a whole number of at least *low*. It raises ValueError."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ValueError(f"{text!r} is no whole number") from None
        if low is not None and number < low:
            raise ValueError(f"{text} is less than {low}")
        return number

    return read


SETTINGS: Final[Mapping[str, Callable[[str], Any]]] = {
    "machine": str,
    "nprocs": _counted(1),
    "seed": _counted(None),
    "level": _counted(1),
    "copies": _counted(1),
}
"""What can vary besides policies, a parameter of `vmpp.run` each, with what reads a value."""


def parsed(texts: Iterable[str]) -> dict[str, list[str]]:
    r"""Return the values that texts such as ``pct=rr:1ms,rr:10ms`` name, by what they are of.

    A comma that belongs to a value is written ``\,``. Two texts of one name add up.

    Raises:
        AxisError: one is no such text.
    """
    varied: dict[str, list[str]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        if not name or not values:
            raise AxisError(f"{text!r} varies nothing; write KIND=VALUE,VALUE, as {_EXAMPLE}")
        varied.setdefault(name, []).extend(
            value.replace("\\,", ",") for value in re.split(r"(?<!\\),", values)
        )
    return varied


def axes(varied: Mapping[str, Iterable[object]], plugins: Plugins) -> list[Axis]:
    """Return the axes of what is *varied*, checked: for each name the values.

    Raises:
        VmppError: there is nothing of this name to vary, or it cannot have this value.
    """
    return [_axis(name, [str(value) for value in values], plugins) for name, values in
            varied.items()]  # fmt: skip


def _axis(name: str, values: Sequence[str], plugins: Plugins) -> Axis:
    if name not in KINDS and name not in SETTINGS:
        there = (*KINDS, *SETTINGS)
        raise AxisError(
            f"nothing is called {name!r} that could vary{suggestion(name, there)} "
            f"(there is: {', '.join(there)})"
        )
    if not values:
        raise AxisError(f"{name} has no values to vary over; write such as {_EXAMPLE}")
    for value in values:
        if not value:
            raise AxisError(f"a value of {name} is empty; write such as {_EXAMPLE}")
        if values.count(value) > 1:
            raise AxisError(f"{name} is to be {value!r} twice")
        _check(name, value, plugins)
    return Axis(name, tuple(values))


def _check(name: str, value: str, plugins: Plugins) -> None:
    if name in KINDS:
        policy(name, value, plugins)
        return
    try:
        read = SETTINGS[name](value)
    except ValueError as error:
        raise AxisError(f"{name}: {error}") from None
    if name == "machine":
        load(read, plugins)


def combinations(along: Sequence[Axis]) -> Iterator[dict[str, str]]:
    """Yield every combination of values, by the names of the axes; the last one varies fastest."""
    for values in product(*(axis.values for axis in along)):
        yield {axis.name: value for axis, value in zip(along, values, strict=True)}


_EXAMPLE: Final = "pct=rr:1ms,rr:10ms"
