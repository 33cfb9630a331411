"""Scheduling of a node's processes: the mechanism's questions to the policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vmpp.kernel import Process


class SchedulingPolicy(Protocol):
    """Says how many processes a node takes, and which of those that are ready runs, how long.

    The process control thread keeps the queue of ready processes, in the order in which they became
    so. One that has the CPU keeps it until it waits, sleeps or ends, or until the policy is asked
    again and chooses another; while nobody else is ready it is not asked. Times are virtual, in
    picoseconds. A policy is called from the event queue: it may look at processes (`job`, with `id`
    and `priority`, `rank`, `ready_since`), and may not change or block anything. If it raises, or
    answers what cannot be, that ends the processes of the node with a report of it.

    Attributes:
        multitasking: whether a node may have several processes at a time. If not, only `admit` is
            ever asked.
        asked_alone: optional, False by default: whether it is asked also about a process that has
            its node to itself, and may make it wait. Without that such a process costs nothing.
        observer: optional: a `DispatchObserver`, who is told what becomes of the node's processes.

    One that coordinates the nodes (see `vmpp.service.Coordinator`) has an operation more,
    ``strobe(row: int | None, now: int) -> None``: from now on it is the turn of the jobs that stand
    in that `row`, or, if it is None, of none that has processes here. `choose` is asked afterwards.
    """

    multitasking: bool

    def admit(self, loaded: int) -> str | None:
        """Return None if one more process may be loaded beside *loaded* ones, or why not."""
        ...

    def choose(self, ready: Sequence[Process], now: int) -> int | None:
        """Return the index of the one of *ready*, never empty, that has the CPU next.

        The one that has it now, if any, stands last. None: the CPU idles until another process
        becomes ready or somebody calls `Dispatcher.reconsider`.
        """
        ...

    def until(self, process: Process, now: int) -> int | None:
        """Return when *process*, which has the CPU from *now* on, is to be given up for others.

        That is a time after *now*; `choose` is asked then if others are ready, or as soon as one
        is. None: when it waits.
        """
        ...

    def preempts(self, arrived: Process, running: Process, now: int) -> bool:
        """Return whether to `choose` anew, because *arrived* has become ready, and at once."""
        ...
