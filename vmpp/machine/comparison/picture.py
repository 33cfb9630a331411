"""The picture of a comparison: lines over what is a scale, or bars."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf, log10
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vmpp.errors import VmppError, suggestion
from vmpp.machine.comparison.measures import MEASURES
from vmpp.machine.comparison.scales import Place, scale, title
from vmpp.machine.plugins import Plugins

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from vmpp.machine.comparison.comparing import Row

COLOURS: Final = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442",
)  # fmt: skip
"""Colours that the colour-blind can tell apart (Okabe and Ito, 2008)."""
STYLES: Final = ("-", "--", ":", "-.")
"""How lines are drawn in turn, when there are more of them than colours."""
HATCHES: Final = ("", "////", "....", "xxxx")
"""How bars are filled in turn, when there are more kinds of them than colours."""
SUFFIXES: Final = (".png", ".svg", ".pdf")
CLOSE: Final = 0.09
"""Part of a scale that a label needs to stand beside others."""
NEAR: Final = 0.04
"""Part of a scale that is left free below values that are nearer to 0."""
DECADE: Final = 8.0
"""Ratio of the ends of a scale from which on it is logarithmic."""


class PictureError(VmppError):
    """There cannot be such a picture."""


def check_path(path: str | PathLike[str]) -> Path:
    """Return the path of a picture. Raises PictureError: it says no format, or cannot be there."""
    found = Path(fspath(path))
    if found.suffix not in SUFFIXES:
        raise PictureError(
            f"{str(found)!r} names no picture{suggestion(found.suffix, SUFFIXES)} "
            f"(there is: {', '.join(SUFFIXES)})"
        )
    if not found.parent.is_dir():
        raise PictureError(f"there is no folder {str(found.parent)!r} for the picture")
    return found


def draw(
    rows: Sequence[Row],
    path: str | PathLike[str],
    *,
    measure: str = "virtual_time",
    heading: str = "",
) -> None:
    """Draw the *measure* of *rows*, into a file whose suffix says in which format.

    What varies as a number is drawn as lines over that, such as run time over quantum; anything
    else as bars. Where there are several seeds, a mark goes from the least value to the most.

    Raises:
        PictureError: there is no such format, or the file cannot be written.
    """
    from matplotlib import rc_context  # noqa: PLC0415 - takes half a second
    from matplotlib.figure import Figure  # noqa: PLC0415 - likewise

    found = check_path(path)
    # What is drawn is the same on every host and at every time, in its text formats, too.
    with rc_context({"svg.hashsalt": "vmpp", "font.size": 10, "axes.titlesize": 11}):
        figure = Figure(layout="constrained")
        axes = figure.add_subplot()
        over = _scale(rows)
        if over is None:
            _bars(axes, rows, measure)
        else:
            _lines(axes, rows, measure, *over)
        axes.set_title(heading)
        axes.spines[["top", "right"]].set_visible(False)
        figure.set_size_inches(*_size(rows, over is None))
        try:
            figure.savefig(found, dpi=150, metadata=_METADATA[found.suffix])
        except OSError as error:
            raise PictureError(f"{found}: {error.strerror}") from error


_METADATA: Final[dict[str, dict[str, None]]] = {
    ".png": {},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
"""What is left out of a file, as it would not be the same tomorrow."""


def _size(rows: Sequence[Row], bars: bool) -> tuple[float, float]:
    """Return width and height in inches: bars need room for what stands beside them."""
    return (7.5, max(2.5, 1.2 + 0.28 * len(rows))) if bars else (7.5, 4.5)


def _label(row: Row, without: str = "") -> str:
    return ", ".join(
        value if name in _PLAIN else f"{name} {value}"
        for name, value in row.choices.items()
        if name != without
    )


_PLAIN: Final = frozenset(("pct", "mode", "noise", "topology", "timing", "allocator", "queue",
                           "machine"))  # fmt: skip


def _scale(rows: Sequence[Row]) -> tuple[str, dict[str, Place]] | None:
    """Return what varies as a number, the one with the most values, with the places of these."""
    best: tuple[str, dict[str, Place]] | None = None
    for name in rows[0].choices:
        values = list(dict.fromkeys(row.choices[name] for row in rows))
        places = scale(name, values) if len(values) > 1 else None
        if places is not None and (best is None or len(places) > len(best[1])):
            best = (name, places)
    return best


# -- lines ---------------------------------------------------------------------------------------


def _lines(
    axes: Axes, rows: Sequence[Row], measure: str, name: str, places: dict[str, Place]
) -> None:
    lines: dict[str, list[tuple[float, Row]]] = {}
    for row in rows:
        place = places[row.choices[name]]
        label = ", ".join(filter(None, (place.line, _label(row, name))))
        lines.setdefault(label, []).append((place.number, row))
    for number, (label, points) in enumerate(lines.items()):
        style = STYLES[number // len(COLOURS) % len(STYLES)]
        _line(axes, points, measure, COLOURS[number % len(COLOURS)], style, label)
    _along(axes, name, places)
    found = [value for row in rows for value in row.values(measure)]
    if min(found, default=0.0) >= 0:
        highest = max(found, default=0.0)
        top = 1.08 * highest if highest > 0 else 1.0
        # A point at 0 must not lie on the frame.
        axes.set_ylim(0 if min(found, default=top) > NEAR * top else -NEAR * top, top)
    axes.yaxis.set_major_formatter(_formatter(measure))
    axes.set_ylabel(MEASURES[measure].title)
    axes.grid(alpha=0.3)
    if any(lines):
        axes.legend(frameon=False)


def _line(
    axes: Axes,
    points: Sequence[tuple[float, Row]],
    measure: str,
    colour: str,
    style: str,
    label: str,
) -> None:
    there = sorted(
        (at, value, _spread(row, measure))
        for at, row in points
        if (value := row.measure(measure)) is not None
    )
    if not there:
        # It is told of all the same.
        axes.plot([], [], color=colour, linestyle=style, marker="x", label=f"{label} (failed)")
        return
    ats, values, spreads = zip(*there, strict=True)
    axes.plot(
        ats, values, color=colour, linestyle=style, marker="o", markersize=4, label=label
    )  # fmt: skip
    if any(map(any, spreads)):
        axes.errorbar(
            ats, values, yerr=list(zip(*spreads, strict=True)), color=colour, fmt="none", capsize=3
        )


def _along(axes: Axes, name: str, places: dict[str, Place]) -> None:
    """Set up the scale that lines go along, with a tick at every value."""
    ticks = {place.number: place.written for place in places.values()}
    least, most = min(ticks), max(ticks)
    logarithmic = least > 0 and most / least >= DECADE
    if logarithmic:
        axes.set_xscale("log")
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.set_xticks([], minor=True)
    along = sorted(log10(tick) if logarithmic else tick for tick in ticks)
    closest = min((after - before for before, after in pairwise(along)), default=inf)
    if closest < CLOSE * (along[-1] - along[0]):
        axes.tick_params(axis="x", labelrotation=60)
    axes.set_xlabel(title(name, places, Plugins.installed()))


# -- bars ----------------------------------------------------------------------------------------


def _bars(axes: Axes, rows: Sequence[Row], measure: str) -> None:
    """Draw a bar for each row, from above, those that differ in the last choice side by side."""
    names = list(rows[0].choices)
    last = names[-1]
    grouped = len(names) > 1
    series = list(dict.fromkeys(row.choices[last] for row in rows)) if grouped else [""]
    ticks: dict[str, list[float]] = {}
    at = 0.0
    for number, row in enumerate(rows):
        group = _label(row, last) if grouped else _label(row)
        if grouped and number and group not in ticks:
            at += 0.6
        ticks.setdefault(group, []).append(at)
        _bar(axes, at, row, measure, series.index(row.choices[last]) if grouped else 0)
        at += 1.0
    axes.set_yticks([sum(places) / len(places) for places in ticks.values()], list(ticks))
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(at - 0.4, -0.6)
    axes.margins(x=0.18)
    if axes.get_xlim()[0] >= 0 or axes.dataLim.x0 >= 0:
        axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(_formatter(measure))
    axes.set_xlabel(MEASURES[measure].title)
    if grouped:
        _legend(axes, last, series)


def _fill(number: int) -> dict[str, Any]:
    """Return how bars of so manieth kind are filled, in Matplotlib's words."""
    hatch = HATCHES[number // len(COLOURS) % len(HATCHES)]
    return {"facecolor": COLOURS[number % len(COLOURS)], "edgecolor": "white", "hatch": hatch}


def _bar(axes: Axes, at: float, row: Row, measure: str, kind: int) -> None:
    value = row.measure(measure)
    if value is None:
        axes.annotate(" failed", (0, at), va="center", color="#B00020", fontsize=9)
        return
    low, high = _spread(row, measure)
    axes.barh(at, value, height=0.85, linewidth=0, **_fill(kind))
    if low or high:
        axes.errorbar(value, at, xerr=[[low], [high]], color="#333333", capsize=3)
    axes.annotate(
        MEASURES[measure].write(value), (value + high, at), xytext=(4, 0),
        textcoords="offset points", va="center", fontsize=9,
    )  # fmt: skip


def _legend(axes: Axes, title: str, series: Sequence[str]) -> None:
    from matplotlib.patches import Patch  # noqa: PLC0415 - takes half a second with the others

    axes.legend(
        handles=[
            Patch(linewidth=0, label=label, **_fill(number))
            for number, label in enumerate(series)
        ],
        title=title, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0),
    )  # fmt: skip


def _spread(row: Row, measure: str) -> tuple[float, float]:
    """Return how far the least and the most of all runs are from their mean."""
    values, mean = row.values(measure), row.measure(measure) or 0.0
    return max(0.0, mean - min(values)), max(0.0, max(values) - mean)


def _formatter(measure: str) -> Any:
    from matplotlib.ticker import EngFormatter  # noqa: PLC0415 - likewise

    return EngFormatter(unit=MEASURES[measure].unit)
