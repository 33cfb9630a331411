"""Noise that recurs: a timer, a daemon, a heartbeat."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from random import Random
from typing import Final

from vmpp.hardware.noise import CPUS, Interruptions, Noise

_WORD: Final = 64
_MASK: Final = (1 << _WORD) - 1


@dataclass(frozen=True, slots=True)
class Periodic:
    """An event of the same length in every period, at the same place or anywhere near it.

    Attributes:
        period, duration: of the events, in picoseconds.
        phase: when an event begins; None: anywhere in a period, for each node by chance.
        jitter: picoseconds by which an event begins late at most, each by chance.
        nodes: those that have it; None: all.
        cpu: which CPU it hits (see `vmpp.hardware.noise.NoiseSource`).
    """

    period: int
    duration: int
    phase: int | None = None
    jitter: int = 0
    nodes: Container[int] | None = None
    cpu: str = "application"

    def __post_init__(self) -> None:
        """Check that this can be.

        Raises:
            ValueError: events leave no time between them, or could overtake each other; or no CPU
                is called *cpu*. The message names the attribute.
        """
        if not 0 < self.duration < self.period:
            raise ValueError("duration: an event is shorter than the period, and takes time")
        if not 0 <= self.jitter <= self.period:
            raise ValueError("jitter: an event can be late by a period at most")
        if self.cpu not in CPUS:
            raise ValueError(f"cpu: {self.cpu!r} is none of {', '.join(CPUS)}")

    @property
    def synchronised(self) -> bool:
        """Whether it happens on all nodes at once, but for the jitter."""
        return self.phase is not None

    def interruptions(
        self, nid: int, draw: Random, turn: int = 0, turns: int = 1
    ) -> Interruptions | None:
        """Return the events of node *nid*, or None if it is spared."""
        if self.nodes is not None and nid not in self.nodes:
            return None
        by_chance = draw.randrange(self.period)
        phase = (by_chance if self.phase is None else self.phase) + turn * self.period
        if not self.jitter:
            return EvenlySpaced(turns * self.period, self.duration, phase)
        return Jittered(
            turns * self.period, self.duration, phase, self.jitter, draw.getrandbits(_WORD)
        )


class EvenlySpaced:
    """Events of one length that begin at *phase* and whole periods before and after it.

    Attributes:
        period, duration, phase: in picoseconds.
        load, burst: see `Interruptions`.
    """

    __slots__ = ("burst", "duration", "load", "period", "phase")

    def __init__(self, period: int, duration: int, phase: int) -> None:
        self.period = period
        self.duration = duration
        self.phase = phase
        self.load = Fraction(duration, period)
        self.burst = duration

    def before(self, when: int) -> int:
        """Return the work of the events from *phase* on that begin before *when*."""
        return self.duration * -((self.phase - when) // self.period)

    def next(self, when: int) -> int:
        """Return when the first event begins that does not begin before *when*."""
        return self.phase - (self.phase - when) // self.period * self.period


class Jittered:
    """The same, each event later by up to *jitter*, which is a function of *key* and its number."""

    __slots__ = ("_duration", "_jitter", "_key", "_period", "_phase", "burst", "load")

    def __init__(self, period: int, duration: int, phase: int, jitter: int, key: int) -> None:
        self._period = period
        self._duration = duration
        self._phase = phase
        self._jitter = jitter
        self._key = key
        self.load = Fraction(duration, period)
        self.burst = ceil(duration * (1 + Fraction(jitter, period)))

    def before(self, when: int) -> int:
        """Return the work of the events from number 0 on that begin before *when*."""
        return self._duration * self._number(when)

    def next(self, when: int) -> int:
        """Return when the first event begins that does not begin before *when*."""
        return self._begin(self._number(when))

    def _number(self, when: int) -> int:
        """Return the number of the first event that does not begin before *when*.

        As none can overtake the next, all those before it do.
        """
        number = -((self._phase + self._jitter - when) // self._period)
        while self._phase + number * self._period < when and self._begin(number) < when:
            number += 1
        return number

    def _begin(self, number: int) -> int:
        late = _mixed(self._key + number) * (self._jitter + 1) >> _WORD
        return self._phase + number * self._period + late


def _mixed(counter: int) -> int:
    """Return 64 bits that look random, a function of *counter*: SplitMix64's (Steele, 2014)."""
    word = counter * 0x9E3779B97F4A7C15 & _MASK
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    word = (word ^ word >> 27) * 0x94D049BB133111EB & _MASK
    return word ^ word >> 31


class EvenNoise(Noise):
    """Nothing but evenly spaced events, of which no two can pile up: all answers at one go."""

    __slots__ = ("_duration", "_period", "_phase")

    def __init__(self, events: EvenlySpaced) -> None:
        super().__init__((events,))
        self._period = events.period
        self._duration = events.duration
        self._phase = events.phase

    def backlog(self, when: int) -> int:
        """Return what is unfinished at time *when* of the event that has begun last before."""
        since = (when - self._phase - 1) % self._period + 1
        return max(0, self._duration - since)

    def _finish(self, start: int, work: int) -> int:
        since = (start - self._phase) % self._period
        # Work from the end of the last event on, as if it had gone on until now.
        whole = max(0, since - self._duration) + work
        rounds, rest = divmod(whole - 1, self._period - self._duration)
        end = start - since + rounds * self._period + self._duration + rest + 1
        self._quiet_from = end
        self._quiet_until = start - since + (rounds + 1) * self._period
        return end


def together(sources: Sequence[Interruptions]) -> Noise | None:
    """Return all *sources* as the noise of one CPU, or None if there are none.

    Raises:
        ValueError: they leave no time for anything else.
    """
    if len(sources) == 1 and isinstance(sources[0], EvenlySpaced):
        return EvenNoise(sources[0])
    return Noise(sources) if sources else None
