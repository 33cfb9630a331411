"""A CPU: work that interrupts and noise stretch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vmpp.engine import Engine
from vmpp.hardware.noise import Noise


class Cpu:
    """Runs one piece of work at a time, which interrupts make longer.

    Attributes:
        busy: whether work is under way.
        noise: what takes the CPU away from the application time and again; None: nothing does.
        taken: what interrupts have taken away from work so far, in picoseconds.
    """

    __slots__ = (
        "_argument", "_callback", "_due_at", "_end", "_engine", "_generation", "_start", "busy",
        "noise", "taken",
    )  # fmt: skip

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.busy = False
        self.noise: Noise | None = None
        self.taken = 0
        self._start = self._end = self._due_at = 0
        self._generation = 0
        self._callback: Callable[[Any], object] | None = None
        self._argument: Any = None

    def work(
        self, start: int, duration: int, callback: Callable[[Any], object], argument: Any
    ) -> None:
        """Work for *duration* picoseconds from time *start* on, then call *callback(argument)*.

        Noise and interrupts make it later.

        Raises:
            RuntimeError: the CPU is working already.
            ValueError: the work would end in the virtual past.
        """
        if self.busy:
            raise RuntimeError("this CPU is working already")
        noise = self.noise
        end = start + duration if noise is None else noise.finish(start, duration)
        self._engine.at(end, self._due, self._generation)
        self.busy = True
        self._start = start
        self._due_at = self._end = end
        self._callback = callback
        self._argument = argument

    def interrupt(self, duration: int) -> None:
        """Take *duration* picoseconds away from the work under way, if any."""
        if self.busy:
            # Who computes comes last: whatever comes before it, its end is that of all together.
            noise = self.noise
            end = self._end
            self._end = end + duration if noise is None else noise.finish(end, duration)
            self.taken += duration

    def stop(self) -> int:
        """Stop the work under way and return what is left of it, in picoseconds."""
        if not self.busy:
            return 0
        # Nothing of it stays in the queue, or virtual time would go on for it.
        self._engine.cancel(self._due_at, self._due, self._generation)
        self._leave()
        start = max(self._start, self._engine.now)
        noise = self.noise
        return self._end - start if noise is None else noise.idle(start, self._end)

    def _due(self, generation: int) -> None:
        if generation != self._generation:
            return
        if self._end > self._engine.now:
            self._due_at = self._end
            self._engine.at(self._end, self._due, generation)
            return
        callback, argument = self._callback, self._argument
        self._leave()
        if callback is not None:
            callback(argument)

    def _leave(self) -> None:
        self.busy = False
        self._generation += 1
        self._callback = self._argument = None
