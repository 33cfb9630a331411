"""Signals that somebody sends to a process from outside."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vmpp.kernel import Process

HARMLESS: Final = frozenset((signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH))
"""Signals that make no difference to a program without a handler for them."""

PATIENCE: Final = 1000
"""How often a signal waits for a process to come out of a library's innermost parts."""


def deliver(process: Process, number: int) -> bool:
    """Let the program of *process* deal with a signal; return whether it does.

    Its own handler is called where the program blocks next, and may block itself; what it raises
    surfaces there. In a program with threads it is called as an event handler is: what blocks in
    it raises RuntimeError.
    """
    space = process.space
    handler = None if space is None or space.signals is None else space.signals.get(number)
    if callable(handler) and process.fiber:
        _call(process, handler, number, PATIENCE)
        return True
    return handler == signal.SIG_IGN or (handler is None and number in HARMLESS)


def _call(process: Process, handler: Callable[..., Any], number: int, patience: int) -> None:
    if process.dead or process.dying or not process.fiber:
        return
    run = partial(handler, number, process.space.user_frame(process.fiber.gr_frame))
    if process.interrupt(run):
        return
    engine = process.kernel.engine
    if patience and process.fibers is None and process.clock > engine.now:
        again = partial(_call, process, handler, number, patience - 1)
        engine.at(process.clock, lambda _: again())
    else:
        now = engine.now + process.kernel.context_switch
        process.run_handler(lambda *_: run(), None, 0, now)  # type: ignore[arg-type]
