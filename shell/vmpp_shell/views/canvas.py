"""Lines of characters with styles, drawn as few pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Final

from rich.console import Console
from rich.segment import Segment
from rich.style import Style

BETWEEN: Final = 3
"""Columns between blocks side by side."""

Cell = tuple[str, str]
"""Text, and rich's name of its style; empty for none."""


def line(cells: Iterable[Cell], console: Console, styles: dict[str, Style]) -> Iterator[Segment]:
    """Draw *cells* as one line, those next to each other in one piece that look alike.

    Args:
        styles: those that have been looked up already, by name.
    """
    text, current = "", ""
    for piece, name in cells:
        if name == current or piece.isspace():
            text += piece
            continue
        if text:
            yield Segment(text, _style(current, console, styles))
        text, current = piece, name
    text = text.rstrip()
    if text:
        yield Segment(text, _style(current, console, styles))
    yield Segment.line()


def arrange(blocks: Sequence[list[list[Cell]]], width: int) -> Iterator[list[Cell]]:
    """Put blocks of lines side by side as far as *width* allows, and others below these."""
    group: list[list[list[Cell]]] = []
    used = 0
    for block in blocks:
        across = _across(block) + BETWEEN
        if group and used + across - BETWEEN > width:
            yield from _beside(group)
            yield []
            group, used = [], 0
        group.append(block)
        used += across
    yield from _beside(group)


def _across(block: list[list[Cell]]) -> int:
    return max((_length(cells) for cells in block), default=0)


def _length(cells: list[Cell]) -> int:
    return sum(len(text) for text, _ in cells)


def _beside(group: list[list[list[Cell]]]) -> Iterator[list[Cell]]:
    if len(group) == 1:
        yield from group[0]
        return
    widths = [_across(block) for block in group]
    for lines in zip_longest(*group, fillvalue=[]):
        joined: list[Cell] = []
        for cells, across in zip(lines, widths, strict=True):
            joined += [*cells, (" " * (across - _length(cells) + BETWEEN), "")]
        yield joined


def _style(name: str, console: Console, styles: dict[str, Style]) -> Style | None:
    if not name:
        return None
    found = styles.get(name)
    if found is None:
        found = styles[name] = console.get_style(name)
    return found
