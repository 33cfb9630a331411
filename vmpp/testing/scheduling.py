"""What every scheduling policy of the PCT must do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory
from typing import Any, Final

import trio
from hypothesis import strategies as st

from vmpp.engine import MICROSECOND, MILLISECOND, SECOND
from vmpp.errors import VmppError
from vmpp.kernel import Process
from vmpp.machine.boot import boot
from vmpp.machine.result import Result
from vmpp.pct import SchedulingPolicy
from vmpp.process.program import Program
from vmpp.quantities import DURATION
from vmpp.testing.rules import Story, look
from vmpp.testing.subjects import Subject, subject

EXAMPLES: Final = 12
"""How many sets of jobs are tried, unless said otherwise: a machine is booted for each."""

_MOST_JOBS: Final = 4

_MOST_TOLD: Final = 300_000
"""How much may happen to a few jobs until they are done: more than 100,000 turns are too many."""

_CROWDS: Final = 8
"""How many times a job is crowded by others, to see whether it gets its turn."""

_PROGRAM: Final = """
import sys, time
import vmpp

for step in sys.argv[1:]:
    what, _, picoseconds = step.partition("=")
    seconds = int(picoseconds) / 1e12
    vmpp.compute(seconds) if what == "compute" else time.sleep(seconds)
"""

_LENGTHS: Final = (
    MICROSECOND, 300 * MICROSECOND, MILLISECOND, 7 * MILLISECOND, 30 * MILLISECOND,
)  # fmt: skip
_STEPS: Final = st.lists(
    st.tuples(st.sampled_from(["compute", "sleep"]), st.sampled_from(_LENGTHS)),
    min_size=1,
    max_size=4,
)


def check_scheduling_policy(
    policy: str | Callable[..., SchedulingPolicy],
    *,
    fair: bool = True,
    patience: int = SECOND,
    examples: int = EXAMPLES,
) -> None:
    """Check a scheduling policy, with jobs that share a node of a machine.

    Args:
        policy: what chooses it, as in a machine file, or the factory that a plugin offers.
        fair: whether it promises that no process that could run waits for the CPU for ever.
        patience: how long a process waits at the most, in picoseconds, if so.
        examples: how many sets of jobs are tried.

    Raises:
        RuleBroken: it breaks a rule, which the message says, with the shortest example found.
    """
    checked = subject("pct", policy)
    longest = patience if fair else None

    def example(story: Story, draw: Callable[..., Any]) -> None:
        several = bool(story.ask("the factory", checked.choice).multitasking)
        jobs = draw(st.lists(_JOBS, min_size=1, max_size=_MOST_JOBS if several else 1))
        for number, job in enumerate(jobs, 1):
            story.tell(f"job {number}, {job}")
        _check_jobs(story, checked, jobs, longest)

    def crowd(story: Story, draw: Callable[..., Any]) -> None:
        if not checked.choice().multitasking:
            return
        hogs = draw(st.lists(_hogs(patience), min_size=2, max_size=2))
        jobs = draw(st.permutations([draw(_JOBS), *hogs]))
        for number, job in enumerate(jobs, 1):
            story.tell(f"job {number}, {job}")
        _check_jobs(story, checked, jobs, patience)

    look(str(checked), example, examples)
    if fair:
        look(str(checked), crowd, min(_CROWDS, examples))


@dataclass(frozen=True, slots=True)
class _Job:
    """A job of one process: what it does, and how urgent it is."""

    steps: Sequence[tuple[str, int]]
    priority: int

    def __str__(self) -> str:
        done = ", ".join(f"{what} {DURATION.write(length)}" for what, length in self.steps)
        return f"priority {self.priority}: {done}"


_JOBS: Final = st.builds(_Job, _STEPS, st.integers(0, 3))


def _hogs(patience: int) -> st.SearchStrategy[_Job]:
    """Return jobs that compute for longer than others may wait, at a stretch or in pieces."""
    whole = [("compute", patience + patience // 4)]
    pieces = [("compute", patience // 8 or 1), ("sleep", MICROSECOND)] * 10
    return st.builds(_Job, st.sampled_from([whole, pieces]), st.integers(0, 3))


def _check_jobs(story: Story, checked: Subject, jobs: Sequence[_Job], patience: int | None) -> None:
    """Run jobs on one node, twice, and look at what was seen."""
    seen, results = _played(story, checked, jobs)
    story.require(
        not seen.endless,
        "jobs get on with what they compute",
        f"they are not done after {sum(line.endswith(' runs') for line in seen.told)} turns",
    )
    for number, result in enumerate(results, 1):
        failure = (result.failure or "").strip()
        story.require(
            result.status == 0 or "takes no more processes" in failure,
            "every job runs to its end",
            f"job {number}: {failure}",
        )
    for line in seen.told:
        story.tell(line)
    seen.check(story, patience)
    again, _ = _played(story, checked, jobs)
    other = next(
        (pair for pair in zip(seen.told, again.told, strict=False) if len({*pair}) > 1), ()
    )
    story.require(
        again.told == seen.told,
        "the same jobs have the same turns",
        " was another time: ".join(other) or "another time there were more or less of them",
    )


def _played(
    story: Story, checked: Subject, jobs: Sequence[_Job]
) -> tuple[_Timeline, Sequence[Result]]:
    try:
        return trio.run(_play, checked, jobs)
    except VmppError as error:
        raise story.broken("programs run under it", str(error)) from error


async def _play(checked: Subject, jobs: Sequence[_Job]) -> tuple[_Timeline, Sequence[Result]]:
    """Run *jobs* on one node of a machine, and return what was seen and what became of them."""
    seen = _Timeline()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "program.py"
        path.write_text(_PROGRAM)
        async with boot(
            nodes=1, policies=checked.policies, level=max(2, len(jobs)), plugins=checked.plugins
        ) as machine:
            machine.threads[0].observe(seen)
            launched = []
            with machine.standing_still():
                for job in jobs:
                    steps = [f"{what}={length}" for what, length in job.steps]
                    program = Program.script(str(path), steps, folder, {})
                    launched.append(await machine.launch(program, 1, nodes=(0,)))
                    launched[-1].record.job.priority = job.priority

            def give_up() -> None:
                for each in launched:
                    machine.signal(each.record.job.id, SIGKILL)

            seen.give_up = give_up
            return seen, [await each.wait() for each in launched]


@dataclass(slots=True)
class _Timeline:
    """What an observer is told of the CPU; see `vmpp.pct.DispatchObserver`.

    Attributes:
        told: in words, in order.
        waits: how long whom waited for the CPU, and until when; of those that never got it too.
        clash: what was wrong, if two processes had the CPU at once.
        endless: whether there was no end of it.
        give_up: ends the jobs, if so.
    """

    told: list[str] = field(default_factory=list)
    waits: list[tuple[int, int, int]] = field(default_factory=list)
    clash: str = ""
    endless: bool = False
    give_up: Callable[[], object] = bool
    _running: int | None = None
    _since: dict[int, int] = field(default_factory=dict)

    def became_ready(self, process: Process, when: int) -> None:
        """Take note."""
        self._note(process, when, "could run")
        self._since[process.job.id] = when

    def switches(self, process: Process, when: int) -> None:
        """Take note."""
        self._note(process, when, "is switched to")

    def runs(self, process: Process, when: int) -> None:
        """Take note."""
        self._note(process, when, "runs")
        if self._running not in {None, process.job.id}:
            self.clash = self.clash or (
                f"at {when} ps jobs {self._running} and {process.job.id} had it"
            )
        self._running = process.job.id
        self._waited(process, when)

    def preempted(self, process: Process, when: int) -> None:
        """Take note."""
        self._note(process, when, "has lost the CPU")
        self._running = None
        self._since[process.job.id] = when

    def blocked(self, process: Process, when: int) -> None:
        """Take note."""
        self._note(process, when, "waits or sleeps")
        self._running = None

    def ended(self, process: Process, when: int) -> None:
        """Take note."""
        self._note(process, when, "has ended")
        if self._running == process.job.id:
            self._running = None
        self._waited(process, when)

    def check(self, story: Story, patience: int | None) -> None:
        """Require what must hold."""
        story.require(not self.clash, "never two processes have one CPU", self.clash)
        if patience is None:
            return
        for job, waited, when in self.waits:
            story.require(
                waited <= patience,
                f"nobody waits for the CPU longer than {DURATION.write(patience)}",
                f"job {job} waited for {DURATION.write(waited)}, until {when} ps",
            )

    def _note(self, process: Process, when: int, what: str) -> None:
        self.told.append(f"at {when} ps job {process.job.id} {what}")
        if len(self.told) >= _MOST_TOLD and not self.endless:
            self.endless = True
            self.give_up()

    def _waited(self, process: Process, when: int) -> None:
        since = self._since.pop(process.job.id, when)
        self.waits.append((process.job.id, when - since, when))
