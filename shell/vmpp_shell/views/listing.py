"""Tables of one line a row, as Slurm's commands print them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment

from vmpp_shell.printable import printable

Row = TypeVar("Row")
_LEAST: Final = 16
"""Columns that what is folded has at the least."""
_INDENT: Final = 8
"""Where a cell begins that has a line of its own, since there is no room behind the others."""


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column of a table.

    Attributes:
        title: what stands above it.
        value: what stands in it, of a row's record.
        right: whether it is set flush right.
        style: rich's name of the style of a cell, of its text; empty for none.
        width: how wide it must be, where more is cut off; 0: as wide as what is in it.
    """

    title: str
    value: Callable[[Row], str]
    right: bool = False
    style: Callable[[str], str] | None = None
    width: int = 0


class Listing(Generic[Row]):
    """A table; on a terminal that is too narrow the last column is folded.

    Attributes:
        rows: the cells, by row and column.
    """

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        records: Iterable[Row],
        *,
        header: bool = True,
        rule: bool = False,
        gap: str = " ",
        fold: bool = True,
    ) -> None:
        """Make a table of *records*.

        Args:
            header: whether the titles stand above.
            rule: whether dashes stand below them, as in ``sacct``.
            gap: what is between two columns.
            fold: whether the last column is folded, or else cut off.
        """
        self._columns = columns
        self._gap = gap
        self._fold = fold
        self.rows = _cells(columns, records)
        self._header = [column.title for column in columns] if header else None
        shown = self.rows if self._header is None else [*self.rows, self._header]
        self._widths = [
            column.width or max((cell_len(row[place]) for row in shown), default=0)
            for place, column in enumerate(columns)
        ]
        self._rule = rule and header

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        whole = sum(self._widths) + len(self._gap) * max(0, len(self._widths) - 1)
        return Measurement(min(whole, _LEAST), max(1, whole))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._header is not None:
            yield from self._line(self._header, console, options, "bold")
        if self._rule:
            yield from self._line(["-" * width for width in self._widths], console, options)
        for row in self.rows:
            yield from self._line(row, console, options)

    def _line(
        self, row: Sequence[str], console: Console, options: ConsoleOptions, style: str = ""
    ) -> Iterator[Segment]:
        used = 0
        row = _without_empty_end(row)
        last = len(row) - 1
        for place, (text, column, width) in enumerate(
            zip(row, self._columns, self._widths, strict=False)
        ):
            named = style or (column.style(text) if column.style else "")
            drawn = console.get_style(named) if named else None
            if place:
                yield Segment(self._gap)
                used += len(self._gap)
            if place < last:
                yield Segment(_sized(text, width, column.right), drawn)
                used += width
                continue
            sized = column.right or column.width
            cell = _sized(text, width, column.right).rstrip() if sized else text
            if place == len(self._columns) - 1:
                yield from self._folded(cell, drawn, used, options.max_width)
            else:
                yield Segment(cell, drawn)
        yield Segment.line()

    def _folded(self, text: str, style: Any, used: int, most: int) -> Iterator[Segment]:
        """Draw the last cell, which begins in column *used*, in as many lines as it needs."""
        room, indent = most - used, used
        if not self._fold:
            yield Segment(set_cell_size(text, max(0, room)).rstrip(), style)
            return
        if room < min(_LEAST, cell_len(text)):
            yield Segment.line()
            yield Segment(" " * _INDENT)
            room, indent = max(1, most - _INDENT), _INDENT
        while cell_len(text) > room:
            piece = set_cell_size(text, room).rstrip()
            # Not even one character may fit, which is drawn then nevertheless.
            piece = piece[: piece.rfind(",") + 1] or piece or text[0]
            yield Segment(piece, style)
            yield Segment.line()
            yield Segment(" " * indent)
            text = text[len(piece) :]
            room = max(1, most - indent)
        yield Segment(text, style)


def _cells(columns: Sequence[Column[Row]], records: Iterable[Row]) -> list[list[str]]:
    return [[printable(column.value(record)) for column in columns] for record in records]


def _without_empty_end(row: Sequence[str]) -> Sequence[str]:
    count = len(row)
    while count and not row[count - 1]:
        count -= 1
    return row[:count]


def _sized(text: str, width: int, right: bool) -> str:
    """Return *text* as wide as that, cut off if need be."""
    if cell_len(text) >= width:
        return set_cell_size(text, width)
    padding = " " * (width - cell_len(text))
    return padding + text if right else text + padding


class Delimited(Generic[Row]):
    """A table for programs: titles and cells with a character between them, and no spaces."""

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        records: Iterable[Row],
        *,
        header: bool = True,
        delimiter: str = "|",
        end: str = "",
    ) -> None:
        rows = _cells(columns, records)
        if header:
            rows.insert(0, [column.title for column in columns])
        self._lines = [delimiter.join(row) + end for row in rows]

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        widest = max(map(cell_len, self._lines), default=1)
        return Measurement(1, max(1, widest))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self._lines:
            yield Segment(line)
            yield Segment.line()
