"""The jobs that wait and run, as Slurm's ``squeue`` shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from vmpp.service.status import JobState, JobStatus
from vmpp_shell.views import jobs
from vmpp_shell.views.durations import instant
from vmpp_shell.views.fields import by_letters
from vmpp_shell.views.jobs import Names
from vmpp_shell.views.listing import Column, Listing

LONG: Final = "%i %P %j %u %T %M %l %D %R"
SHORT: Final = "%i %P %j %u %t %M %D %R"
WAITING_OR_RUNNING: Final = frozenset(state for state in JobState if not state.ended)
LIMIT: Final = "UNLIMITED"


def columns(now: int, names: Names) -> dict[str, Column[JobStatus]]:
    """Return the columns that there are, by Slurm's letters.

    Args:
        now: the machine's time in picoseconds.
        names: of nodes.
    """
    return {
        "i": Column("JOBID", lambda job: str(job.id), right=True),
        "P": Column("PARTITION", lambda job: jobs.PARTITION),
        "j": Column("NAME", jobs.name),
        "o": Column("COMMAND", lambda job: job.command),
        "u": Column("USER", lambda job: job.user),
        "U": Column("UID", lambda job: str(job.uid), right=True),
        "t": Column("ST", lambda job: job.state.value, style=jobs.state_style),
        "T": Column("STATE", lambda job: jobs.WORDS[job.state], style=jobs.state_style),
        "M": Column("TIME", lambda job: jobs.time(job, now), right=True),
        "l": Column("TIME_LIMIT", lambda job: LIMIT),
        "V": Column("SUBMIT_TIME", lambda job: instant(job.submit), right=True),
        "S": Column("START_TIME", lambda job: instant(job.start), right=True),
        "e": Column("END_TIME", lambda job: instant(job.end), right=True),
        "D": Column("NODES", jobs.node_count, right=True),
        "C": Column("CPUS", lambda job: str(job.size), right=True),
        "Q": Column("PRIORITY", lambda job: str(job.priority), right=True),
        "y": Column("NICE", lambda job: str(-job.priority), right=True),
        "r": Column("REASON", lambda job: job.reason or "None"),
        "N": Column("NODELIST", lambda job: jobs.node_list(job, names)),
        "R": Column("NODELIST(REASON)", lambda job: jobs.nodes_or_reason(job, names)),
    }


def select(
    found: Iterable[JobStatus],
    *,
    users: Collection[str] = (),
    ids: Collection[int] = (),
    names: Collection[str] = (),
    states: Collection[JobState] = WAITING_OR_RUNNING,
) -> list[JobStatus]:
    """Return the jobs that are asked for, those first that wait; nothing asked for is all."""
    chosen = [
        job
        for job in found
        if job.state in states
        and (not users or job.user in users)
        and (not ids or job.id in ids)
        and (not names or jobs.name(job) in names)
    ]
    return sorted(chosen, key=lambda job: (job.state is not JobState.PENDING, job.id))


def squeue(
    chosen: Iterable[JobStatus],
    now: int,
    names: Names,
    *,
    layout: str = SHORT,
    header: bool = True,
) -> Listing[JobStatus]:
    """Return the table; *layout* is Slurm's ``--format``.

    Raises:
        FormatError: it names a column that there is not.
    """
    return Listing(by_letters(layout, columns(now, names)), chosen, header=header)
