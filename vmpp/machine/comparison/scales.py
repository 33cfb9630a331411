"""Which axis of a comparison is a scale: values that are numbers, or differ in one number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vmpp.machine.choices import settings
from vmpp.machine.kinds import KINDS
from vmpp.quantities import DURATION, RATE, SIZE

if TYPE_CHECKING:
    from vmpp.machine.plugins import Plugins

LEAST: Final = 2
"""Values that something must have to be drawn as a line."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands on a scale.

    Attributes:
        line: what stands on the scale with others; empty for plain numbers.
        number: where it stands.
        written: the same as in the value.
        parameter: the name of what it is a value of, where the value says so, or its place.
    """

    line: str
    number: float
    written: str
    parameter: str | int = ""


def scale(name: str, values: Sequence[str]) -> dict[str, Place] | None:
    """Return where the *values* of an axis stand, if they are numbers of something.

    ``rr:1ms`` and ``rr:10ms`` are: they differ in one parameter, which is a quantity. With each
    policy that there is there must be another one to make a line.
    """
    if name == "machine":
        return None
    if name not in KINDS:
        return {value: Place("", float(value), value) for value in values}
    places: dict[str, Place] = {}
    for policy in dict.fromkeys(value.partition(":")[0] for value in values):
        own = [value for value in values if value.partition(":")[0] == policy]
        found = _differing(own)
        if found is None:
            return None
        places.update(found)
    return places


def _differing(values: Sequence[str]) -> dict[str, Place] | None:
    """Return the places of values of one policy that differ in one quantity, or None."""
    split = [value.split(":") for value in values]
    if len(values) < LEAST or len({len(parts) for parts in split}) > 1:
        return None
    at = [place for place, parts in enumerate(zip(*split, strict=True)) if len(set(parts)) > 1]
    if len(at) != 1 or len({parts[at[0]].rpartition("=")[0] for parts in split}) > 1:
        return None
    places: dict[str, Place] = {}
    for value, parts in zip(values, split, strict=True):
        key, _, written = parts[at[0]].rpartition("=")
        number = _number(written)
        if number is None:
            return None
        others = [*parts[: at[0]], *([f"{key}=…"] if key else []), *parts[at[0] + 1 :]]
        places[value] = Place(":".join(others), number, written, key or at[0] - 1)
    return places


def title(name: str, places: Mapping[str, Place], plugins: Plugins) -> str:
    """Return what a scale is of: the parameter that differs, or else the *name* of the axis."""
    if name not in KINDS:
        return name
    offered = KINDS[name].offered(plugins)
    found = {_parameter(place, offered) for place in places.values()}
    known = found.pop() if len(found) == 1 else ""
    return known or name


def _parameter(place: Place, offered: Mapping[str, Any]) -> str:
    if isinstance(place.parameter, str):
        return place.parameter
    policy = place.line.partition(":")[0]
    known = settings(offered[policy]) if policy in offered else ()
    return known[place.parameter].name if place.parameter < len(known) else ""


def _number(text: str) -> float | None:
    for unit in (DURATION, SIZE, RATE):
        try:
            return float(unit.read(text))
        except ValueError:
            continue
    try:
        return float(text)
    except ValueError:
        return None
