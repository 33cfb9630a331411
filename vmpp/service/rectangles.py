"""Where a job's nodes are to be: in a set of nodes, in a rectangle of a two-dimensional mesh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Shape: TypeAlias = tuple[int, int]
"""Rows and columns."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a job's nodes are to be.

    Attributes:
        within: numbers of nodes that they are to be among; empty: all will do.
        shape: rows and columns of the rectangle that they are to be; None: it need not be one.
        corner: the node that is to be its lowest corner; -1: any.
    """

    within: tuple[int, ...] = ()
    shape: Shape | None = None
    corner: int = -1

    def narrowed(self, nodes: Sequence[int]) -> Sequence[int]:
        """Return those of *nodes*, which are sorted, that will do."""
        if not self.within:
            return nodes
        among = set(self.within)
        return [node for node in nodes if node in among]


ANYWHERE: Final = Site()
"""All will do."""


def rectangle(
    nodes: Sequence[int],
    shape: Shape,
    coordinates: Callable[[int], Sequence[int]],
    corner: int = -1,
) -> tuple[int, ...] | None:
    """Return the first rectangle of *nodes*, row by row; the one at *corner*, unless that is -1.

    The first is the one whose lowest corner has the lowest number. Places are (column, row).

    Returns:
        None if there is none, as in a network of other than two dimensions.
    """
    rows, columns = shape
    places = {tuple(coordinates(node)): node for node in nodes}
    if rows < 1 or columns < 1 or any(len(place) != 2 for place in places):
        return None
    for each in sorted(nodes):
        if corner not in (-1, each):
            continue
        left, top = coordinates(each)
        cells = [(left + x, top + y) for y in range(rows) for x in range(columns)]
        if all(cell in places for cell in cells):
            return tuple(places[cell] for cell in cells)
    return None
