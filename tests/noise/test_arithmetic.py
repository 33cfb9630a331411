"""When work is done that noise interrupts: closed forms against a list of every event."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vmpp.hardware import Interruptions, Noise, Periodic
from vmpp.hardware.periodic import EvenNoise, together

PAST, FUTURE = -2000, 2200
"""The picoseconds that the list of events covers."""


class Listed:
    """A CPU of which every event, and every picosecond, is gone through."""

    def __init__(self, sources: Sequence[Interruptions]) -> None:
        begun = [0] * (FUTURE - PAST)
        for source in sources:
            when = source.next(PAST)
            while when < FUTURE:
                begun[when - PAST] += source.before(when + 1) - source.before(when)
                when = source.next(when + 1)
        self.unfinished = [0]
        self.free = []
        for work in begun:
            left = self.unfinished[-1] + work
            self.free.append(left == 0)
            self.unfinished.append(max(0, left - 1))
        self.passed = list(accumulate(self.free, initial=0))

    def idle(self, start: int, end: int) -> int:
        return self.passed[end - PAST] - self.passed[start - PAST]

    def finish(self, start: int, work: int) -> int:
        return next(end for end in range(start, FUTURE) if self.idle(start, end) == work)

    def backlog(self, when: int) -> int:
        return self.unfinished[when - PAST]


@st.composite
def sources(draw: st.DrawFn) -> list[Periodic]:
    """Some sources that leave an eighth of the time, or more."""
    made = []
    for _ in range(draw(st.integers(1, 3))):
        period = draw(st.integers(2, 40))
        made.append(
            Periodic(
                period,
                draw(st.integers(1, period - 1)),
                draw(st.none() | st.integers(-100, 100)),
                draw(st.sampled_from([0, 0, 1, period // 2, period])),
            )
        )
    assume(sum(Fraction(each.duration, each.period) for each in made) <= Fraction(7, 8))
    return made


def interruptions(made: Sequence[Periodic], seed: int = 0) -> list[Interruptions]:
    draw = Random(seed)
    return [each for each in (one.interruptions(0, draw) for one in made) if each is not None]


@given(sources(), st.lists(st.tuples(st.integers(0, 90), st.integers(0, 12)), max_size=12))
def test_work_ends_when_a_list_of_all_events_says(
    made: list[Periodic], asked: list[tuple[int, int]]
) -> None:
    events = interruptions(made)
    listed, noise = Listed(events), Noise(events)
    for start, work in asked:
        end = listed.finish(start, work)
        assert noise.finish(start, work) == end
        assert noise.idle(start, end) == work
        assert noise.backlog(start) == listed.backlog(start)
        assert noise.idle(start, start + work) == listed.idle(start, start + work)
        free = noise.free(start)
        assert listed.idle(start, free) == 0
        assert listed.idle(free, free + 1) == 1


@given(
    st.integers(2, 40).flatmap(lambda T: st.tuples(st.just(T), st.integers(1, T - 1))),
    st.integers(-100, 100),
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 12)), max_size=12),
)
def test_evenly_spaced_events_are_dealt_with_at_one_go(
    sizes: tuple[int, int], phase: int, asked: list[tuple[int, int]]
) -> None:
    events = interruptions([Periodic(*sizes, phase)])
    noise = together(events)
    assert type(noise) is EvenNoise
    for start, work in asked:
        every = Noise(events)
        assert noise.backlog(start) == every.backlog(start)
        assert noise.finish(start, work) == every.finish(start, work)
        assert noise.free(start) == every.free(start)
        assert noise.idle(start, start + work) == every.idle(start, start + work)


def test_no_share_of_the_time_is_too_much_for_evenly_spaced_events() -> None:
    noise = together(interruptions([Periodic(10**12, 10**12 - 1, 0)]))
    assert noise is not None
    assert noise.finish(0, 10**6) == 10**18
    assert noise.backlog(10**12 - 1) == 0
    assert noise.backlog(5) == 10**12 - 6


@given(sources(), st.integers(0, 100), st.lists(st.integers(1, 9), min_size=1, max_size=9))
def test_work_in_pieces_ends_with_the_same_work_in_one(
    made: list[Periodic], start: int, pieces: list[int]
) -> None:
    end = start
    for piece in pieces:
        end = Noise(interruptions(made)).finish(end, piece)
    assert end == Noise(interruptions(made)).finish(start, sum(pieces))


@given(sources(), st.permutations(range(0, 200, 7)))
def test_answers_do_not_depend_on_what_was_asked_before(
    made: list[Periodic], order: list[int]
) -> None:
    events = interruptions(made)
    noise = Noise(events)
    assert [noise.finish(start, 5) for start in order] == [
        Noise(events).finish(start, 5) for start in order
    ]


@pytest.mark.parametrize("years", [1, 1000])
@pytest.mark.parametrize("jitter", [0, 300_000])
def test_the_length_of_the_work_makes_no_difference_to_the_cost(years: int, jitter: int) -> None:
    second = 10**12
    made = [
        Periodic(second // 1000, 10_000_000, jitter=jitter),
        Periodic(second // 100, 250_000_000, jitter=jitter),
        Periodic(60 * second, second // 50),
    ]
    questions = 0

    class Counting:
        def __init__(self, inner: Interruptions) -> None:
            self.load, self.burst = inner.load, inner.burst
            self._inner = inner

        def before(self, when: int) -> int:
            nonlocal questions
            questions += 1
            return self._inner.before(when)

        def next(self, when: int) -> int:
            return self._inner.next(when)

    noise = Noise([Counting(each) for each in interruptions(made)])
    work = years * 365 * 86_400 * second
    end = noise.finish(12_345, work)
    assert questions < 200
    load = Fraction(1, 100) + Fraction(1, 40) + Fraction(1, 3000)
    assert end == pytest.approx(work / (1 - load), rel=1e-9)
    assert noise.idle(12_345, end) == work
    assert noise.idle(12_345, end - 1) == work - 1


def test_an_event_that_has_begun_goes_first_and_overlapping_ones_queue_up() -> None:
    noise = Noise(interruptions([Periodic(100, 10, 20), Periodic(100, 5, 25)]))
    assert noise.finish(0, 20) == 20
    assert noise.finish(0, 21) == 36
    assert noise.finish(20, 1) == 36
    assert [noise.free(when) for when in (19, 20, 34, 35)] == [19, 35, 35, 35]


def test_jitter_moves_events_within_its_bounds_and_one_seed_gives_the_same() -> None:
    source = Periodic(1000, 10, 0, jitter=300)

    def begins(seed: int) -> list[int]:
        (events,) = interruptions([source], seed)
        return [events.next(1000 * k) - 1000 * k for k in range(200)]

    assert all(0 <= late <= 300 for late in begins(1))
    assert min(begins(1)) < 20
    assert max(begins(1)) > 280
    assert begins(1) == begins(1)
    assert begins(1) != begins(2)


def test_a_source_without_a_phase_begins_elsewhere_on_each_node() -> None:
    source = Periodic(1000, 10)
    assert not source.synchronised
    phases = {source.interruptions(0, Random(seed)).next(0) for seed in range(50)}  # type: ignore[union-attr]
    assert len(phases) > 40


def test_cpus_that_take_an_event_each_in_turn_have_all_of_them() -> None:
    source = Periodic(100, 10, 7)
    whole = source.interruptions(0, Random(0))
    halves = [source.interruptions(0, Random(0), turn, 2) for turn in (0, 1)]
    assert whole is not None
    for when in range(-500, 500):
        assert whole.next(when) == min(each.next(when) for each in halves if each is not None)


def test_a_node_that_is_not_named_is_spared() -> None:
    source = Periodic(100, 10, nodes=range(0, 64, 32))
    assert source.interruptions(32, Random(0)) is not None
    assert source.interruptions(33, Random(0)) is None


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"duration": 100}, "duration: an event is shorter than the period"),
        ({"duration": 0}, "duration: an event is shorter than the period, and takes time"),
        ({"jitter": 101}, "jitter: an event can be late by a period at most"),
        ({"cpu": "third"}, "cpu: 'third' is none of application, first, second, any"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, int], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Periodic(**{"period": 100, "duration": 10, **wrong})  # type: ignore[arg-type]


def test_sources_that_leave_no_time_are_refused() -> None:
    with pytest.raises(ValueError, match=r"noise takes 110.0% of the CPU's time, and leaves none"):
        Noise(interruptions([Periodic(100, 60), Periodic(10, 5)]))
