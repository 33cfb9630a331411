"""Accounting, as Slurm's ``sacct`` shows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from vmpp.service.status import JobState, JobStatus
from vmpp_shell.views import jobs
from vmpp_shell.views.durations import instant
from vmpp_shell.views.fields import by_names
from vmpp_shell.views.jobs import Names
from vmpp_shell.views.listing import Column, Delimited, Listing

USUAL: Final = "JobID,JobName,Partition,Account,AllocCPUS,State,ExitCode"


def state(job: JobStatus) -> str:
    """Return the state, and who has cancelled a job as far as that is known."""
    return jobs.WORDS[job.state]


def exit_code(job: JobStatus) -> str:
    """Return ``status:signal``; who was ended by a signal has no status of its own."""
    return f"0:{job.signal}" if job.signal else f"{job.exit or 0}:0"


def columns(now: int, names: Names) -> dict[str, Column[JobStatus]]:
    """Return the columns that there are, by names in small letters.

    Args:
        now: the machine's time in picoseconds.
        names: of nodes.
    """
    found: tuple[Column[JobStatus], ...] = (
        Column("JobID", lambda job: str(job.id)),
        Column("JobName", jobs.name),
        Column("User", lambda job: job.user),
        Column("UID", lambda job: str(job.uid), right=True),
        Column("Account", lambda job: job.user),
        Column("Partition", lambda job: jobs.PARTITION),
        Column("AllocCPUS", lambda job: str(len(job.nodes)), right=True),
        Column("AllocNodes", lambda job: str(len(set(job.nodes))), right=True),
        Column("NNodes", jobs.node_count, right=True),
        Column("NTasks", lambda job: str(job.size), right=True),
        Column("NodeList", lambda job: jobs.node_list(job, names) or "None assigned"),
        Column("Distance", jobs.distance, right=True),
        Column("State", state, style=jobs.state_style),
        Column("ExitCode", exit_code, right=True),
        Column("Submit", lambda job: instant(job.submit), right=True),
        Column("Start", lambda job: instant(job.start), right=True),
        Column("End", lambda job: instant(job.end), right=True),
        Column("Elapsed", lambda job: jobs.time(job, now), right=True),
        Column("Reason", lambda job: job.reason or "None"),
        Column("SubmitLine", lambda job: job.command),
        Column("Mode", lambda job: job.mode),
        Column("Policy", lambda job: job.policy),
        Column("Messages", lambda job: str(job.messages), right=True),
        Column("Bytes", lambda job: str(job.bytes), right=True),
        Column("SystemCalls", lambda job: str(job.system_calls), right=True),
    )
    return {column.title.lower(): column for column in found}


def select(
    found: Iterable[JobStatus],
    *,
    users: Collection[str] = (),
    ids: Collection[int] = (),
    names: Collection[str] = (),
    states: Collection[JobState] = (),
    begin: int | None = None,
    end: int | None = None,
) -> list[JobStatus]:
    """Return the jobs that are asked for, by number.

    Args:
        begin, end: picoseconds of virtual time; jobs that were there between these.
    """
    return sorted(
        (
            job
            for job in found
            if (not users or job.user in users)
            and (not ids or job.id in ids)
            and (not names or jobs.name(job) in names)
            and (not states or job.state in states)
            and (begin is None or job.end is None or job.end >= begin)
            and (end is None or job.submit <= end)
        ),
        key=lambda job: job.id,
    )


def sacct(
    chosen: Iterable[JobStatus],
    now: int,
    names: Names,
    *,
    layout: str = USUAL,
    header: bool = True,
    delimiter: str = "",
    end: str = "",
) -> Listing[JobStatus] | Delimited[JobStatus]:
    """Return the table; *layout* is Slurm's ``--format``.

    Args:
        delimiter: what is between columns, for programs to read; empty for people.
        end: what is at the end of each line then.

    Raises:
        FormatError: *layout* names a column that there is not.
    """
    wanted = by_names(layout, columns(now, names))
    if delimiter:
        return Delimited(wanted, chosen, header=header, delimiter=delimiter, end=end)
    return Listing(wanted, chosen, header=header, rule=True)


def help_format(names: Names) -> str:
    """Return the names of all columns, four to a line."""
    titles = [column.title for column in columns(0, names).values()]
    lines = [titles[place : place + 4] for place in range(0, len(titles), 4)]
    return "\n".join(" ".join(f"{title:18}" for title in line).rstrip() for line in lines)
