"""Running one program on a machine made for it: the plain call."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import trio

from vmpp.engine import as_host, current_process
from vmpp.exit_status import INTERRUPTED
from vmpp.machine import description as descriptions
from vmpp.machine.boot import boot
from vmpp.machine.copies import run_copies
from vmpp.machine.description import MachineDescription
from vmpp.machine.faults import parse
from vmpp.machine.images import locate
from vmpp.machine.job import Job
from vmpp.machine.machine import Machine
from vmpp.machine.plugins import Plugins
from vmpp.machine.result import Phase, Result
from vmpp.machine.tables import MOST_LEVELS
from vmpp.process.program import Program

__all__ = ["Phase", "Result", "run"]


def run(
    program: str | PathLike[str],
    args: Sequence[str] = (),
    *,
    nprocs: int = 1,
    machine: str | PathLike[str] | MachineDescription = "default",
    universe: int | None = None,
    seed: int = 0,
    module: bool = False,
    cwd: str | PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    watchdog: float | None = None,
    tools: Sequence[str] = (),
    faults: Sequence[str] = (),
    keep_going: bool = False,
    coll: Mapping[str, object] | None = None,
    settings: Mapping[str, str] | None = None,
    policies: Mapping[str, str] | None = None,
    level: int | None = None,
    copies: int = 1,
    plugins: Plugins | None = None,
) -> Result:
    """Boot a machine, run *program* on *nprocs* of its nodes, and say what came of it.

    Args:
        program: a Python file or the name of an image; with *module* the name of a module.
        args: the program's arguments.
        machine: a name, a machine file, or a description.
        universe: how many processes there can be at once, those included that *program* starts. A
            machine of a fixed size has room for as many as it has compute nodes, one that grows
            for as many as `vmpp.machine.universe` says.
        seed: of everything that is random.
        cwd: the program's working directory; the caller's by default.
        environ: the program's environment; the caller's by default.
        stdin: a binary file or bytes for rank 0; nothing by default.
        stdout: a binary file that takes whole lines in order of virtual time; captured by default.
        stderr: likewise.
        watchdog: CPU seconds on the host that a rank may take between two calls.
        tools: what libraries are to watch of the program: ``"check"``, ``"profile"``.
        faults: what breaks and when, such as ``"node 3 crash at 2 ms"``, in the machine's virtual
            time, which is that of ``MPI.Wtime``; see `vmpp.machine.faults`.
        keep_going: whether the job goes on without ranks whose nodes crash, as programs that
            tolerate faults can; otherwise a crash ends it.
        coll: algorithms of collective operations, ``{"allreduce": "ring"}``, or rules to choose one
            by, as in a machine file; ``vmpp algorithms`` lists them.
        settings: keys of the machine's file that are other for this run, such as
            ``{"nx.mbf": "1 MiB"}``.
        policies: what chooses policies instead of what the machine has, by what they decide:
            ``{"pct": "rr:2ms", "topology": "hypercube"}``; ``vmpp plugins`` lists them.
        level: how many jobs share a node at the most, under a PCT that does several tasks; as many
            as there are copies, or as the machine has it, by default.
        copies: how often *program* is launched, at one instant and on the same nodes: copies that
            cannot share them run one after the other. What a copy writes comes with its number
            before each line, ``[1]``; only the first one reads a file as its *stdin*.
        plugins: those to use; all that are installed by default.

    Raises:
        VmppError: the program or the machine is not there, or not as it should be.
        ValueError: there would be no process at all.
        RuntimeError: Trio runs already; use `vmpp.boot` there. Or the caller runs on a machine
            itself, or another thread has one.
    """
    if current_process() is not None:
        raise RuntimeError("a program that runs on a machine cannot boot another one")
    if copies < 1:
        raise ValueError(f"a program is launched at least once, not {copies} times")
    found = Plugins.given(plugins)
    injected = [parse(text) for text in faults]
    described = (
        machine if isinstance(machine, MachineDescription) else descriptions.load(machine, found)
    )
    folder = os.getcwd() if cwd is None else fspath(cwd)
    if module:
        loaded = Program.module(fspath(program), args, folder, environ)
    else:
        loaded = Program.script(locate(program, found, Path(folder)), args, folder, environ)

    async def main() -> Result:
        async with boot(
            described,
            processes=nprocs,
            universe=universe,
            seed=seed,
            watchdog=watchdog,
            tools=tools,
            coll=coll,
            settings=settings,
            policies=policies,
            level=min(max(copies, described.pct.level), MOST_LEVELS) if level is None else level,
            plugins=found,
        ) as booted:
            for fault in injected:
                booted.inject(fault)
            options = {"stdin": stdin, "stdout": stdout, "stderr": stderr, "keep_going": keep_going}
            if copies > 1:
                return await run_copies(booted, loaded, nprocs, copies, interrupt.ends, **options)
            job = await booted.launch(loaded, nprocs, **options)
            interrupt.ends(booted, [job])
            return await job.wait()

    with _Interrupt() as interrupt:
        return trio.run(main)


class _Interrupt:
    """Has ^C end jobs, and a process that does not let go of the processor with them.

    Trio would raise KeyboardInterrupt wherever the machine is. Struck before there are jobs, it
    ends them as soon as there are.
    """

    def __init__(self) -> None:
        self._struck = False
        self._end: Callable[[], object] | None = None
        self._before: Any = None

    def __enter__(self) -> _Interrupt:
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            # Who ignores ^C, as a job of the shell's in the background does, goes on doing so.
            if before is not None and before != signal.SIG_IGN:
                self._before = before
                signal.signal(signal.SIGINT, self._strike)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def ends(self, machine: Machine, jobs: Sequence[Job]) -> None:
        """Have ^C end *jobs* from now on, and now if it has been struck."""
        token = trio.lowlevel.current_trio_token()

        def end() -> None:
            for job in jobs:
                job.record.interrupted = True
                token.run_sync_soon(job.end, INTERRUPTED)
            machine.watchdog.hurry()

        self._end = end
        if self._struck:
            end()

    def _strike(self, number: int, frame: object) -> None:
        """Take note of ^C: the handler of the signal."""
        self._struck = True
        if self._end is not None:
            with as_host():
                self._end()
