"""One's own jobs: jobs, ps, kill, wait, fg, bt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
from msgspec.structs import asdict

from vmpp.errors import VmppError
from vmpp.quantities import DURATION, SIZE
from vmpp.ranges import write_ranges
from vmpp_shell.arguments.signals import NAMES, SIGNAL
from vmpp_shell.arguments.types import JOB, JOB_WORD
from vmpp_shell.attempts import Attempts
from vmpp_shell.launching import in_foreground
from vmpp_shell.registry import command
from vmpp_shell.tables import table

if TYPE_CHECKING:
    from vmpp.service.status import JobStatus
    from vmpp_shell.context import Context

STATES: Final = {
    "PD": "waiting", "CF": "loading", "R": "running", "CG": "ending", "CD": "done",
    "F": "failed", "CA": "cancelled", "NF": "lost a node",
}  # fmt: skip
"""The states of a job in words, by Slurm's short codes."""


class NoJobError(VmppError):
    """There is no such job, or it is somebody else's."""


@command("jobs", section="jobs", json=True)
async def jobs(context: Context) -> None:
    """List your jobs that wait or run; squeue lists everybody's.

    \b
    Example:
      yod -n 16 heat &
      jobs
    """
    uid = context.session.user.uid
    found = [job for job in await context.session.jobs() if job.uid == uid]
    rows = [
        (
            job.id,
            _state(job),
            job.size,
            write_ranges(dict.fromkeys(job.nodes), to=".."),
            _elapsed(context, job),
            job.command,
        )
        for job in found
    ]
    titles = ("JOB", "STATE", "RANKS", "NODES", "TIME", "COMMAND")
    context.show(found, *([table(titles, rows, right=(0, 2, 4))] if rows else []))


def _state(job: JobStatus) -> str:
    word = STATES[job.state]
    return f"{word} ({job.reason})" if job.reason and job.state == "PD" else word


def _elapsed(context: Context, job: JobStatus) -> str:
    return "" if job.start is None else DURATION.write(context.session.now - job.start)


@command("ps", section="jobs", json=True)
@click.option("-a", "--all", "everybody", is_flag=True, help="Those of everybody's jobs.")
@click.argument("wanted", nargs=-1, type=JOB, metavar="[JOB]...")
async def ps(context: Context, everybody: bool, wanted: tuple[int, ...]) -> None:
    """List processes: where each runs, and what it does now.

    \b
    Example:
      ps
      ps -a
    """
    owned = {
        job.id: job
        for job in await context.session.jobs()
        if everybody or wanted or job.uid == context.session.user.uid
    }
    found = sorted(
        (
            (process, node.number)
            for node in await context.session.nodes()
            for process in node.processes
            if process.job in owned and (not wanted or process.job in wanted)
        ),
        key=lambda each: (each[0].job, each[0].rank),
    )
    rows = [
        (
            process.job,
            process.rank,
            number,
            process.activity,
            SIZE.write(process.memory),
            owned[process.job].user,
            owned[process.job].command,
        )
        for process, number in found
    ]
    titles = ("JOB", "RANK", "NODE", "DOES", "MEMORY", "USER", "COMMAND")
    data = [{**asdict(process), "node": number} for process, number in found]
    context.show(data, *([table(titles, rows, right=(0, 1, 2, 4))] if rows else []))


@command("kill", section="jobs", context_settings={"ignore_unknown_options": True})
@click.option("-s", "--signal", "number", type=SIGNAL, default="TERM", metavar="SIGNAL",
              help="The signal, by name or number.  [default: TERM]")  # fmt: skip
@click.option("-l", "--list", "listed", is_flag=True, help="List the names of signals.")
@click.argument("wanted", nargs=-1, type=JOB_WORD, metavar="JOB...")
async def kill(context: Context, number: int, listed: bool, wanted: tuple[str, ...]) -> int:
    """Send a signal to jobs: to every process of each.

    A program may have a handler for it; SIGKILL ends it in any case. The signal may be written as
    an option, too: kill -9 7.

    \b
    Example:
      kill 7
      kill -s INT 7 8
    """
    if listed:
        context.out.print(" ".join(sorted(NAMES, key=lambda name: NAMES[name])))
        return 0
    number, wanted = _signal_first(number, wanted)
    if not wanted:
        raise click.UsageError("say which job; 'jobs' lists yours")
    attempts = Attempts(context, "kill")
    for job in [JOB.convert(word, None, None) for word in wanted]:
        with attempts.at(str(job)):
            await context.session.signal(job, number)
    return attempts.status


def _signal_first(number: int, words: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    """Return the signal and the jobs; the first word may be the signal, as ``-9``."""
    if words and words[0].startswith("-"):
        return SIGNAL.convert(words[0][1:], None, None), words[1:]
    return number, words


@command("wait", section="jobs")
@click.argument("wanted", nargs=-1, type=JOB, metavar="[JOB]...")
async def wait(context: Context, wanted: tuple[int, ...]) -> int:
    """Wait for jobs of this shell that run in the background; for all of them without a JOB.

    The status is that of the last one.

    \b
    Example:
      yod -n 16 heat & wait
    """
    background = context.interpreter.jobs
    chosen = [background.find(number) for number in wanted] if wanted else background.all()
    status = 0
    for launched in chosen:
        await context.session.wait(launched.job)
        status = launched.job.result().status
        background.announce()
    return status


@command("fg", section="jobs")
@click.argument("wanted", required=False, type=JOB, metavar="[JOB]")
async def fg(context: Context, wanted: int | None) -> int:
    """Bring a job from the background to the foreground: the one launched last without a JOB.

    Its status is that of the command, and ^C is for it.

    \b
    Example:
      fg 7
    """
    background = context.interpreter.jobs
    launched = background.latest() if wanted is None else background.find(wanted)
    context.out.print(launched.command)
    return await in_foreground(context, launched)


@command("bt", section="jobs", json=True)
@click.argument("wanted", required=False, type=JOB, metavar="[JOB]")
async def bt(context: Context, wanted: int | None) -> None:
    """Tell where every rank of a job stands; those that stand alike together.

    \b
    Example:
      bt 7
    """
    number = context.interpreter.jobs.latest().job.id if wanted is None else wanted
    user = context.session.user
    for job in await context.session.jobs():
        if job.id == number:
            if not user.is_root and job.uid != user.uid:
                raise NoJobError(f"job {number} belongs to {job.user}")
            standing = context.machine.overview.where(context.machine.launcher.known[number])
            context.show(standing, *map(str, standing))
            return
    raise NoJobError(f"no job {number} waits or runs; 'jobs' lists yours")
