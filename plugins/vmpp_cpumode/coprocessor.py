"""Co-routines on the second CPU: what ``import coprocessor`` gives programs.

    import coprocessor

    handle = coprocessor.start(sweep, left)   # on the second CPU ...
    sweep(right)                              # ... while this one does the other half
    result = handle.wait()

A co-routine shares the memory of its process, computes (`vmpp.compute`) and lets time pass; it can
neither communicate nor call the system. A node has one co-processor, which runs one co-routine
after the other, as they are started. To start one, and to learn of its end, takes a hand-over
through shared memory each (``[kernel] hand_over`` of the machine's file).

This works on jobs in a CPU mode with a compute co-processor: ``yod -proc 2``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

from vmpp.engine import current_process
from vmpp.kernel import CoprocessorError, Process
from vmpp.pct import Coprocessor, Coroutine

__all__ = ["CoprocessorError", "Handle", "available", "start", "wait"]

P = ParamSpec("P")
R = TypeVar("R")


class Handle(Generic[R]):
    """A co-routine that has been started."""

    __slots__ = ("_coroutine",)

    def __init__(self, coroutine: Coroutine) -> None:
        self._coroutine = coroutine

    @property
    def done(self) -> bool:
        """Whether it is known to have ended."""
        return self._coroutine.done

    def wait(self) -> R:
        """Wait for its end, and return what its function has returned, or raise what it raised.

        Raises:
            CoprocessorError: a co-routine waits, or another process.
        """
        coroutine = self._coroutine
        _join(_caller("wait for a co-routine"), coroutine)
        coroutine.heard = True
        if coroutine.error is not None:
            raise coroutine.error
        result: R = coroutine.result
        return result


def available() -> bool:
    """Return whether the job runs in a mode with a compute co-processor."""
    process = current_process()
    return process is not None and process.coprocessor is not None


def start(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
    """Have ``function(*args, **kwargs)`` run on the co-processor, and go on at once.

    Raises:
        CoprocessorError: the job's mode has no compute co-processor; or a co-routine calls.
    """
    process = _caller("start a co-routine")
    coprocessor: Coprocessor | None = process.coprocessor
    if coprocessor is None:
        mode = process.job.mode or "its mode"
        raise CoprocessorError(
            f"job {process.job.id} has no compute co-processor in {mode}: launch it with "
            "'--mode compute-coprocessor' (yod -proc 2)"
        )
    return Handle(coprocessor.start(process, partial(function, *args, **kwargs)))


def wait(*handles: Handle[Any]) -> Sequence[Any]:
    """Wait for several co-routines, and return what their functions have returned, in order."""
    return [handle.wait() for handle in handles]


def wait_for_all(process: Process) -> None:
    """Wait for all co-routines of a process, at the end of its program.

    One that failed, and that nobody has waited for, is told of, and makes the status 1.
    """
    failed = False
    for coroutine in process.coroutines:
        _join(process, coroutine)
        if coroutine.error is not None and not coroutine.heard:
            failed = True
            print("a co-routine that nobody waited for raised an exception", file=sys.stderr)
            print(process.space.describe(coroutine.error), end="", file=sys.stderr)
    if failed:
        process.exit(1)


def _join(process: Process, coroutine: Coroutine) -> None:
    if coroutine.owner is not process:
        raise CoprocessorError("a co-routine of another process cannot be waited for")
    while not coroutine.done:
        process.wait(coroutine)


def _caller(what: str) -> Process:
    """Return the process that calls. Raises CoprocessorError."""
    process = current_process()
    if process is None:
        raise CoprocessorError("this works inside a program that runs on a virtual machine")
    if isinstance(process, Coroutine):
        raise CoprocessorError(f"a co-routine cannot {what}; its process can")
    return process
