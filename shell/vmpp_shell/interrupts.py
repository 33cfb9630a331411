"""^C at the host's terminal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import trio

from vmpp.engine import as_host

if TYPE_CHECKING:
    from vmpp_shell.interpreter import Interpreter


@contextmanager
def interruptible(interpreter: Interpreter) -> Iterator[None]:
    """Have ^C interrupt the foreground within the block, instead of vmpp."""
    token = trio.lowlevel.current_trio_token()

    def strike(number: int, frame: Any) -> None:
        interpreter.hurry()
        with as_host():
            token.run_sync_soon(interpreter.interrupt)

    before = signal.getsignal(signal.SIGINT)
    # Who ignores ^C, as a job of a shell's in the background does, goes on doing so.
    if (
        threading.current_thread() is not threading.main_thread()
        or before is None
        or before == signal.SIG_IGN
    ):
        yield
        return
    signal.signal(signal.SIGINT, strike)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
