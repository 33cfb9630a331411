"""Round robin: turns of a quantum, to the picosecond."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vmpp_pct import RoundRobin

from .conftest import COSTS
from .sharing import START, computes, together

SWITCH = COSTS.context_switch


def test_two_take_turns_of_a_quantum_each_after_a_context_switch(cluster: Any) -> None:
    timeline, _ = together(cluster, lambda: RoundRobin(1000), computes(2500), computes(1500))
    assert timeline.runs_of(1) == [(50, 1050), (2150, 3150), (3750, 4250)]
    assert timeline.runs_of(2) == [(1100, 2100), (3200, 3700)]


def test_one_that_ends_before_its_quantum_leaves_the_rest_to_the_next(cluster: Any) -> None:
    timeline, _ = together(
        cluster, lambda: RoundRobin(1000), computes(1200), computes(300), computes(1000)
    )
    assert timeline.runs_of(1) == [(50, 1050), (2500, 2700)]
    assert timeline.runs_of(2) == [(1100, 1400)]
    # Its quantum is over as its work is: it takes another turn to find that out.
    assert timeline.runs_of(3) == [(1450, 2450), (2750, 2750)]


def test_a_computation_in_one_piece_or_in_many_takes_the_same(cluster: Any) -> None:
    timeline, _ = together(
        cluster, lambda: RoundRobin(1000), computes(*[100] * 25), computes(700, 800)
    )
    assert timeline.runs_of(1) == [(50, 1050), (2150, 3150), (3750, 4250)]
    assert timeline.runs_of(2) == [(1100, 2100), (3200, 3700)]


def test_nobody_is_interrupted_while_nobody_else_is_ready(cluster: Any) -> None:
    def late(process: Any) -> None:
        process.sleep(3400)
        process.compute(100)

    timeline, _ = together(cluster, lambda: RoundRobin(1000), computes(5000), late)
    # The second went to sleep at once, which took a switch. Then the first had the CPU as long as
    # it was alone, and its quantum was over when the second came.
    first, second = timeline.runs_of(1), timeline.runs_of(2)
    assert first[0] == (50, 1050)
    assert second[0] == (1100, 1100)
    assert first[1] == (1150, 4500)
    assert second[1] == (4550, 4650)
    assert sum(end - begin for begin, end in first) == 5000


def test_one_that_catches_up_with_its_clock_keeps_the_cpu_until_then(cluster: Any) -> None:
    def charges(process: Any) -> None:
        for _ in range(4):
            process.charge(700)
            process.synchronise()

    timeline, _ = together(cluster, lambda: RoundRobin(1000), charges, computes(1800))
    assert timeline.runs_of(1) == [(50, 1450), (2550, 3950), (4850, 4850)]
    assert timeline.runs_of(2) == [(1500, 2500), (4000, 4800)]


WORK = st.lists(
    st.tuples(st.sampled_from(["compute", "sleep", "charge"]), st.integers(0, 3000)), max_size=6
)


@given(st.lists(WORK, min_size=1, max_size=4), st.integers(1, 4000), st.integers(0, 2000))
def test_whatever_they_do_all_get_their_time_and_one_at_a_time(
    cluster: Any, works: list[list[tuple[str, int]]], quantum: int, lookahead: int
) -> None:
    done: dict[int, int] = {}

    def program(work: list[tuple[str, int]]) -> Any:
        def main(process: Any) -> None:
            for name, amount in work:
                getattr(process, name)(amount)
            process.synchronise()
            done[process.job.id] = process.clock

        return main

    options = {"lookahead": lookahead}
    timeline, _ = together(
        cluster, lambda: RoundRobin(quantum), *[program(work) for work in works], **options
    )
    for number, work in enumerate(works, 1):
        needed = sum(amount for name, amount in work if name != "sleep")
        assert sum(end - begin for begin, end in timeline.runs_of(number)) == needed
        assert done[number] >= START + sum(amount for _, amount in work)
    again, _ = together(
        cluster, lambda: RoundRobin(quantum), *[program(work) for work in works], **options
    )
    assert again.told == timeline.told


@given(st.lists(st.integers(1, 9000), min_size=2, max_size=5), st.integers(1, 3000))
def test_a_cpu_that_is_always_busy_computes_or_switches_and_nobody_starves(
    cluster: Any, lengths: list[int], quantum: int
) -> None:
    policy = lambda: RoundRobin(quantum)  # noqa: E731
    timeline, _ = together(cluster, policy, *[computes(length) for length in lengths])
    since = [each for each in timeline.intervals if each.begin >= START]
    switched = sum(each.end - each.begin for each in since if each.what == "switch")
    assert since[0].begin == START
    assert since[-1].end - START == sum(lengths) + switched
    assert switched == SWITCH * sum(each.what == "switch" for each in since)
    most = (len(lengths) - 1) * (quantum + SWITCH) + SWITCH
    for number in range(1, len(lengths) + 1):
        runs = timeline.runs_of(number)
        assert runs[0][0] <= most
        for before, after in pairwise(runs):
            assert after[0] - before[1] <= most
            assert before[1] - before[0] == quantum
