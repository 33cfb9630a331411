"""Rows take turns: who has the CPUs when, and what share of the time each job gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .sharing import FREE, Run, Task, running

MS = 10**9

COMPUTES = "compute({})\n"
SWEEPS = """
for _ in range({}):
    compute({})
    comm.barrier()
"""

Share = Callable[..., Run]


def whole_quanta(begin: int, work: int, row: int, rows: int, quantum: int) -> int:
    """Return when *work* is done that begins at *begin* and proceeds in the quanta of one row."""
    now = begin
    while work:
        end = (now // quantum + 1) * quantum
        if now // quantum % rows == row:
            done = min(work, end - now)
            work -= done
            if not work:
                return now + done
        now = end
    return now


def test_two_jobs_have_the_machine_in_turn_quantum_by_quantum(share: Share) -> None:
    run = share([Task(COMPUTES.format(0.010), 4)] * 2, "gang:1ms")
    assert [result.status for result in run.results] == [0, 0]
    # Both begin within the first quantum, in which there is no strobe yet: the first one runs.
    first, second = run.starts
    assert first < second < MS
    left = 10 * MS - (MS - first)
    assert run.ends[0] == pytest.approx(whole_quanta(MS, left, 0, 2, MS), abs=20_000)
    assert run.ends[1] == pytest.approx(whole_quanta(MS, 10 * MS, 1, 2, MS), abs=20_000)
    assert run.ends == pytest.approx([20 * MS + first, 20 * MS], abs=20_000)


@pytest.mark.parametrize("copies", [2, 3, 4])
def test_each_of_several_jobs_gets_its_share(share: Share, copies: int) -> None:
    run = share([Task(COMPUTES.format(0.012), 2)] * copies, "gang:500us")
    # None can end before the others have nearly ended as well.
    for length in run.lengths:
        assert 12 * copies - copies < length / MS <= 12 * copies + 0.01


def test_the_rows_line_up_on_all_nodes(share: Share) -> None:
    """At any instant all nodes of a job agree, but for the moment that a strobe is on its way."""
    seen: list[set[int]] = []
    skew = 30_000_000

    def watch(machine: Any) -> None:
        def look(_: object) -> None:
            seen.append({running(machine, node) for node in range(4)} - {0})

        for turn in range(2, 30):
            for part in (skew, MS // 3, MS - 1):
                machine.engine.at(turn * MS + part, look)

    share([Task(SWEEPS.format(40, 0.0005), 4)] * 2, "gang:1ms", machine="", watch=watch)
    assert len(seen) == 28 * 3
    assert [(i, jobs) for i, jobs in enumerate(seen) if len(jobs) > 1] == []
    assert {1} in seen
    assert {2} in seen


def test_slices_of_round_robin_do_not_line_up(share: Share) -> None:
    """The same look at round robin shows what the strobes are for."""
    seen: list[set[int]] = []

    def watch(machine: Any) -> None:
        def look(_: object) -> None:
            seen.append({running(machine, node) for node in range(4)})

        for turn in range(40, 160):
            machine.engine.at(turn * MS // 4, look)

    staggered = "time.sleep(0.0003 * rank)\n" + COMPUTES.format(0.020)
    share([Task(staggered, 4)] * 2, "rr:1ms", watch=watch)
    assert sum(len(jobs) > 1 for jobs in seen) > len(seen) // 4


def test_a_job_alone_is_not_strobed_and_takes_no_longer(share: Share) -> None:
    alone = share([Task(SWEEPS.format(10, 0.001), 4)], "gang:1ms")
    single = share([Task(SWEEPS.format(10, 0.001), 4)], "single")
    assert alone.lengths == single.lengths
    assert alone.strobes == 0


def test_strobes_stop_when_one_row_is_left(share: Share) -> None:
    run = share([Task(COMPUTES.format(0.002), 4), Task(COMPUTES.format(0.050), 4)], "gang:1ms")
    # The short one ends within about four quanta; each strobe is one message to the root.
    assert 0 < run.strobes <= 5
    assert not run.still_due
    assert run.left == share([Task(COMPUTES.format(0.050), 4)], "single").left


def test_where_a_row_is_empty_others_have_the_node(share: Share) -> None:
    """Alternate scheduling: rank 1 of the first job shares its node with nobody."""
    wide = "compute(0.010)\nprint(rank, round(MPI.Wtime() * 1e6))\n"
    run = share([Task(wide, 2), Task(COMPUTES.format(0.010), 1)], "gang:1ms")
    took = dict(line.split() for line in run.results[0].stdout.decode().splitlines())
    start = run.starts[0] / 1e6
    assert int(took["1"]) - start == pytest.approx(10_000, abs=5)
    assert int(took["0"]) - start > 17_000


def test_others_share_the_slots_that_are_empty_on_their_node(share: Share) -> None:
    """Of three rows the third is empty on node 0, whose two jobs have those slots in turn."""
    narrow = Task(COMPUTES.format(0.012), 1)
    run = share([narrow, narrow, Task(COMPUTES.format(0.040), 1, [1])], "gang:1ms", nodes=2)
    assert run.lengths[0] / MS == pytest.approx(24, abs=3)
    assert run.lengths[1] / MS == pytest.approx(24, abs=0.1)


def test_a_process_that_waits_keeps_its_slot(share: Share) -> None:
    """Its partners have their CPUs as well, and what it waits for comes soon."""
    sleeps = "for _ in range(20):\n    time.sleep(0.0005)\n"
    run = share([Task(sleeps, 1), Task(COMPUTES.format(0.005), 1)], "gang:1ms", nodes=1)
    assert run.lengths[1] / MS == pytest.approx(10, abs=1)


def test_a_job_that_ends_leaves_its_slot_on_each_node_at_once(share: Share) -> None:
    """Rank 0 ends long before rank 1; the other job has node 0 from then on."""
    uneven = "compute(0.002 if rank == 0 else 0.040)\n"
    wide = "compute(0.020)\nprint(rank, round(MPI.Wtime() * 1e6))\n"
    run = share([Task(uneven, 2), Task(wide, 2)], "gang:1ms")
    took = dict(line.split() for line in run.results[1].stdout.decode().splitlines())
    start = run.starts[1] / 1e6
    assert int(took["0"]) - start == pytest.approx(22_000, abs=1_100)
    assert int(took["1"]) - start == pytest.approx(40_000, abs=1_100)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    works=st.lists(st.integers(1, 30), min_size=2, max_size=4),
    quantum=st.sampled_from(["300us", "1ms", "2500us"]),
)
def test_no_time_is_lost_and_none_is_had_twice(
    share: Share, works: list[int], quantum: str
) -> None:
    """Whatever the jobs: a node is busy until all its work is done."""
    tasks = [Task(COMPUTES.format(work / 2000), 2) for work in works]
    run = share(tasks, f"gang:{quantum}")
    assert all(result.status == 0 for result in run.results)
    whole = max(run.ends) - min(run.starts)
    assert whole == pytest.approx(sum(works) * MS // 2, abs=100_000)
    assert not run.still_due


@pytest.mark.parametrize(("quantum", "keeps_up"), [("200us", False), ("400us", True)])
def test_strobes_pile_up_that_come_faster_than_nodes_handle_them(
    share: Share, quantum: str, keeps_up: bool
) -> None:
    """The root of the tree is done with a strobe after 290 us, and takes the next one then."""
    slow = FREE.replace('strobe = "0 s"', 'strobe = "20 us"\nstrobe_wakeup = "270 us"')
    waiting: list[int] = []

    def watch(machine: Any) -> None:
        def look(_: object) -> None:
            waiting.append(len(machine.threads[0].held or ()))

        for turn in (10, 20, 30):
            machine.engine.at(turn * MS + MS // 3, look)

    share([Task(COMPUTES.format(0.020), 2)] * 2, f"gang:{quantum}", machine=slow, watch=watch)
    if keeps_up:
        assert max(waiting) <= 1
    else:
        # One in 200 us, less one in 290 us.
        assert waiting == [
            pytest.approx(turn * MS * (1 / 0.2e9 - 1 / 0.29e9), abs=3) for turn in (10, 20, 30)
        ]


def test_handling_strobes_takes_the_cpu_away(share: Share) -> None:
    costly = FREE.replace('strobe = "0 s"', 'strobe = "100 us"')
    run = share([Task(COMPUTES.format(0.010), 2)] * 2, "gang:1ms", machine=costly)
    # A tenth of the time goes on strobes.
    assert max(run.ends) == pytest.approx(20 * MS / 0.9, abs=0.3 * MS)
