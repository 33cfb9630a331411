"""What tables say of jobs, in Slurm's words."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from typing import Final

from vmpp.errors import VmppError, suggestion
from vmpp.service.status import JobState, JobStatus
from vmpp_shell.views.durations import elapsed
from vmpp_shell.views.hostlist import compress

PARTITION: Final = "compute"
"""Where all jobs run."""

WORDS: Final = {
    state: "CONFIGURING" if state is JobState.LOADING else state.name for state in JobState
}
"""Slurm's long names of the states."""

STYLES: Final = {
    JobState.PENDING: "yellow",
    JobState.LOADING: "cyan",
    JobState.RUNNING: "green",
    JobState.COMPLETING: "cyan",
    JobState.COMPLETED: "",
    JobState.FAILED: "red",
    JobState.CANCELLED: "magenta",
    JobState.NODE_FAIL: "red",
    JobState.TIMEOUT: "red",
}
_STYLES_OF_WORDS: Final = {
    **{state.value: style for state, style in STYLES.items()},
    **{WORDS[state]: style for state, style in STYLES.items()},
}

Names = Callable[[int], str]
"""Says what the node of a number is called."""


class StateError(VmppError):
    """A state that jobs cannot be in."""


def state_style(text: str) -> str:
    """Return the style of a state's name, long or short."""
    return _STYLES_OF_WORDS.get(text.partition(" ")[0], "")


def states(text: str) -> frozenset[JobState]:
    """Return the states in a list such as ``PD,running``, or all of them for ``all``.

    Raises:
        StateError: it names one that is none.
    """
    if text.strip().lower() == "all":
        return frozenset(JobState)
    known = {name.upper(): state for state in JobState for name in (state.value, WORDS[state])}
    found = set()
    for part in text.split(","):
        name = part.strip().upper()
        if name not in known:
            words = [*known, "ALL"]
            raise StateError(
                f"jobs are never {part.strip()!r}{suggestion(name, words)}; the states are "
                + ", ".join(f"{state.value} {WORDS[state].lower()}" for state in JobState)
            )
        found.add(known[name])
    return frozenset(found)


def name(job: JobStatus) -> str:
    """Return what a job is called: its program, without the folder."""
    return posixpath.basename(job.name) or job.name


def runtime(job: JobStatus, now: int) -> int:
    """Return for how long a job has run, in picoseconds."""
    if job.start is None:
        return 0
    return max(0, (now if job.end is None else job.end) - job.start)


def time(job: JobStatus, now: int) -> str:
    """Return the same in words."""
    return elapsed(runtime(job, now))


def distance(job: JobStatus) -> str:
    """Return the mean number of links between two nodes of a job, if it is known."""
    return "" if job.distance is None else f"{job.distance:.2f}"


def node_list(job: JobStatus, names: Names) -> str:
    """Return the names of the nodes of a job."""
    return compress(map(names, job.nodes))


def node_count(job: JobStatus) -> str:
    """Return how many nodes a job has; how many ranks it will have, as long as it has none."""
    return str(len(set(job.nodes)) or job.size)


def nodes_or_reason(job: JobStatus, names: Names) -> str:
    """Return where a job is, or in brackets why it is nowhere."""
    if job.nodes and job.state is not JobState.PENDING:
        return node_list(job, names)
    return f"({job.reason or 'None'})"


def live(jobs: Iterable[JobStatus]) -> list[JobStatus]:
    """Return those that have nodes now, in order of their numbers."""
    found = (job for job in jobs if not job.state.ended and job.state is not JobState.PENDING)
    return sorted(found, key=lambda job: job.id)
