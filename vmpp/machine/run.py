"""Running one program on a machine made for it: the plain call."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import Any

import trio

from vmpp.errors import VmppError
from vmpp.machine.boot import Job, Machine, boot
from vmpp.machine.description import MachineDescription
from vmpp.process.program import Program
from vmpp.service import Phase

__all__ = ["Phase", "Result", "run"]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run.

    Attributes:
        status: the exit status that the job deserves, for the shell.
        statuses: exit status of each rank.
        virtual_time: seconds of virtual time from the start of the program to its end.
        stdout: what the job wrote to standard output, unless that went to a file.
        stderr: likewise standard error.
        digest: a hash over the run's ordered events; equal for equal runs, on any host.
        counters: messages, bytes, drops and system_calls.
        phases: allocation, load and run, with virtual and host times.
        failure: the report of what went wrong, or None.
    """

    status: int
    statuses: list[int]
    virtual_time: float
    stdout: bytes
    stderr: bytes
    digest: str
    counters: Mapping[str, int]
    phases: Sequence[Phase] = field(default_factory=tuple)
    failure: str | None = None


def run(
    program: str | PathLike[str],
    args: Sequence[str] = (),
    *,
    nprocs: int = 1,
    machine: str | PathLike[str] | MachineDescription = "default",
    seed: int = 0,
    module: bool = False,
    cwd: str | PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    watchdog: float | None = None,
) -> Result:
    """Boot a machine, run *program* on *nprocs* of its nodes, and say what came of it.

    Args:
        program: a Python file, or with *module* the name of a module.
        args: the program's arguments.
        machine: a name, a machine file, or a description.
        seed: of everything that is random.
        cwd: the program's working directory; the caller's by default.
        environ: the program's environment; the caller's by default.
        stdin: a binary file or bytes for rank 0; nothing by default.
        stdout: a binary file that takes whole lines in order of virtual time; captured by default.
        stderr: likewise.
        watchdog: CPU seconds on the host that a rank may take between two calls.

    Raises:
        VmppError: the program or the machine is not there, or not as it should be.
        RuntimeError: Trio runs already; use `vmpp.boot` there.
    """
    find = Program.module if module else Program.script
    loaded = find(fspath(program), args, None if cwd is None else fspath(cwd), environ)

    async def main() -> Result:
        async with boot(machine, nodes=nprocs, seed=seed, watchdog=watchdog) as booted:
            job = await booted.launch(loaded, nprocs, stdin=stdin, stdout=stdout, stderr=stderr)
            with _interruptible(booted, job):
                await job.wait()
            return result(booted, job)

    try:
        return trio.run(main)
    except BaseExceptionGroup as group:
        users, others = group.split(VmppError)
        if users is None or others is not None:
            raise
        raise _first(users) from None


def result(machine: Machine, job: Job) -> Result:
    """Return what came of *job*, which has ended."""
    record = job.record
    ran = next((phase.virtual_ps for phase in record.phases if phase.name == "run"), 0)
    return Result(
        status=record.status,
        statuses=[status if status is not None else -1 for status in record.statuses],
        virtual_time=ran / 10**12,
        stdout=bytes(job.stdout),
        stderr=bytes(job.stderr),
        digest=machine.trace.digest(),
        counters=machine.counters(),
        phases=tuple(record.phases),
        failure=record.failure,
    )


@contextmanager
def _interruptible(machine: Machine, job: Job) -> Iterator[None]:
    """Have ^C end the job, and a process that does not let go of the processor with it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    token = trio.lowlevel.current_trio_token()

    def interrupted(number: int, frame: object) -> None:
        job.record.interrupted = True
        machine.watchdog.hurry()
        token.run_sync_soon(job.end, 128 + number)

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
