"""A CPU: work that interrupts stretch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vmpp.engine import Engine


class Cpu:
    """Runs one piece of work at a time, which interrupts make longer.

    Attributes:
        busy: whether work is under way.
    """

    __slots__ = ("_argument", "_callback", "_end", "_engine", "_generation", "busy")

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.busy = False
        self._end = 0
        self._generation = 0
        self._callback: Callable[[Any], object] | None = None
        self._argument: Any = None

    def work(self, end: int, callback: Callable[[Any], object], argument: Any) -> None:
        """Work until *end* (picoseconds), later by every interrupt, then call *callback(argument)*.

        Raises:
            RuntimeError: the CPU is working already.
            ValueError: *end* lies in the virtual past.
        """
        if self.busy:
            raise RuntimeError("this CPU is working already")
        self._engine.at(end, self._due, self._generation)
        self.busy = True
        self._end = end
        self._callback = callback
        self._argument = argument

    def interrupt(self, duration: int) -> None:
        """Take *duration* picoseconds away from the work under way, if any."""
        if self.busy:
            self._end += duration

    def stop(self) -> int:
        """Stop the work under way and return what is left of it, in picoseconds."""
        if not self.busy:
            return 0
        self.busy = False
        self._generation += 1
        self._callback = self._argument = None
        return self._end - self._engine.now

    def _due(self, generation: int) -> None:
        if generation != self._generation:
            return
        if self._end > self._engine.now:
            self._engine.at(self._end, self._due, generation)
            return
        callback, argument = self._callback, self._argument
        self.stop()
        if callback is not None:
            callback(argument)
