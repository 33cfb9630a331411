"""What a node does besides the application: interruptions of a CPU, and what is left of it.

Whatever interrupts a CPU takes precedence over the application, and waits for whatever else does:
events that overlap queue up. So the application has the CPU whenever no event that has begun is
unfinished. All questions are answered from sums over the events of a stretch of time, which a
source knows without going through them; see `Noise`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from random import Random
from typing import Final, Protocol

from vmpp.errors import broken, raised

CPUS: Final = ("application", "first", "second", "any")
"""Which CPU of a node a source of noise hits; see `NoiseSource.cpu`."""


class Interruptions(Protocol):
    """The events by which one source interrupts one CPU, from the endless past on.

    What it answers may not depend on who has asked what before.

    Attributes:
        load: the share of the CPU's time that they take in the long run.
        burst: picoseconds by which the work of the events that begin in a stretch of time differs
            at most from *load* times its length.
    """

    load: Fraction
    burst: int

    def before(self, when: int) -> int:
        """Return the work, in ps, of the events that begin before time *when*.

        It is counted from anywhere, always the same, so that differences mean something; it is
        negative on the other side of that.
        """
        ...

    def next(self, when: int) -> int:
        """Return when the first event begins that does not begin before *when*, in ps."""
        ...


class NoiseSource(Protocol):
    """Something that happens on nodes, time and again.

    Attributes:
        cpu: which CPU it hits: ``application``, each that runs one; ``first`` or ``second``, that
            CPU, whatever runs there; ``any``, one that is idle, where it does no harm, and if all
            run applications each in turn.
    """

    @property
    def cpu(self) -> str: ...

    def interruptions(
        self, nid: int, draw: Random, turn: int = 0, turns: int = 1
    ) -> Interruptions | None:
        """Return the events of node *nid*, or None if it is spared.

        Args:
            draw: the random stream of this source on this node.
            turn, turns: only every *turns*-th event is wanted, beginning with number *turn*.
        """
        ...


class Noise:
    """All that interrupts one CPU.

    Time and work are whole picoseconds, and answers are exact. They take time in the number of
    sources, and in the events that can pile up at once, but not in those that a piece of work
    meets: the end of work is the least fixed point of "work, and that of all events before its
    end", the response-time analysis of fixed-priority scheduling (Joseph and Pandya, 1986), and is
    sought from a bound below it that the long-run load gives.
    """

    __slots__ = ("_burst", "_busy", "_quiet_from", "_quiet_until", "_sources", "_spare", "_window")

    def __init__(self, sources: Sequence[Interruptions]) -> None:
        """Take all *sources* together.

        Raises:
            ValueError: they leave no time for anything else.
        """
        load = sum((each.load for each in sources), Fraction())
        if load >= 1:
            raise ValueError(f"noise takes {float(load):.1%} of the CPU's time, and leaves none")
        self._sources = tuple(sources)
        self._burst = sum(each.burst for each in sources)
        # Of `_busy` picoseconds in the long run, `_spare` are the application's.
        self._busy, self._spare = load.denominator, load.denominator - load.numerator
        self._window = ceil(self._burst / (1 - load))
        # No event begins, or is unfinished, from the one to the other: most questions end here.
        self._quiet_from, self._quiet_until = 0, -1

    def finish(self, start: int, work: int) -> int:
        """Return when *work* picoseconds of computing are done that begin at time *start*."""
        end = start + work
        if self._quiet_from <= start and end <= self._quiet_until:
            return end
        return self._finish(start, work) if work else start

    def free(self, when: int) -> int:
        """Return from when on the application can run, *when* or later."""
        if self._quiet_from <= when < self._quiet_until:
            return when
        return self._finish(when, 1) - 1

    def idle(self, start: int, end: int) -> int:
        """Return how much of the time from *start* to *end* is left for the application."""
        length = end - start
        if self._quiet_from <= start and end <= self._quiet_until:
            return length
        return length - self.arrived(start, end) + self.backlog(end) - self.backlog(start)

    def arrived(self, start: int, end: int) -> int:
        """Return the work of the events that begin from *start* on and before *end*.

        Raises:
            PluginError: a source says what cannot be; answers would be wrong, or never come.
        """
        try:
            work = sum(each.before(end) - each.before(start) for each in self._sources)
            most = (self._busy - self._spare) * (end - start) + self._burst * self._busy
            if type(work) is int and 0 <= work * self._busy <= most:
                return work
        except Exception:
            work = -1
        for each in self._sources:
            _check_work(each, start, end)
        return work

    def backlog(self, when: int) -> int:
        """Return what is unfinished at time *when* of the events that have begun before."""
        # It is the most, over all events before, of what has begun since less the time since. That
        # is sought from the earliest event that can matter on; what has been found bounds how far
        # back a greater one can lie.
        if self._quiet_from <= when <= self._quiet_until:
            return 0
        most, back = 0, self._window
        while back > 0:
            back = when - self._next(when - back)
            if back <= 0:
                break
            begun = self.arrived(when - back, when)
            most = max(most, begun - back)
            back = min(back, begun - most) - 1
        return most

    def _finish(self, start: int, work: int) -> int:
        wanted = work + self.backlog(start)
        length = max(wanted, (wanted - self._burst) * self._busy // self._spare)
        while (longer := wanted + self.arrived(start, start + length)) > length:
            length = longer
        end = start + length
        self._quiet_from = end
        self._quiet_until = self._next(end)
        return end

    def _next(self, when: int) -> int:
        """Return when the first event begins that does not begin before *when*."""
        try:
            begin = min(each.next(when) for each in self._sources)
            if type(begin) is int and begin >= when:
                return begin
        except Exception:
            begin = when
        for each in self._sources:
            _check_next(each, when)
        return begin


def _check_work(source: Interruptions, start: int, end: int) -> None:
    """Raise a PluginError if *source* says what cannot be of a stretch of time."""
    try:
        work = source.before(end) - source.before(start)
    except Exception as error:
        raise raised(source, "before", error) from error
    if type(work) is not int or not 0 <= work <= source.load * (end - start) + source.burst:
        raise broken(
            source, "before", f"counts {work!r} ps of work from {start} to {end} ps",
            "that differs from load times the length by burst at most",
        )  # fmt: skip


def _check_next(source: Interruptions, when: int) -> None:
    """Raise a PluginError if *source* says what cannot be of the next event."""
    try:
        begin = source.next(when)
    except Exception as error:
        raise raised(source, "next", error) from error
    if type(begin) is not int or begin < when:
        raise broken(
            source, "next", f"returned {begin!r} for {when} ps",
            "it returns when an event begins, that time or later",
        )  # fmt: skip
