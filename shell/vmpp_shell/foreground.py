"""Waiting for a job that has the terminal."""

from __future__ import annotations

import math
from signal import SIGKILL, SIGTERM, Signals
from typing import TYPE_CHECKING, Any

import trio

from vmpp_shell.tasks import nursery

if TYPE_CHECKING:
    from vmpp_shell.context import Context


async def in_foreground(context: Context, job: Any) -> Any:
    """Wait for the end of *job* and return its result.

    ^C sends the job SIGTERM, a second one SIGKILL, as it does for Cplant's ``yod``.
    """
    send, struck = trio.open_memory_channel[None](math.inf)
    async with nursery() as tasks:
        tasks.start_soon(_signal, context, job, struck)
        with context.interpreter.interrupted_by(lambda: send.send_nowait(None)):
            result = await context.session.wait(job)
        tasks.cancel_scope.cancel()
    return result


async def _signal(context: Context, job: Any, struck: trio.MemoryReceiveChannel[None]) -> None:
    number: Signals = SIGTERM
    async for _ in struck:
        job.end(128 + number)
        number = SIGKILL
