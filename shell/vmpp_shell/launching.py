"""Launching a job for a command, and seeing it to its end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from signal import SIGHUP, SIGKILL, SIGTERM, Signals
from typing import TYPE_CHECKING, Any, Final

import trio

from vmpp.errors import VmppError
from vmpp.machine import listings
from vmpp.machine.result import Phase
from vmpp_shell.saving import FileByJob
from vmpp_shell.syntax import join
from vmpp_shell.tasks import nursery

if TYPE_CHECKING:
    from vmpp.machine.job import Job
    from vmpp_shell.context import Context
    from vmpp_shell.terminal import Stream, Terminal

LOAD_FAILED: Final = 2
"""Status of a launcher whose job could not be loaded, as it is of Cplant's ``yod``."""


HANG_UP_SECONDS: Final = 2.0
"""Host time for which the end of a session waits until its job has been told."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a job is to be.

    Attributes:
        program: a file of the machine's tree, or the name of an image.
        arguments: of the program.
        size: how many ranks it has.
        options: as for `vmpp.machine.session.Session.launch`.
        timing: whether the phases of the launch are told of at the end.
    """

    program: str
    arguments: Sequence[str]
    size: int
    options: Mapping[str, Any]
    timing: bool = False


class JobOutput:
    """A stream as the standard output of a job; one that cannot be written is a broken pipe."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def write(self, data: bytes) -> None:
        """Write *data*. Raises BrokenPipeError: it cannot be written, and nor can more."""
        try:
            self._stream.write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            self.error = error
            raise BrokenPipeError from error

    def identify(self, job: int) -> None:
        """Say what the number of the job is, to a file that is called by it."""
        if isinstance(self._stream, FileByJob):
            self._stream.identify(job)

    def flush(self) -> None:
        """Do nothing: what is written has been passed on."""


@dataclass(slots=True)
class Launched:
    """A job of this shell.

    Attributes:
        job: the job.
        command: the words that it was launched by.
        terminal: where it prints.
        timing: whether the phases of the launch are told of at the end.
        outputs: its standard output and error.
        told: whether its end has been told of.
    """

    job: Job
    command: str
    terminal: Terminal
    timing: bool
    outputs: tuple[JobOutput, JobOutput]
    told: bool = False

    def report(self) -> int:
        """Tell of what the program itself has not told; return the status for the shell."""
        self.told = True
        result, err = self.job.result(), self.terminal.err
        for output in self.outputs:
            if output.error is not None:
                err.print(f"{output.error.filename}: {output.error.strerror}")
        if result.failure:
            err.print(result.failure.rstrip("\n"))
        if self.job.backtrace:
            err.print(f"where the processes stood:\n{self.job.backtrace}")
        if self.job.record.wishes.traces and result.status:
            abnormal = [rank for rank in self.job.completion() if rank.exit or rank.signal]
            err.show(listings.completion(abnormal))
        for report in result.reports:
            err.print(report.text.rstrip("\n"))
        if self.timing:
            err.show(listings.phases(_phases(self.job.record.steps, result.phases)))
        findings = sum(report.findings for report in result.reports)
        return int(result.status) or min(1, findings)


def _phases(steps: Sequence[Phase], phases: Sequence[Phase]) -> list[Phase]:
    """Return the *steps* of the launch, what they take in all, and the run."""
    load = [phase for phase in phases if phase.name != "run"]
    total = Phase(
        "total load",
        sum(phase.virtual_ps for phase in load),
        sum(phase.host_s for phase in load),
        sum(phase.cpu_s for phase in load),
    )
    return [*steps, total, *(phase for phase in phases if phase.name == "run")]


async def launch(context: Context, wanted: Wanted) -> int:
    """Launch a job; return its status, or 0 at once if it is to be in the background.

    One that cannot be launched is told of, and has the status `LOAD_FAILED`.
    """
    terminal = context.terminal
    outputs = JobOutput(terminal.out), JobOutput(terminal.err)
    # What is typed is for the foreground.
    stdin = None if context.background and terminal.types else terminal.stdin
    try:
        job = await context.session.launch(
            wanted.program,
            wanted.size,
            wanted.arguments,
            environ=context.interpreter.variables,
            stdin=stdin,
            stdout=outputs[0],
            stderr=outputs[1],
            **wanted.options,
        )
    except VmppError as error:
        terminal.err.print(f"{context.name}: {error}")
        return LOAD_FAILED
    for output in outputs:
        output.identify(job.id)
    launched = Launched(job, join(context.words), terminal, wanted.timing, outputs)
    if context.background:
        terminal.keep()
        context.interpreter.jobs.add(launched)
        context.interpreter.terminal.err.print(f"[{job.id}] {launched.command}")
        return 0
    if not job.record.placed:
        terminal.err.print(f"{context.name}: job {job.id} waits for nodes")
    return await in_foreground(context, launched)


async def in_foreground(context: Context, launched: Launched) -> int:
    """Wait for the end of a job, tell of it, and return its status.

    ^C sends the job SIGTERM, a second one SIGKILL, as it does for Cplant's ``yod``. When the
    session ends meanwhile, because its connection is lost, say, the job gets SIGHUP.
    """
    send, struck = trio.open_memory_channel[None](math.inf)
    async with nursery() as tasks:
        tasks.start_soon(_signal, context, launched.job.id, struck)
        with context.interpreter.interrupted_by(lambda: send.send_nowait(None)):
            try:
                await context.session.wait(launched.job)
            except trio.Cancelled:
                await _hang_up(context, launched.job.id)
                raise
        tasks.cancel_scope.cancel()
    return launched.report()


async def _hang_up(context: Context, job: int) -> None:
    """End a job in the foreground because whoever waits for it has gone."""
    with trio.move_on_after(HANG_UP_SECONDS, shield=True), suppress(OSError, VmppError):
        await context.session.signal(job, SIGHUP)


async def _signal(context: Context, job: int, struck: trio.MemoryReceiveChannel[None]) -> None:
    number: Signals = SIGTERM
    async for _ in struck:
        try:
            await context.session.signal(job, number)
        except (OSError, VmppError):
            # It has ended meanwhile.
            return
        number = SIGKILL
