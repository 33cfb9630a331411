"""Runs many trials, each in a process of its own, several at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from signal import Signals
from typing import Any, Final

import trio

from vmpp.machine.comparison.trial import NOT_RUN, Trial, packed, unpacked

# Without -P, modules of the folder that one is in would stand for those of Python's own.
_COMMAND: Final = (sys.executable, "-P", "-m", "vmpp.machine.comparison.worker")


def cores() -> int:
    """Return how many cores of the host this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def carry_out_all(
    tasks: Sequence[Mapping[str, Any]], jobs: int, told: Callable[[], object]
) -> list[Trial]:
    """Carry out *tasks*, options of `vmpp.run` each; return what came of them, in their order.

    Args:
        jobs: how many run at once.
        told: called when another one has ended.

    Raises:
        KeyboardInterrupt: ^C was struck; no process is left.
    """
    try:
        return trio.run(_all, tasks, jobs, told)
    except BaseExceptionGroup as group:
        # Trio raises ^C wherever it strikes.
        if group.split(KeyboardInterrupt)[1] is None:
            raise KeyboardInterrupt from None
        raise


async def _all(
    tasks: Sequence[Mapping[str, Any]], jobs: int, told: Callable[[], object]
) -> list[Trial]:
    trials: dict[int, Trial] = {}
    places = trio.CapacityLimiter(jobs)

    async def one(number: int) -> None:
        async with places:
            trials[number] = await _trial(tasks[number])
        told()

    async with trio.open_nursery() as crew:
        for number in range(len(tasks)):
            crew.start_soon(one, number)
    return [trials[number] for number in range(len(tasks))]


async def _trial(task: Mapping[str, Any]) -> Trial:
    done = await trio.run_process(
        _COMMAND,
        stdin=packed(task),
        capture_stdout=True,
        capture_stderr=True,
        check=False,
        deliver_cancel=_killed,
    )
    if done.returncode == 0:
        trial: Trial = unpacked(done.stdout)
        return trial
    return Trial(task["seed"], NOT_RUN, failure=_death(done), stderr=done.stderr)


async def _killed(process: trio.Process) -> None:
    """End a process that nobody waits for any more; it has nothing to put in order."""
    process.kill()


def _death(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return how a process has ended that had nothing to say."""
    if done.returncode < 0:
        return f"its process was ended by {Signals(-done.returncode).name}"
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return f"its process failed: {lines[-1] if lines else f'status {done.returncode}'}"
