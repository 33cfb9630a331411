"""What every noise profile must do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import strategies as st

from vmpp.engine import Streams
from vmpp.hardware import CPUS, Interruptions, Noise, NoiseSource
from vmpp.testing.rules import EXAMPLES, NONSENSE, Story, look
from vmpp.testing.subjects import subject

_MOST = 1 << 48
"""Picoseconds of virtual time that are looked at: five minutes."""


def check_noise(
    noise: str | Callable[..., Sequence[NoiseSource]],
    *,
    nodes: int = 16,
    examples: int = EXAMPLES,
) -> None:
    """Check a noise profile: work never ends early, and its events are where it says.

    Args:
        noise: what chooses it, as in a machine file, or the factory that a plugin offers.
        nodes: the numbers of nodes that are looked at are less than this.
        examples: how many stretches of time are tried.

    Raises:
        RuleBroken: it breaks a rule, which the message says, with the shortest example found.
    """
    checked = subject("noise", noise)

    def example(story: Story, draw: Callable[..., Any]) -> None:
        nid = draw(st.integers(0, nodes - 1))
        seed = draw(st.integers(0, 3))
        sources = _sources(story, checked.choice)
        found = [_events(story, source, place, nid, seed) for place, source in enumerate(sources)]
        events = [each for each in found if each is not None]
        story.tell(f"on node {nid} with seed {seed}")
        times = [draw(st.integers(0, _MOST)) for _ in range(3)]
        for each in events:
            _check_events(story, each, sorted(times))
        _check_steadiness(story, sources, nid, seed, times, events)
        _check_work(story, events, times[0], draw)

    look(str(checked), example, examples, blames=NONSENSE)


def _sources(story: Story, choice: Callable[..., Any]) -> Sequence[NoiseSource]:
    sources = tuple(story.ask("the factory", choice))
    for source in sources:
        lacking = [name for name in ("cpu", "interruptions") if not hasattr(source, name)]
        story.require(not lacking, "a source has cpu and interruptions", f"{source!r} has not")
        story.require(
            source.cpu in CPUS, f"cpu is one of {', '.join(CPUS)}", f"it is {source.cpu!r}"
        )
    return sources


def _events(
    story: Story, source: NoiseSource, place: int, nid: int, seed: int
) -> Interruptions | None:
    found: Interruptions | None = story.ask(
        "interruptions", source.interruptions, nid, _draw(place, nid, seed)
    )
    return found


def _draw(place: int, nid: int, seed: int) -> Random:
    return Streams(seed).stream(f"noise {place} of node {nid}")


def _check_events(story: Story, events: Interruptions, times: Sequence[int]) -> None:
    story.require(
        isinstance(events.load, Fraction) and 0 <= events.load < 1,
        "load is a Fraction, less than 1",
        f"it is {events.load!r}",
    )
    for begin, end in pairwise(times):
        work = story.ask("before", events.before, end) - story.ask("before", events.before, begin)
        story.tell(f"from {begin} to {end} ps there are {work} ps of work")
        story.require(
            work >= 0 and abs(work - events.load * (end - begin)) <= events.burst,
            "the work in a stretch of time differs by burst at most from load times its length",
            f"load is {float(events.load):.6g} and burst {events.burst} ps",
        )
        following = story.ask("next", events.next, begin)
        story.tell(f"next({begin}) is {following}")
        story.require(following >= begin, "next is not before the time that was asked about")
        story.require(
            events.before(following) == events.before(begin) < events.before(following + 1),
            "next is when the first event begins whose work before counts",
            f"before says {events.before(begin)}, {events.before(following)} and "
            f"{events.before(following + 1)} ps at the time, at next, and right after",
        )


def _check_steadiness(
    story: Story,
    sources: Sequence[NoiseSource],
    nid: int,
    seed: int,
    times: Sequence[int],
    events: Sequence[Interruptions],
) -> None:
    """Check that what is answered depends on the random stream and the time alone."""
    again = [
        made
        for place, source in enumerate(sources)
        if (made := source.interruptions(nid, _draw(place, nid, seed))) is not None
    ]
    answers = [[(each.next(time), each.before(time)) for time in times] for each in events]
    backwards = [
        [(each.next(time), each.before(time)) for time in reversed(times)][::-1] for each in again
    ]
    story.require(
        answers == backwards,
        "what is answered does not depend on what was asked before, nor on anything but the stream",
        f"in turn it is {answers}, in reverse {backwards}",
    )


def _check_work(
    story: Story, events: Sequence[Interruptions], start: int, draw: Callable[..., Any]
) -> None:
    if not events:
        return
    one, other = draw(st.integers(0, _MOST >> 8)), draw(st.integers(0, _MOST >> 8))
    noise = story.ask("Noise", Noise, events)
    middle = story.ask("finish", noise.finish, start, one)
    end = story.ask("finish", noise.finish, middle, other)
    story.tell(f"work of {one} ps from {start} ps on ends at {middle}, and {other} more at {end}")
    story.require(
        middle >= start + one and end >= middle + other, "work never ends before it is done"
    )
    story.require(
        noise.finish(start, one + other) == end,
        "work in one piece ends when it does in two",
        f"that is at {noise.finish(start, one + other)} ps",
    )
    story.require(
        noise.idle(start, end) == one + other,
        "the time that is left for the application is that in which it works",
        f"it is {noise.idle(start, end)} ps",
    )
