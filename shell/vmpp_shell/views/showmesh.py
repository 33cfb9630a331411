"""The machine as ``showmesh`` shows it: a character a node, as on Cplant and ASCI Red.

Service nodes, dead ones, free ones, and letters for the jobs that have the others; then the jobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

from vmpp.service.status import Activity, JobStatus, NodeState, NodeStatus
from vmpp_shell.views import canvas, jobs
from vmpp_shell.views.canvas import Cell
from vmpp_shell.views.grid import Plane, planes
from vmpp_shell.views.letters import letters, place
from vmpp_shell.views.listing import Column, Listing

SERVICE: Final = "S"
IO: Final = "I"
NOWHERE: Final = "?"
DEAD: Final = "X"
ALLOCATED: Final = "+"
HELD: Final = "="
STALE: Final = "-"
FREE: Final = "*"
LEGEND: Final = (
    (SERVICE, "service node"),
    (IO, "I/O node"),
    (FREE, "free"),
    (ALLOCATED, "allocated (no job yet)"),
    (HELD, "held without a rank"),
    (STALE, "stale"),
    (DEAD, "dead"),
    (NOWHERE, "non-existent"),
    ("a..z, aa..", "jobs"),
)
STYLES: Final = {
    SERVICE: "blue",
    IO: "blue",
    NOWHERE: "dim",
    DEAD: "bold red",
    ALLOCATED: "yellow",
    HELD: "yellow",
    STALE: "red",
    FREE: "dim",
}
COLOURS: Final = (
    "green", "cyan", "magenta", "yellow", "bright_blue", "bright_green", "bright_magenta",
    "bright_cyan", "bright_yellow", "bright_red",
)  # fmt: skip
"""Of the letters of jobs, in turn."""
BESIDE: Final = "/"
"""Between the letters of jobs that share a node."""
_UNKNOWN: Final = "#"
"""Stands for a job that nothing is known of yet."""


def symbol(node: NodeStatus, letter: Mapping[int, str]) -> str:
    """Return the character, or letters, for *node*; *letter* has those of jobs.

    Jobs that share it have their letters one after the other, in the order of their rows.
    """
    if node.state is NodeState.DOWN:
        return DEAD
    if node.activity is Activity.NONE:
        return STALE
    if node.partition != jobs.PARTITION:
        return SERVICE if node.partition == "service" else IO
    if node.state is NodeState.FREE:
        return FREE
    if node.state is NodeState.ALLOCATED:
        return HELD if node.rank < 0 and node.job in letter else ALLOCATED
    return BESIDE.join(letter.get(job, _UNKNOWN) for job in node.jobs)


def style(text: str, styles: Mapping[str, str]) -> str:
    """Return the style of a symbol: of several letters, that of the first."""
    return styles.get(text.partition(BESIDE)[0], "")


def colours(letter: Mapping[int, str]) -> dict[str, str]:
    """Return the style of each symbol, those of jobs included."""
    places = {text: COLOURS[place(text) % len(COLOURS)] for text in letter.values()}
    return {**STYLES, **places}


class Showmesh:
    """The picture, the legend, how many nodes are free, and the table of jobs."""

    def __init__(self, nodes: Sequence[NodeStatus], running: Sequence[JobStatus], now: int) -> None:
        """Draw *nodes*, and those of the jobs that have some at time *now* (picoseconds)."""
        self._nodes = nodes
        self._jobs = jobs.live(running)
        self._letters = letters(job.id for job in self._jobs)
        self._styles = colours(self._letters)
        self._symbols = {symbol(node, self._letters) for node in nodes}
        self._cell = max(map(len, self._symbols | {NOWHERE}))
        self._now = now

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        widest = max((self._across(plane, 1) for plane in planes(self._nodes, 64)), default=0)
        table = Measurement.get(console, options, self._table())
        return Measurement(20, max(widest, table.maximum, 20))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        styles: dict[str, Style] = {}
        width = options.max_width
        found = planes(self._nodes, self._most(width))
        blocks = [list(self._drawn(plane, width)) for plane in found]
        for cells in canvas.arrange(blocks, width):
            yield from canvas.line(cells, console, styles)
        yield Segment.line()
        for cells in legend(width, self._styles, held=HELD in self._symbols):
            yield from canvas.line(cells, console, styles)
        yield Segment.line()
        free = sum(
            node.state is NodeState.FREE and node.partition == jobs.PARTITION
            and node.activity is not Activity.NONE
            for node in self._nodes
        )  # fmt: skip
        yield Segment(f"Available nodes: {free}")
        yield Segment.line()
        held = sum(symbol(node, self._letters) == HELD for node in self._nodes)
        if held:
            yield Segment(f"Held without a rank: {held}")
            yield Segment.line()
        if self._jobs:
            yield Segment.line()
            yield self._table()

    # -- the cells -----------------------------------------------------------------------------

    def _most(self, width: int) -> int:
        """Return how many cells fit into a line, with a gap after each."""
        label = len(str(len(self._nodes)))
        return max(1, (width - label - 1) // (self._cell + 1))

    def _across(self, plane: Plane, gap: int) -> int:
        """Return how wide a plane is drawn."""
        label = max(map(len, plane.labels), default=0)
        return label + 1 + plane.columns * (self._cell + gap)

    def _drawn(self, plane: Plane, width: int) -> Iterator[list[Cell]]:
        """Draw a plane, without gaps if it is too wide, and in parts if it still is."""
        gap = 1 if self._across(plane, 1) - 1 <= width else 0
        label = max(map(len, plane.labels), default=0)
        most = max(1, (width - label - 1) // (self._cell + gap))
        for first in range(0, plane.columns, most):
            if first:
                yield []
            yield from self._block(plane, range(first, min(plane.columns, first + most)), gap)

    def _block(self, plane: Plane, columns: range, gap: int) -> Iterator[list[Cell]]:
        """Draw some columns of a plane, with their numbers above and those of rows before."""
        label = max(map(len, plane.labels), default=0)
        space = " " * gap
        if plane.title:
            yield [(plane.title, "bold")]
        for cells in _numbers(columns, self._cell, space):
            yield [(" " * (label + 1), ""), *cells]
        for row in range(plane.rows):
            cells = [(f"{plane.labels[row]:>{label}} ", "dim")]
            for column in columns:
                node = plane.nodes.get((column, row))
                text = NOWHERE if node is None else symbol(node, self._letters)
                cells.append((f"{text:{self._cell}}{space}", style(text, self._styles)))
            yield cells

    # -- the table -----------------------------------------------------------------------------

    def _table(self) -> Listing[JobStatus]:
        columns: list[Column[JobStatus]] = [
            Column("", lambda job: self._letters[job.id], style=lambda text: self._styles[text]),
            Column("Job ID", lambda job: str(job.id), right=True),
            Column("User", lambda job: job.user),
            Column("Size", lambda job: str(job.size), right=True),
            Column("Time", lambda job: jobs.time(job, self._now), right=True),
            Column("Distance", jobs.distance, right=True),
            Column("Command", lambda job: job.command or job.name),
        ]
        return Listing(columns, self._jobs, gap="  ", fold=False)


def _numbers(columns: range, cell: int, space: str) -> Iterator[list[Cell]]:
    """Write the numbers of columns above them: tens, where there are any, and units."""
    last = columns[-1] if columns else 0
    if last > 9:
        yield [
            (f"{str(column // 10) if not column % 10 else '':{cell}}{space}"[: cell + len(space)],
             "dim")
            for column in columns
        ]  # fmt: skip
    yield [(f"{column % 10!s:{cell}}{space}", "dim") for column in columns]


def legend(width: int, styles: Mapping[str, str], *, held: bool = False) -> Iterator[list[Cell]]:
    """Say what the symbols mean, in as many lines as that takes; `HELD` is seldom one of them."""
    cells: list[Cell] = []
    used = 0
    for text, meaning in LEGEND:
        if text == HELD and not held:
            continue
        length = len(text) + len(meaning) + 4
        if used and used + length > width:
            yield cells
            cells, used = [], 0
        cells += [(text, styles.get(text, "")), (f" {meaning}   ", "none")]
        used += length
    yield cells
