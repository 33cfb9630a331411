"""Processes that share a CPU which noise takes away: each computes as much as it should."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vmpp.hardware import Noise, Periodic
from vmpp_pct import RoundRobin

from .conftest import COSTS
from .sharing import START, together


def noise() -> Noise:
    sources = [Periodic(700, 90, 30), Periodic(5000, 800, 100, jitter=1000)]
    return Noise([one for each in sources if (one := each.interruptions(0, Random(5)))])


WORK = st.lists(
    st.tuples(st.sampled_from(["compute", "sleep", "charge"]), st.integers(0, 3000)), max_size=6
)


@given(st.lists(WORK, min_size=1, max_size=3), st.integers(1, 4000))
def test_whatever_they_do_all_get_their_time_between_the_events(
    cluster: Any, works: list[list[tuple[str, int]]], quantum: int
) -> None:
    def noisy(*arguments: Any, **options: Any) -> Any:
        machine = cluster(*arguments, **options)
        machine.kernels[0].node.application_cpu.noise = noise()
        return machine

    def program(work: list[tuple[str, int]]) -> Any:
        def main(process: Any) -> None:
            for name, amount in work:
                getattr(process, name)(amount)
            process.synchronise()

        return main

    timeline, _ = together(
        noisy, lambda: RoundRobin(quantum), *[program(work) for work in works], lookahead=500
    )
    for number, work in enumerate(works, 1):
        needed = sum(amount for name, amount in work if name != "sleep")
        runs = timeline.runs_of(number)
        assert sum(noise().idle(START + begin, START + end) for begin, end in runs) == needed
    for each in timeline.intervals:
        if each.what == "switch" and each.begin >= START:
            assert noise().idle(each.begin, each.end) == COSTS.context_switch


def test_who_is_woken_during_noise_begins_when_that_is_over(cluster: Any) -> None:
    machine = cluster(1)
    cpu = machine.kernels[0].node.application_cpu
    cpu.noise = Noise([Periodic(10**7, 1000, 500).interruptions(0, Random(0))])  # type: ignore[list-item]
    seen = []

    def main(process: Any) -> None:
        for until in (10**8 + 400, 10**8 + 700, 10**8 + 1500):
            process.sleep(until - process.clock)
            seen.append(process.clock - 10**8)

    machine.run(main, 1)
    machine.assert_clean()
    assert seen == [400, 1500, 1500]


def test_a_process_that_is_killed_while_it_waits_for_the_end_of_noise_is_gone(cluster: Any) -> None:
    machine = cluster(1)
    cpu = machine.kernels[0].node.application_cpu
    cpu.noise = Noise([Periodic(10**7, 10**6, 0).interruptions(0, Random(0))])  # type: ignore[list-item]
    went_on = []

    def main(process: Any) -> None:
        process.sleep(10**8 + 10 - process.clock)
        went_on.append(process.clock)

    machine.launch(main, 1)
    thread = machine.threads[0]
    machine.engine.at(10**8 + 1000, lambda _: thread.kill(thread.processes[1]))
    machine.engine.run()
    machine.assert_clean()
    assert went_on == []
