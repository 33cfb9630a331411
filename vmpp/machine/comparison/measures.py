"""What is measured of a run, to compare it by."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Final

from vmpp.engine import SECOND, to_seconds
from vmpp.quantities import DURATION

if TYPE_CHECKING:
    from vmpp.machine.result import Result


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a run.

    Attributes:
        title: what a table calls it.
        text: what it is.
        of: takes it from the result of a run; None: there is none.
        write: writes it for a person.
        unit: that of an axis of a picture; empty for a plain number.
    """

    title: str
    text: str
    of: Callable[[Result], float | None]
    write: Callable[[float], str]
    unit: str = ""


def _seconds(value: float) -> str:
    return DURATION.write(round(value * SECOND))


def _count(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _load_time(result: Result) -> float:
    """Return what allocation and load took, of the copy that began last."""
    loads = (
        sum(phase.virtual_ps for phase in each.phases if phase.name != "run")
        for each in result.copies or [result]
    )
    return to_seconds(max(loads))


def _counter(name: str) -> Callable[[Result], float | None]:
    return lambda result: result.counters.get(name)


def _printed(result: Result) -> float | None:
    """Return the last number on standard output, if it is finite."""
    found = list(_NUMBER.finditer(result.stdout))
    number = float(found[-1][0].replace(b",", b"")) if found else inf
    return number if isfinite(number) else None


_NUMBER: Final = re.compile(rb"[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?")


MEASURES: Final[Mapping[str, Measure]] = {
    "virtual_time": Measure(
        "Virtual time", "from the start of the program, of all its copies, to its end",
        lambda result: result.virtual_time, _seconds, "s",
    ),
    "load_time": Measure("Load time", "allocation and load", _load_time, _seconds, "s"),
    "messages": Measure("Messages", "messages of the machine", _counter("messages"), _count),
    "bytes": Measure("Bytes", "bytes in these messages", _counter("bytes"), _count, "B"),
    "drops": Measure("Drops", "messages that receivers refused", _counter("drops"), _count),
    "lost": Measure("Lost", "messages that the network lost", _counter("lost"), _count),
    "system_calls": Measure(
        "System calls", "requests to servers", _counter("system_calls"), _count
    ),
    "distance": Measure(
        "Distance", "average number of links between two of the job's nodes",
        lambda result: result.distance, lambda value: f"{value:.2f}", "links",
    ),
    "printed": Measure(
        "Printed", "the last number that the program printed", _printed, lambda value: f"{value:g}"
    ),
}  # fmt: skip
"""What there is to compare by, by name."""
