"""Processes that share the CPU of a node, and what an observer sees of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from vmpp.kernel import Process

START = 1_000_000
"""When all processes are loaded and begin to do what a test is about."""


class Interval(NamedTuple):
    """The CPU had been switched to, or was with, the process of a job."""

    what: str
    job: int
    begin: int
    end: int


@dataclass
class Timeline:
    """Notes who has the CPU when; jobs by their number."""

    intervals: list[Interval] = field(default_factory=list)
    told: list[tuple[str, int, int]] = field(default_factory=list)
    _open: tuple[str, int, int] | None = None

    def became_ready(self, process: Process, when: int) -> None:
        self.told.append(("ready", process.job.id, when))

    def switches(self, process: Process, when: int) -> None:
        self.told.append(("switches", process.job.id, when))
        self._close(when)
        self._open = "switch", process.job.id, when

    def runs(self, process: Process, when: int) -> None:
        self.told.append(("runs", process.job.id, when))
        self._close(when)
        self._open = "run", process.job.id, when

    def preempted(self, process: Process, when: int) -> None:
        self.told.append(("preempted", process.job.id, when))
        self._close(when)

    def blocked(self, process: Process, when: int) -> None:
        self.told.append(("blocked", process.job.id, when))
        self._close(when)

    def ended(self, process: Process, when: int) -> None:
        self.told.append(("ended", process.job.id, when))
        if self._open is not None and self._open[1] == process.job.id:
            self._close(when)

    def _close(self, when: int) -> None:
        if self._open is not None:
            what, job, begin = self._open
            self.intervals.append(Interval(what, job, begin, when))
            self._open = None

    def runs_of(self, job: int, since: int = START) -> list[tuple[int, int]]:
        """Return when a job had the CPU, from *since* on, counted from there."""
        return [
            (each.begin - since, each.end - since)
            for each in self.intervals
            if each.what == "run" and each.job == job and each.begin >= since
        ]

    def check(self) -> None:
        """Check that the CPU is with one process at a time."""
        for before, after in pairwise(self.intervals):
            assert before.begin <= before.end <= after.begin


Main = Callable[[Process], Any]


def together(
    cluster: Any,
    policy: Callable[[], Any],
    *mains: Main,
    priorities: Sequence[int] = (),
    meanwhile: Callable[[Any], object] = lambda machine: None,
    **options: Any,
) -> tuple[Timeline, Any]:
    """Run processes on one node which begin at `START`, to the end; return what was seen."""
    timeline = Timeline()
    machine = cluster(1, policy=policy, memory=1 << 20, **options)
    machine.threads[0].observe(timeline)

    def begins_at_start(main: Main) -> Main:
        def begin(process: Process) -> Any:
            process.sleep(START - process.clock)
            return main(process)

        return begin

    for main, priority in zip(mains, priorities or [0] * len(mains), strict=True):
        machine.launch(begins_at_start(main), 1).job.priority = priority
    meanwhile(machine)
    machine.engine.run()
    timeline.check()
    machine.assert_clean()
    return timeline, machine


def computes(*lengths: int) -> Main:
    """Return a program that computes for so long, again and again."""

    def main(process: Process) -> None:
        for length in lengths:
            process.compute(length)

    return main
