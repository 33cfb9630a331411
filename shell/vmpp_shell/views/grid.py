"""Where nodes stand in a picture: planes of cells, by the coordinates of the topology."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from vmpp.service.status import NodeStatus

ROW: Final = 64
"""The most nodes in a row where a topology has no places, but numbers."""
SLIM: Final = 8
"""How many times as high as wide a plane is at the most; otherwise numbers are shown, too."""
HIGH: Final = 24
"""Rows that a plane can have in any case."""


@dataclass(slots=True)
class Plane:
    """Cells in rows and columns.

    Attributes:
        title: which plane it is; empty if there is but one.
        columns, rows: how many there are.
        nodes: those that there are, by column and row.
        labels: what stands before each row.
    """

    title: str
    columns: int
    rows: int
    nodes: dict[tuple[int, int], NodeStatus] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)


def planes(nodes: Sequence[NodeStatus], width: int) -> list[Plane]:
    """Lay *nodes* out, for a picture of which a row holds *width* cells if it can be chosen.

    The first two coordinates are column and row, and others say in which plane. Nodes that have no
    place but a number stand in rows, each of which begins with the number of its first node; so do
    those of a single plane that would be very high and slim.
    """
    if not nodes:
        return []
    if min(len(node.place) for node in nodes) < 2:
        return [_rows(nodes, width)]
    columns = max(node.place[0] for node in nodes) + 1
    rows = max(node.place[1] for node in nodes) + 1
    flat = max(len(node.place) for node in nodes) == 2
    if flat and rows > max(HIGH, SLIM * columns):
        return [_rows(nodes, width)]
    labels = [str(row) for row in range(rows)]
    found: dict[tuple[int, ...], Plane] = {}
    for node in nodes:
        column, row, *others = node.place
        key = tuple(others)
        plane = found.get(key)
        if plane is None:
            title = ", ".join(
                f"{axis} = {place}" for axis, place in zip(_axes(len(key)), key, strict=True)
            )
            plane = found[key] = Plane(title, columns, rows, labels=labels)
        plane.nodes[column, row] = node
    return [found[key] for key in sorted(found)]


def _axes(others: int) -> list[str]:
    """Return what the coordinates after the first two are called."""
    return ["z"] if others == 1 else [f"x{number + 3}" for number in range(others)]


def _rows(nodes: Sequence[NodeStatus], width: int) -> Plane:
    last = max(node.number for node in nodes)
    columns = 1
    while columns * 2 <= min(width, ROW):
        columns *= 2
    columns = min(columns, last + 1)
    rows = last // columns + 1
    plane = Plane("", columns, rows, labels=[str(row * columns) for row in range(rows)])
    for node in nodes:
        row, column = divmod(node.number, columns)
        plane.nodes[column, row] = node
    return plane
