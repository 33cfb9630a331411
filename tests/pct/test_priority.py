"""Priorities: who is more urgent has the CPU at once, equals take turns, those who wait age."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vmpp.kernel import Process
from vmpp_pct import Priority

from .conftest import COSTS
from .sharing import START, computes, together

SWITCH = COSTS.context_switch


def after(delay: int, *lengths: int) -> Any:
    def main(process: Process) -> None:
        process.sleep(START + delay - process.clock)
        for length in lengths:
            process.compute(length)

    return main


def test_the_more_urgent_takes_the_cpu_away_at_once_and_the_rest_goes_on_later(
    cluster: Any,
) -> None:
    timeline, _ = together(
        cluster, lambda: Priority(1000), computes(5000), after(300, 700), priorities=[0, 1]
    )
    # Both wake at the beginning; the second, which goes first, finds that its time has not come.
    assert timeline.runs_of(1) == [(100, 300), (1100, 5900)]
    assert timeline.runs_of(2)[-1] == (350, 1050)


def test_the_less_urgent_runs_when_nobody_else_can(cluster: Any) -> None:
    def comes_and_goes(process: Process) -> None:
        for _ in range(3):
            process.compute(400)
            process.sleep(600)

    timeline, _ = together(
        cluster, lambda: Priority(10_000), comes_and_goes, computes(900), priorities=[5, -5]
    )
    assert timeline.runs_of(1) == [(50, 450), (1100, 1500), (2150, 2550), (3150, 3150)]
    assert timeline.runs_of(2) == [(500, 1050), (1550, 1900)]


def test_equals_take_turns(cluster: Any) -> None:
    timeline, _ = together(
        cluster,
        lambda: Priority(1000),
        computes(1500),
        computes(1300),
        computes(500),
        priorities=[1, 1, 0],
    )
    assert timeline.runs_of(1) == [(50, 1050), (2150, 2650)]
    assert timeline.runs_of(2) == [(1100, 2100), (2700, 3000)]
    assert timeline.runs_of(3) == [(3050, 3550)]


def test_without_ageing_whoever_is_more_urgent_has_all_of_the_cpu(cluster: Any) -> None:
    timeline, _ = together(
        cluster, lambda: Priority(100), computes(9000), computes(10), priorities=[1, 0]
    )
    assert timeline.runs_of(1) == [(50, 9050)]
    assert timeline.runs_of(2) == [(9100, 9110)]


def test_one_that_waits_becomes_more_urgent(cluster: Any) -> None:
    timeline, _ = together(
        cluster, lambda: Priority(1000, 2000), computes(9000), computes(1500), priorities=[1, 0]
    )
    # After 2,000 ps both are at the same level, and the second has been ready for longer.
    assert timeline.runs_of(2)[0] == (2100, 3100)
    assert timeline.runs_of(1)[:2] == [(50, 2050), (3150, 5150)]


def test_what_it_has_waited_for_is_not_taken_away_at_once(cluster: Any) -> None:
    def restless(process: Process) -> None:
        while process.clock < START + 20_000:
            process.compute(150)
            process.sleep(100)

    timeline, _ = together(
        cluster,
        lambda: Priority(1000, 2000),
        computes(9000),
        computes(3000),
        restless,
        priorities=[1, 0, 1],
    )
    runs = timeline.runs_of(2)
    assert runs[0][1] - runs[0][0] == 1000


def test_the_order_of_priorities_is_that_of_the_ends(cluster: Any) -> None:
    @given(st.lists(st.integers(-3, 3), min_size=2, max_size=5, unique=True))
    def check(priorities: list[int]) -> None:
        timeline, _ = together(
            cluster,
            lambda: Priority(700),
            *[computes(2000) for _ in priorities],
            priorities=priorities,
        )
        ended = [job for what, job, _ in timeline.told if what == "ended"]
        assert [priorities[job - 1] for job in ended] == sorted(priorities, reverse=True)

    check()


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.lists(st.integers(1, 3000), min_size=1, max_size=4)),
        min_size=2,
        max_size=4,
    ),
    st.integers(100, 2000),
    st.integers(1, 5000),
)
def test_with_ageing_nobody_waits_longer_than_promised(
    cluster: Any, works: list[tuple[int, list[int]]], quantum: int, ageing: int
) -> None:
    timeline, _ = together(
        cluster,
        lambda: Priority(quantum, ageing),
        *[computes(*lengths) for _, lengths in works],
        priorities=[priority for priority, _ in works],
    )
    highest = max(priority for priority, _ in works)
    for number, (priority, lengths) in enumerate(works, 1):
        most = (highest - priority + 1) * ageing + 2 * len(works) * (quantum + SWITCH)
        runs = timeline.runs_of(number)
        assert sum(end - begin for begin, end in runs) == sum(lengths)
        assert runs[0][0] <= most
        assert all(after[0] - before[1] <= most for before, after in pairwise(runs))
