"""Fibers: flows of control that park in the middle of a call and are resumed by an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent, greenlet

if TYPE_CHECKING:
    from vmpp.kernel.process import Process


class Fiber(greenlet):
    """One flow of control of a process.

    A blocking call parks the fiber by switching to the engine's hub; an event switches back. The
    fiber knows its *process*, which makes `current_process` a look-up of the running greenlet.
    """

    __slots__ = ("process",)

    def __init__(
        self, body: Callable[..., object], parent: greenlet, process: Process | None = None
    ) -> None:
        super().__init__(body, parent)
        self.process = process


def current_fiber() -> Fiber | None:
    """Return the running fiber, or None in the hub, in a Trio task or in another thread."""
    running: Any = getcurrent()
    while running is not None:
        if isinstance(running, Fiber):
            return running
        # A program may run greenlets of its own inside its fiber.
        running = running.parent
    return None


def current_process() -> Process | None:
    """Return the process whose fiber is running, or None on the host's side."""
    running: Any = getcurrent()
    if type(running) is Fiber:
        return running.process
    if running.parent is None:
        return None
    fiber = current_fiber()
    return None if fiber is None else fiber.process


@contextmanager
def as_host() -> Iterator[None]:
    """Have the block run as the host's, whichever process it interrupts: a handler of a signal."""
    fiber = current_fiber()
    process = None if fiber is None else fiber.process
    if fiber is not None:
        fiber.process = None
    try:
        yield
    finally:
        if fiber is not None:
            fiber.process = process
