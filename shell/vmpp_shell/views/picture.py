"""A picture of the machine that moves: who has which nodes, what they do, what links carry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style

from vmpp.service.status import JobStatus, NodeStatus
from vmpp_shell.printable import printable
from vmpp_shell.views import activity, canvas, jobs
from vmpp_shell.views.canvas import Cell
from vmpp_shell.views.durations import elapsed
from vmpp_shell.views.grid import Plane, planes
from vmpp_shell.views.letters import Lettering
from vmpp_shell.views.links import LinkUse
from vmpp_shell.views.showmesh import NOWHERE, colours, style, symbol

AROUND: Final = 5
"""Lines besides the machine and the jobs: heading, legends, and the space between."""
LEAST_JOBS: Final = 3
"""Lines that jobs have at the least."""


class Picture:
    """One frame. It takes the form that fits: the more room, the more is drawn of each node.

    With links between nodes, or with their load beside nodes, or with one character a node, or with
    one character for several nodes.
    """

    def __init__(
        self,
        nodes: Sequence[NodeStatus],
        known: Sequence[JobStatus],
        now: int,
        use: LinkUse | None = None,
        *,
        heading: str = "",
        lettering: Lettering | None = None,
    ) -> None:
        """Draw a frame.

        Args:
            nodes: all of them.
            known: jobs; those are drawn that have nodes.
            now: the time in picoseconds of virtual time.
            use: of links, since the last frame.
            heading: what stands before the time in the first line.
            lettering: what has given letters in earlier frames.
        """
        self._nodes = nodes
        self._jobs = jobs.live(known)
        self._letters = (lettering or Lettering()).of(job.id for job in self._jobs)
        self._styles = colours(self._letters)
        self._cell = max((len(symbol(node, self._letters)) for node in nodes), default=1)
        self._now = now
        self._use = LinkUse() if use is None else use
        self._heading = heading

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        styles: dict[str, Style] = {}
        width = options.max_width
        height = options.height or 0
        room = max(1, height - AROUND - min(len(self._jobs) + 1, LEAST_JOBS)) if height else 0
        for cells in [
            self._first_line(),
            *self._machine(console, options, width, room),
            [],
            *_fitted(activity.legend(self._nodes, ascii_only=options.ascii_only), width),
            self._use.words(ascii_only=options.ascii_only),
        ]:
            yield from canvas.line(cells, console, styles)
        for cells in self._job_lines(width):
            yield from canvas.line(cells, console, styles)

    def _first_line(self) -> list[Cell]:
        name = f"{self._heading}   " if self._heading else ""
        return [(f"{name}{elapsed(self._now)}", "bold")]

    # -- the machine ---------------------------------------------------------------------------

    def _machine(
        self, console: Console, options: ConsoleOptions, width: int, room: int
    ) -> Iterator[list[Cell]]:
        """Draw all planes in the fullest form that fits in *room* lines; 0: any number."""
        found = planes(self._nodes, max(8, width // (self._cell + 2)))
        if not found:
            return
        plane = found[0]
        label = max(map(len, plane.labels)) + 1
        grid = all(len(node.place) == 2 for node in self._nodes)
        titles = int(len(found) > 1)
        for form in _GRIDS if grid else _OTHERS:
            across = label + (self._cell + form.beside) * plane.columns
            high = form.below * (plane.rows - 1) + 1 + titles
            if across <= width and (not room or _stacked(len(found), across, high, width) <= room):
                break
        else:
            if grid:
                yield from self._coarse(plane, width, room)
            else:
                yield from self._in_turn(width, room)
            return
        drawn = form(self, console.no_color or console.color_system is None, options.ascii_only)
        blocks = [
            [*([[(plane.title, "bold")]] if titles else []), *drawn.lines(plane, label)]
            for plane in found
        ]
        yield from canvas.arrange(blocks, width)

    def node(self, node: NodeStatus | None) -> Cell:
        """Return who has a node."""
        text = NOWHERE if node is None else symbol(node, self._letters)
        return f"{text:{self._cell}}", style(text, self._styles)

    @property
    def cell(self) -> int:
        """How many characters stand for who has a node."""
        return self._cell

    @property
    def use(self) -> LinkUse:
        """The use of links."""
        return self._use

    def _coarse(self, plane: Plane, width: int, room: int) -> Iterator[list[Cell]]:
        """Draw one character for the nodes of a square, so many that the plane fits."""
        step = 1
        while -(-plane.columns // step) > width or (room and -(-plane.rows // step) >= room):
            step += 1
        for top in range(0, plane.rows, step):
            cells = []
            for left in range(0, plane.columns, step):
                square = [
                    plane.nodes[column, row]
                    for row in range(top, top + step)
                    for column in range(left, left + step)
                    if (column, row) in plane.nodes
                ]
                cells.append(self._together(square))
            yield cells
        yield [(f"one character stands for {step} x {step} nodes", "dim")]

    def _in_turn(self, width: int, room: int) -> Iterator[list[Cell]]:
        """Draw one character for some nodes whose numbers follow on each other."""
        count = len(self._nodes)
        step = -(-count // (width * max(1, room - 1))) if room else 1
        cells = [
            self._together(self._nodes[first : first + step]) for first in range(0, count, step)
        ]
        for first in range(0, len(cells), width):
            yield cells[first : first + width]
        yield [(f"one character stands for {step} nodes", "dim")]

    def _together(self, nodes: Sequence[NodeStatus]) -> Cell:
        """Return the character of what most of *nodes* are, in the colour of what most do."""
        if not nodes:
            return " ", ""
        whose = Counter(symbol(node, self._letters) for node in nodes).most_common(1)[0][0]
        what = activity.counts(nodes).most_common(1)[0][0]
        return whose[0], activity.LOOKS[what].style

    # -- the jobs ------------------------------------------------------------------------------

    def _job_lines(self, width: int) -> Iterator[list[Cell]]:
        by_job = activity.by_job(self._nodes)
        for job in self._jobs:
            letter = self._letters[job.id]
            doing = " ".join(
                f"{activity.WORDS[what]} {number}"
                for what, number in sorted(
                    by_job.get(job.id, Counter()).items(), key=lambda item: (-item[1], item[0])
                )
            )
            text = (
                f" {job.id:>5} {job.user:8} {job.size:>5} "
                f"{elapsed(jobs.runtime(job, self._now)):>9}  {printable(jobs.name(job))}  {doing}"
            )
            yield [(letter, self._styles[letter]), (text[: width - len(letter)], "none")]


class _Form:
    """One way of drawing a plane.

    Attributes:
        beside: columns that a node takes besides those for who has it.
        below: lines from one row of nodes to the next.
    """

    beside = 0
    below = 1

    def __init__(self, picture: Picture, colourless: bool, ascii_only: bool) -> None:
        self.picture = picture
        self.colourless = colourless
        self.ascii_only = ascii_only

    def lines(self, plane: Plane, label: int) -> Iterator[list[Cell]]:
        """Draw a plane, with labels of rows in the first *label* columns."""
        for row in range(plane.rows):
            nodes = [plane.nodes.get((column, row)) for column in range(plane.columns)]
            below = [plane.nodes.get((column, row + 1)) for column in range(plane.columns)]
            cells: list[Cell] = [(f"{plane.labels[row]:>{label - 1}} ", "dim")]
            for place, node in enumerate(nodes):
                following = nodes[place + 1] if place + 1 < len(nodes) else None
                cells += self.cells(node, following)
            yield cells
            between = self.between(nodes, below) if row + 1 < plane.rows else []
            if between:
                yield [(" " * label, ""), *between]

    def cells(self, node: NodeStatus | None, following: NodeStatus | None) -> list[Cell]:
        """Draw a node, and what is between it and the *following* one."""
        raise AssertionError("every form says how")

    def between(
        self, nodes: Sequence[NodeStatus | None], below: Sequence[NodeStatus | None]
    ) -> list[Cell]:
        """Draw what is between two rows, if that has a line of its own."""
        return []


class _Linked(_Form):
    """Who has it, what it does, and the links to its neighbours."""

    beside = 2
    below = 2

    def cells(self, node: NodeStatus | None, following: NodeStatus | None) -> list[Cell]:
        if node is None:
            return [self.picture.node(None), ("  ", "")]
        doing = activity.glyph(node.activity, ascii_only=self.ascii_only)
        return [self.picture.node(node), doing, self._link(node, following)]

    def between(
        self, nodes: Sequence[NodeStatus | None], below: Sequence[NodeStatus | None]
    ) -> list[Cell]:
        cells: list[Cell] = []
        for node, other in zip(nodes, below, strict=True):
            cells += [self._link(node, other), (" " * (self.picture.cell + 1), "")]
        return cells

    def _link(self, node: NodeStatus | None, other: NodeStatus | None) -> Cell:
        if node is None or other is None:
            return " ", ""
        return self.picture.use.shade(node.number, other.number, ascii_only=self.ascii_only)


class _Apart(_Form):
    """Who has it, and what it does."""

    beside = 2

    def cells(self, node: NodeStatus | None, following: NodeStatus | None) -> list[Cell]:
        if node is None:
            return [self.picture.node(None), ("  ", "")]
        doing = activity.glyph(node.activity, ascii_only=self.ascii_only)
        return [self.picture.node(node), doing, (" ", "")]


class _Beside(_Form):
    """Who has it, in the colour of what it does, and the busiest of its links.

    Without colours what it does has the place of the links.
    """

    beside = 1

    def __init__(self, picture: Picture, colourless: bool, ascii_only: bool) -> None:
        super().__init__(picture, colourless, ascii_only)
        self._around = picture.use.around(ascii_only=ascii_only)

    def cells(self, node: NodeStatus | None, following: NodeStatus | None) -> list[Cell]:
        text, style = self.picture.node(node)
        if node is None:
            return [(text, style), (" ", "")]
        doing, colour = activity.glyph(node.activity, ascii_only=self.ascii_only)
        if self.colourless:
            return [(text, ""), (doing, "")]
        return [(text, colour), self._around.get(node.number, (" ", ""))]


class _Single(_Form):
    """Who has it, in the colour of what it does."""

    def cells(self, node: NodeStatus | None, following: NodeStatus | None) -> list[Cell]:
        text, style = self.picture.node(node)
        return [(text, style if node is None else activity.LOOKS[node.activity].style)]


_GRIDS: Final[tuple[type[_Form], ...]] = (_Linked, _Beside, _Single)
_OTHERS: Final[tuple[type[_Form], ...]] = (_Apart, _Single)
"""The forms that are tried, the fullest first: where neighbours are side by side, and elsewhere."""


def _stacked(planes: int, across: int, high: int, width: int) -> int:
    """Return how many lines *planes* blocks take, side by side as far as that goes."""
    beside = max(1, (width + canvas.BETWEEN) // (across + canvas.BETWEEN))
    groups = -(-planes // beside)
    return groups * (high + 1) - 1


def _fitted(cells: list[Cell], width: int) -> Iterator[list[Cell]]:
    """Divide cells, two of which belong together, into lines that fit."""
    lines: list[list[Cell]] = [[]]
    used = 0
    for glyph, words in zip(cells[::2], cells[1::2], strict=True):
        length = len(glyph[0]) + len(words[0].rstrip())
        if used and used + length > width:
            lines.append([])
            used = 0
        lines[-1] += [glyph, words]
        used += len(glyph[0]) + len(words[0])
    yield from lines
