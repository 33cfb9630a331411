"""Several copies of one job at once: what each writes, and what comes of them together."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from vmpp.engine import to_seconds
from vmpp.machine.job import Job
from vmpp.machine.result import Result

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine
    from vmpp.process.program import Program


class CopyOutput:
    """A stream of one copy: keeps what it writes, and passes it on with its number before it.

    Attributes:
        own: what the copy has written.
    """

    __slots__ = ("_label", "_shared", "own")

    def __init__(self, number: int, shared: Any) -> None:
        """Take the *number* of the copy, from 1, and the binary file for what all copies write."""
        self._label = label(number).encode()
        self._shared = shared
        self.own = bytearray()

    def write(self, data: bytes) -> None:
        """Take whole lines, or the beginning of one at the very end."""
        self.own += data
        self._shared.write(b"".join(self._label + line for line in data.splitlines(keepends=True)))

    def flush(self) -> None:
        """Have the shared file pass on what it has."""
        self._shared.flush()


def label(number: int) -> str:
    """Return what stands before what the copy of that *number* writes."""
    return f"[{number}] "


async def run_copies(
    machine: Machine,
    program: Program,
    nprocs: int,
    copies: int,
    launched: Callable[[Machine, Sequence[Job]], object],
    *,
    stdin: Any,
    stdout: Any,
    stderr: Any,
    **options: Any,
) -> Result:
    """Launch *copies* of a program at one instant, on the same nodes, and wait for their ends.

    Args:
        launched: told of the jobs.
        stdin: what the first copy reads; all of them do if it is bytes.
        stdout, stderr: binary files that take what the copies write; captured if None.
        options: as for `Machine.launch`.

    Raises:
        LaunchError: they can never have the nodes.
    """
    shared = [io.BytesIO() if stream is None else stream for stream in (stdout, stderr)]
    outputs = [
        (CopyOutput(number, shared[0]), CopyOutput(number, shared[1]))
        for number in range(1, copies + 1)
    ]
    jobs: list[Job] = []
    # Copies that were launched one after the other could not be compared.
    with machine.standing_still():
        for out, err in outputs:
            jobs.append(
                await machine.launch(
                    program,
                    nprocs,
                    stdin=stdin if not jobs or isinstance(stdin, bytes) else None,
                    stdout=out,
                    stderr=err,
                    nodes=tuple(dict.fromkeys(jobs[0].nodes)) if jobs else (),
                    **options,
                )
            )
    launched(machine, jobs)
    for job in jobs:
        await job.record.done.wait()
    return replace(
        together(jobs, outputs),
        stdout=shared[0].getvalue() if stdout is None else b"",
        stderr=shared[1].getvalue() if stderr is None else b"",
    )


def together(jobs: Sequence[Job], written: Sequence[tuple[CopyOutput, CopyOutput]]) -> Result:
    """Return what has come of the *jobs*, which have ended, as of one; what they wrote is apart.

    The status is the highest, and the ranks of the copies follow each other. Virtual time is from
    the start of the first one to the end of the last.
    """
    results = [
        replace(job.result(), stdout=bytes(out.own), stderr=bytes(err.own))
        for job, (out, err) in zip(jobs, written, strict=True)
    ]
    return replace(
        results[0],
        status=max(result.status for result in results),
        statuses=list(chain.from_iterable(result.statuses for result in results)),
        virtual_time=_span(jobs),
        stdout=b"",
        stderr=b"",
        phases=[
            replace(phase, name=label(number) + phase.name)
            for number, result in enumerate(results, 1)
            for phase in result.phases
        ],
        failure=_failures(results),
        reports=list(chain.from_iterable(result.reports for result in results)),
        profiles=list(chain.from_iterable(result.profiles for result in results)),
        copies=results,
    )


def _span(jobs: Sequence[Job]) -> float:
    """Return seconds from the first start to the last end; 0 if nothing has started."""
    starts = [job.record.start for job in jobs if job.record.start is not None]
    ends = [job.record.end for job in jobs if job.record.end is not None]
    return to_seconds(max(ends) - min(starts)) if starts and ends else 0.0


def _failures(results: Sequence[Result]) -> str | None:
    told = [
        label(number) + result.failure
        for number, result in enumerate(results, 1)
        if result.failure is not None
    ]
    return "\n".join(text.rstrip("\n") for text in told) or None
