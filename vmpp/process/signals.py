"""Signals that somebody sends to a process from outside."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vmpp.kernel import Process

HARMLESS: Final = frozenset((signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH))
"""Signals that make no difference to a program without a handler for them."""


def deliver(process: Process, number: int) -> bool:
    """Let the program of *process* deal with a signal; return whether it does.

    Its own handler interrupts it, as an event handler does: it may change what the program looks
    at, send messages, and raise; what blocks raises RuntimeError in it. The signal waits for a
    process that is not there yet.
    """
    space = process.space
    handler = None if space is None or space.signals is None else space.signals.get(number)
    if callable(handler) and process.fiber:
        frame = process.space.user_frame(process.fiber.gr_frame)

        def run(*_: Any) -> None:
            handler(number, frame)

        now = process.kernel.engine.now + process.kernel.context_switch
        process.run_handler(run, None, 0, now)  # type: ignore[arg-type]
        return True
    return handler == signal.SIG_IGN or (handler is None and number in HARMLESS)
