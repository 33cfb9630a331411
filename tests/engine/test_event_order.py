"""Events run in the order of (time, sequence), and virtual time is whole picoseconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.engine import MICROSECOND, SECOND, Engine, to_ps, to_seconds
from vmpp.engine.queue import NEVER


@given(st.lists(st.integers(0, 5)))
def test_events_run_by_time_and_then_in_the_order_of_scheduling(times: list[int]) -> None:
    engine = Engine()
    seen: list[tuple[int, int]] = []
    for number, when in enumerate(times):
        engine.at(when, seen.append, (when, number))
    engine.run()
    assert seen == sorted((when, number) for number, when in enumerate(times))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20))
def test_what_events_schedule_takes_its_place_among_what_was_there(
    chains: list[tuple[int, int]],
) -> None:
    engine = Engine()
    seen: list[int] = []

    def first(delay: int) -> None:
        seen.append(engine.now)
        engine.after(delay, lambda _: seen.append(engine.now))

    for when, delay in chains:
        engine.at(when, first, delay)
    engine.run()
    assert seen == sorted(seen)
    assert len(seen) == 2 * len(chains)


def test_an_event_sees_its_own_time() -> None:
    engine = Engine()
    seen: list[int] = []
    engine.at(3 * SECOND + 1, lambda _: seen.append(engine.now))
    engine.run()
    assert seen == [3 * SECOND + 1]
    assert engine.now == 3 * SECOND + 1


def test_the_virtual_past_is_closed() -> None:
    engine = Engine()
    engine.at(10, lambda _: None)
    engine.run()
    with pytest.raises(ValueError, match="it is 10 ps already"):
        engine.at(9, lambda _: None)
    with pytest.raises(ValueError, match="cannot schedule"):
        engine.after(-1, lambda _: None)
    engine.at(10, lambda _: None)


def test_events_at_the_horizon_wait() -> None:
    engine = Engine()
    seen: list[int] = []
    for when in (1, 4, 5, 6):
        engine.at(when, seen.append, when)
    engine.horizon = 5
    engine.run()
    assert (seen, engine.now, engine.peek()) == ([1, 4], 4, 5)
    assert engine.step(100) is False
    engine.horizon = NEVER
    engine.run()
    assert seen == [1, 4, 5, 6]
    assert engine.peek() == NEVER


def test_an_event_may_draw_the_horizon_near() -> None:
    engine = Engine()
    seen: list[int] = []

    def near(_: object) -> None:
        engine.horizon = 2

    engine.at(1, near)
    engine.at(1, seen.append, 1)
    engine.at(2, seen.append, 2)
    engine.run()
    assert seen == [1]


def test_a_step_runs_so_many_events_and_says_whether_more_could_run() -> None:
    engine = Engine()
    seen: list[int] = []
    for number in range(3):
        engine.at(number, seen.append, number)
    assert engine.step(2) is True
    assert seen == [0, 1]
    assert engine.step(1) is False
    assert engine.step(1) is False


def test_a_failing_event_is_over_and_the_next_can_run() -> None:
    engine = Engine()
    seen: list[int] = []
    engine.at(1, lambda _: 1 // 0)
    engine.at(2, seen.append, 2)
    with pytest.raises(ZeroDivisionError):
        engine.run()
    engine.run()
    assert seen == [2]


@given(st.integers(0, 10**15))
def test_a_microsecond_count_is_exact_in_picoseconds(count: int) -> None:
    assert to_ps(to_seconds(count * MICROSECOND)) == pytest.approx(count * MICROSECOND, rel=1e-15)


def test_seconds_are_rounded_to_the_nearest_picosecond() -> None:
    assert to_ps(1.5e-12) == 2
    assert to_ps(0.1) == SECOND // 10
    assert to_seconds(SECOND // 4) == 0.25


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans())))
def test_what_is_taken_back_does_not_happen_and_time_does_not_go_there(
    events: list[tuple[int, bool]],
) -> None:
    engine = Engine()
    seen: list[int] = []
    for number, (when, _) in enumerate(events):
        engine.at(when, seen.append, number)
    for number, (when, stays) in enumerate(events):
        if not stays:
            engine.cancel(when, seen.append, number)
    engine.run()
    left = sorted((when, number) for number, (when, stays) in enumerate(events) if stays)
    assert seen == [number for _, number in left]
    assert engine.now == (left[-1][0] if left else 0)


def test_an_instant_that_has_begun_is_not_taken_back() -> None:
    engine = Engine()
    seen: list[str] = []
    engine.at(1, lambda _: engine.cancel(1, seen.append, "second"))
    engine.at(1, seen.append, "second")
    engine.at(2, seen.append, "third")
    engine.cancel(3, seen.append, "never asked for")
    engine.run()
    assert seen == ["second", "third"]
