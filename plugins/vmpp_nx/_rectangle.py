"""The rectangle of nodes that an application has, if it is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmpp_nx._state import State


def rectangle(state: State) -> tuple[int, int]:
    """Return height and width of the rectangle that the nodes form; one row if they form none."""
    size = state.size
    places = state.process.job.machine.node_map
    if places is None:
        return 1, size
    application = state.application
    nodes = state.process.job.nodes if application is None else application.nodes
    where = [tuple(places.place(node)) for node in nodes]
    if len(where[0]) != 2:
        return 1, size
    (left, top), (right, bottom) = where[0], where[-1]
    width, height = right - left + 1, bottom - top + 1
    if width < 1 or width * height != size:
        return 1, size
    for rank, place in enumerate(where):
        if place != (left + rank % width, top + rank // width):
            return 1, size
    return height, width
