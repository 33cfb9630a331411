"""What nodes do, as pictures show it: a colour and a glyph for each activity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from vmpp.service.status import Activity, NodeStatus
from vmpp_shell.views.canvas import Cell


class Look(NamedTuple):
    """How an activity looks: in Unicode, in ASCII, and the name of its style."""

    glyph: str
    plain: str
    style: str


LOOKS: Final = {
    Activity.COMPUTE: Look("●", "#", "bold green"),
    Activity.KERNEL: Look("◆", "k", "bold magenta"),
    Activity.READY: Look("◌", "r", "cyan"),
    Activity.WAITING: Look("○", "-", "yellow"),
    Activity.IDLE: Look("·", ".", "dim"),
    Activity.NONE: Look("✗", "x", "bold red"),
}
WORDS: Final = {
    Activity.COMPUTE: "compute",
    Activity.KERNEL: "kernel",
    Activity.READY: "ready",
    Activity.WAITING: "waiting",
    Activity.IDLE: "idle",
    Activity.NONE: "down",
}


def glyph(activity: Activity, *, ascii_only: bool) -> Cell:
    """Return what stands for an activity, with its style."""
    look = LOOKS[activity]
    return (look.plain if ascii_only else look.glyph), look.style


def counts(nodes: Iterable[NodeStatus]) -> Counter[Activity]:
    """Return how many of *nodes* do what."""
    return Counter(node.activity for node in nodes)


def by_job(nodes: Iterable[NodeStatus]) -> dict[int, Counter[Activity]]:
    """Return how many nodes of each job do what; jobs that share one do different things there."""
    found: dict[int, Counter[Activity]] = {}
    for node in nodes:
        own = {process.job: process.activity for process in node.processes}
        for job in node.jobs:
            does = own.get(job, Activity.IDLE) if len(node.jobs) > 1 else node.activity
            found.setdefault(job, Counter())[does] += 1
    return found


def legend(nodes: Iterable[NodeStatus], *, ascii_only: bool) -> list[Cell]:
    """Return every activity with its glyph, and how many of *nodes* are about it."""
    found = counts(nodes)
    cells: list[Cell] = []
    for activity, word in WORDS.items():
        if activity is Activity.READY:
            # A node is never about that.
            continue
        cells += [glyph(activity, ascii_only=ascii_only), (f" {found[activity]} {word}   ", "none")]
    return cells


def bar(nodes: Iterable[NodeStatus], width: int, *, ascii_only: bool) -> list[Cell]:
    """Return a bar of *width* characters, divided as the nodes' activities are."""
    found = counts(nodes)
    whole = sum(found.values())
    cells: list[Cell] = []
    done = drawn = 0
    for activity in WORDS:
        done += found[activity]
        until = width * done // whole if whole else 0
        look = LOOKS[activity]
        piece = look.plain if ascii_only or activity is Activity.IDLE else "█"
        cells.append((piece * (until - drawn), look.style))
        drawn = until
    return cells
