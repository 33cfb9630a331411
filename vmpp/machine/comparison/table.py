"""The table of a comparison, and the same as comma-separated values."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TextIO

from rich.bar import Bar
from rich.table import Table
from rich.text import Text

from vmpp.machine.comparison.measures import MEASURES

if TYPE_CHECKING:
    from vmpp.machine.comparison.comparing import Row

BAR: Final = 20
"""Columns of the longest bar."""
BESIDE: Final = ("messages", "distance")
"""Measures that stand beside the one that is compared."""


def reference(rows: Sequence[Row], measure: str) -> float | None:
    """Return what ratios are to: the measure of the first row that has it."""
    return next((found for row in rows if (found := row.measure(measure)) is not None), None)


def table(rows: Sequence[Row], measure: str = "virtual_time") -> Table:
    """Return a table with a line for each row: choices, status, measures, and a bar.

    The ratio is to the first row that ended well; the least value stands out.
    """
    shown = [measure, *(name for name in BESIDE if name != measure and _any(rows, name))]
    several = any(len(row.trials) > 1 for row in rows)
    failed = any(row.error for row in rows)
    made = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name in rows[0].choices:
        made.add_column(name)
    made.add_column("Status", justify="right")
    made.add_column(MEASURES[measure].title, justify="right")
    if several:
        made.add_column("Least .. most", justify="right")
    made.add_column("Ratio", justify="right")
    for name in shown[1:]:
        made.add_column(MEASURES[name].title, justify="right")
    made.add_column("", min_width=BAR, max_width=BAR)
    if failed:
        made.add_column("Error")
    found = [value for row in rows if (value := row.measure(measure)) is not None]
    first = reference(rows, measure)
    for row in rows:
        value = row.measure(measure)
        style = "bold green" if value is not None and value == min(found) else ""
        made.add_row(
            *(Text(choice) for choice in row.choices.values()),
            Text(str(row.status), "bold red" if row.error else ""),
            Text(_written(row, measure), style),
            *([Text(_spread(row, measure))] if several else []),
            Text(_ratio(value, first)),
            *(Text(_written(row, name)) for name in shown[1:]),
            "" if value is None else Bar(max(found) or 1.0, 0, value, width=BAR),
            *([Text(row.error or "", "red")] if failed else []),
        )
    return made


def _any(rows: Sequence[Row], measure: str) -> bool:
    return any(row.values(measure) for row in rows)


def _written(row: Row, name: str) -> str:
    value = row.measure(name)
    return "" if value is None else MEASURES[name].write(value)


def _spread(row: Row, name: str) -> str:
    values, write = row.values(name), MEASURES[name].write
    return f"{write(min(values))} .. {write(max(values))}" if values else ""


def _ratio(value: float | None, first: float | None) -> str:
    return "" if value is None or not first else f"{value / first:.3f}"


def write_csv(rows: Sequence[Row], file: TextIO) -> None:
    """Write a line for each run, with all measures as plain numbers: seconds, bytes, counts."""
    names = list(rows[0].choices)
    writer = csv.writer(file, lineterminator="\n")
    plain = [name for name in ("seed", "status", *MEASURES, "error") if name not in names]
    writer.writerow([*names, *plain])
    for row in rows:
        for trial in row.trials:
            told = {
                "seed": trial.seed,
                "status": trial.status,
                **trial.measures,
                "error": trial.error or "",
            }
            writer.writerow(
                [*row.choices.values(), *(_plain(told.get(name, "")) for name in plain)]
            )


def _plain(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)
