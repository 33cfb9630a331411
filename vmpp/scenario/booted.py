"""A booted machine for code that is not asynchronous, such as a test."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any, TypeVar

import trio
from greenlet import getcurrent, greenlet
from outcome import Outcome, acapture, capture

from vmpp.machine import faults
from vmpp.machine.boot import boot
from vmpp.machine.images import locate
from vmpp.machine.machine import Machine
from vmpp.machine.report import ranges
from vmpp.machine.result import Result
from vmpp.process.program import Program
from vmpp.scenario import ranks

T = TypeVar("T")


class RanksFailedError(Exception):
    """A function did not end well on its ranks, for another reason than an exception of its own."""


class BootedMachine:
    """A machine that is up within a ``with`` block. Its virtual time passes while something runs.

    Trio runs in a greenlet of its own, which has control only during the calls below. Code in the
    block cannot run Trio itself, nor `vmpp.run`; for asynchronous code there is `vmpp.boot`.

    Attributes:
        machine: the machine, to look at: its counters, time and nodes.
    """

    machine: Machine

    def __init__(
        self,
        machine: Any = "default",
        *,
        code: Callable[[Path], CodeType] | None = None,
        folders: tuple[str, ...] = (),
        **options: Any,
    ) -> None:
        """Take *machine* and the *options* of `vmpp.boot`; *code* and *folders* are `ranks`'."""
        self._boot = partial(boot, machine, **options)
        self._program = partial(ranks.program, code=code, folders=folders)
        self._host = greenlet(self._run)
        self._guest = getcurrent()

    def __enter__(self) -> BootedMachine:
        """Boot the machine.

        Raises:
            VmppError: it cannot be made as described.
        """
        self._switch(None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Shut the machine down; what still runs on it ends."""
        if not self._host.dead:
            self._switch(None)

    def _switch(self, request: Callable[[], Awaitable[Any]] | None) -> Any:
        """Give control to Trio until *request* is done, and return what it returned."""
        self._guest = getcurrent()
        done: Outcome[Any] = self._host.switch(request)
        return done.unwrap()

    def _run(self, request: None) -> Outcome[None]:
        """Run Trio: the other greenlet. What goes wrong with the machine comes out here."""
        return capture(trio.run, self._serve)

    async def _serve(self) -> None:
        async with self._boot() as self.machine:
            done = capture(lambda: None)
            while True:
                request = self._guest.switch(done)
                if request is None:
                    return
                done = await acapture(request)

    # -- what can be done with it ----------------------------------------------------------------

    def run(
        self,
        program: str | PathLike[str],
        nprocs: int = 1,
        args: Sequence[str] = (),
        *,
        module: bool = False,
        cwd: str | PathLike[str] | None = None,
        environ: Mapping[str, str] | None = None,
        stdin: Any = None,
        keep_going: bool = False,
    ) -> Result:
        """Run *program* on *nprocs* nodes to its end; the parameters are those of `vmpp.run`.

        Raises:
            VmppError: the program is not there, or there are too few nodes.
        """
        folder = str(Path.cwd()) if cwd is None else fspath(cwd)
        name = fspath(program)
        if module:
            loaded = Program.module(name, args, folder, environ)
        else:
            path = locate(name, self.machine.plugins, Path(folder))
            loaded = Program.script(path, args, folder, environ)
        return self._launched(loaded, nprocs, stdin, keep_going)

    def call(self, function: Callable[..., T], nprocs: int, *args: Any, **options: Any) -> list[T]:
        """Call *function(*args, **options)* on *nprocs* ranks; return what it returned on each.

        What the ranks print is printed. `vmpp.scenario.ranks` says what is each rank's own.

        Raises:
            RanksFailedError: a rank ended otherwise, or waits for ever.
            BaseException: what the function raised, on the rank that did so first.
        """
        program, calls = self._program(function, args, options)
        result = self._launched(program, nprocs)
        sys.stdout.write(result.stdout.decode(errors="replace"))
        sys.stderr.write(result.stderr.decode(errors="replace"))
        if calls.raised:
            rank, node, error = calls.raised[0]
            others = sorted(other for other, _, _ in calls.raised[1:])
            more = f"; {ranges(others)} failed as well" if others else ""
            error.add_note(f"on rank {rank} of {nprocs}, node {node}{more}")
            raise error
        failure = result.failure or _failure(result)
        if failure:
            raise RanksFailedError(failure.rstrip("\n"))
        return [calls.returned[rank] for rank in range(nprocs)]

    def fault(self, text: str) -> None:
        """Let something break, such as ``node 3 crash at 2 ms``, in the machine's virtual time.

        Raises:
            VmppError: that cannot break, or the time has passed.
        """
        self.machine.inject(faults.parse(text))

    def _launched(
        self, program: Program, nprocs: int, stdin: Any = None, keep_going: bool = False
    ) -> Result:
        async def launched() -> Result:
            job = await self.machine.launch(program, nprocs, stdin=stdin, keep_going=keep_going)
            return await job.wait()

        result: Result = self._switch(launched)
        return result


def _failure(result: Result) -> str:
    """Return what is wrong with a job that has no failure of its own, if anything is."""
    for rank, status in enumerate(result.statuses):
        if status:
            return f"rank {rank} ended with exit status {status}"
    return "".join(report.text for report in result.reports if report.findings)
