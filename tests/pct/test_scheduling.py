"""Two processes on a node: the ready queue, the CPU, and the policy's choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vmpp.kernel import ANYTHING, Process
from vmpp.portals import DynamicBlock, Heap, MemoryOperation, PortalEntry
from vmpp_pct import RoundRobin

from .conftest import COSTS


class TwoProcesses:
    """A policy for two processes a node: takes the last or first, and keeps what it was asked."""

    multitasking = True

    def __init__(self, last: bool = False) -> None:
        self.last = last
        self.asked: list[list[int]] = []

    def admit(self, loaded: int) -> str | None:
        return None if loaded < 2 else "two are enough"

    def choose(self, ready: Sequence[Process], now: int) -> int:
        assert ready
        self.asked.append([process.job.id for process in ready])
        return len(ready) - 1 if self.last else 0

    def until(self, process: Process, now: int) -> int | None:
        return None

    def preempts(self, arrived: Process, running: Process, now: int) -> bool:
        return False


def two_jobs(machine: Any, *mains: Any) -> list[Any]:
    """Launch a job of one rank for each of *mains* on node 0, and run everything."""
    records = [machine.launch(main, 1) for main in mains]
    machine.engine.run()
    return records


def test_a_third_process_is_refused_in_the_policys_words(cluster: Any) -> None:
    machine = cluster(1, policy=TwoProcesses)
    records = two_jobs(machine, *[lambda process: process.sleep(100_000)] * 3)
    assert [record.status for record in records] == [0, 0, 1]
    assert records[2].failure.endswith("node 0 takes no more processes: two are enough")
    machine.assert_clean()


def test_two_processes_share_one_cpu(cluster: Any) -> None:
    machine = cluster(1, policy=TwoProcesses)
    spans: list[tuple[int, int]] = []

    def main(process: Process) -> None:
        for _ in range(3):
            begin = process.clock
            process.compute(10_000)
            spans.append((begin, process.clock))

    records = two_jobs(machine, main, main)
    assert [record.statuses for record in records] == [[0], [0]]
    begins, ends = zip(*spans, strict=True)
    assert 60_000 <= max(ends) - min(begins) < 63_000
    machine.assert_clean()


def test_one_sleeps_while_the_other_computes(cluster: Any) -> None:
    machine = cluster(1, policy=TwoProcesses)
    took: dict[int, int] = {}

    def sleeps(process: Process) -> None:
        begin = process.clock
        process.sleep(50_000)
        took[1] = process.clock - begin

    def computes(process: Process) -> None:
        begin = process.clock
        process.compute(40_000)
        took[2] = process.clock - begin

    two_jobs(machine, sleeps, computes)
    # It has the CPU back after a context switch.
    assert took[1] == 50_000 + COSTS.context_switch
    assert 40_000 <= took[2] < 42_000


def test_the_policy_chooses_among_those_that_are_ready(cluster: Any) -> None:
    for last, expected in ((False, [1, 2]), (True, [2, 1])):
        policy = TwoProcesses(last)
        machine = cluster(2, policy=lambda policy=policy: policy)
        order: list[int] = []

        def main(process: Process, order: list[int] = order) -> None:
            process.sleep(99_000 + process.job.id - process.clock)
            # The other becomes ready meanwhile.
            process.compute(5_000)
            process.sleep(10_000)
            process.compute(5_000 if process.job.id == 1 else 9_000)
            order.append(process.job.id)

        def hog(process: Process) -> None:
            process.sleep(105_000 - process.clock)
            process.compute(50_000)

        policy.admit = lambda loaded: None  # type: ignore[method-assign]
        two_jobs(machine, main, main, hog)
        assert [1, 2] in policy.asked
        assert order == expected
        machine.assert_clean()


def test_a_message_makes_its_process_ready_and_does_not_take_the_cpu_away(cluster: Any) -> None:
    machine = cluster(2, policy=TwoProcesses)
    times: dict[str, int] = {}

    def waits(process: Process) -> None:
        if process.rank == 1:
            process.sleep(50_000)
            process.kernel.send(process, process.job.addresses[0], 9, 0, None, 0)
            return
        heap = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, Heap(1000))
        process.table.install(9, PortalEntry(heap))
        process.wait(heap)
        times["woken"] = process.clock

    def computes(process: Process) -> None:
        process.sleep(20_000)
        process.compute(100_000)
        times["computed"] = process.clock

    machine.launch(waits, 2)
    machine.launch(computes, 1)
    machine.engine.run()
    # In the order of the queue: whoever was ready first runs first when the work is done.
    assert times["woken"] == times["computed"] + COSTS.context_switch
    machine.assert_clean()


def test_the_cpu_of_a_process_that_is_killed_goes_to_the_other(cluster: Any) -> None:
    machine = cluster(1, policy=TwoProcesses)
    ends: list[int] = []

    def other(process: Process) -> None:
        process.sleep(1_000)
        process.compute(10_000)
        ends.append(process.clock)

    endless = machine.launch(lambda process: process.compute(10**9), 1)
    machine.launch(other, 1)
    machine.engine.at(50_000, lambda _: machine.launcher.end(endless, 9))
    machine.engine.run()
    assert 60_000 < ends[0] < 65_000
    machine.assert_clean()


def test_killing_a_process_that_waits_leaves_the_others_work_alone(cluster: Any) -> None:
    machine = cluster(1, policy=TwoProcesses)
    ends: list[int] = []

    def computes(process: Process) -> None:
        begin = process.clock
        process.compute(100_000)
        ends.append(process.clock - begin)

    waiting = machine.launch(lambda process: process.wait(ANYTHING), 1)
    machine.launch(computes, 1)
    machine.engine.at(50_000, lambda _: machine.launcher.end(waiting, 9))
    machine.engine.run()
    # Stretched by the interrupts of control messages, and by nothing else.
    assert 100_000 <= ends[0] <= 101_000


STEPS = st.lists(
    st.tuples(st.sampled_from(["compute", "sleep", "charge"]), st.integers(0, 3000)), max_size=8
)


@given(STEPS, STEPS, st.booleans(), st.integers(0, 2000))
def test_whatever_two_processes_do_the_cpu_is_used_once_at_a_time(
    cluster: Any,
    first: list[tuple[str, int]],
    second: list[tuple[str, int]],
    last: bool,
    lookahead: int,
) -> None:
    machine = cluster(1, policy=lambda: TwoProcesses(last), lookahead=lookahead)
    used: list[int] = []
    spans: list[tuple[int, int]] = []

    def program(steps: list[tuple[str, int]]) -> Any:
        def main(process: Process) -> None:
            for name, amount in steps:
                before = process.clock
                assert before >= machine.engine.now
                getattr(process, name)(amount)
                assert process.clock >= before + amount
                if name != "sleep":
                    used.append(amount)
                spans.append((before, process.clock))

        return main

    records = two_jobs(machine, program(first), program(second))
    assert [record.failure for record in records] == [None, None]
    if spans:
        # A process may be ahead of time when it ends, and when another begins beside it.
        elapsed = max(end for _, end in spans) - min(begin for begin, _ in spans)
        assert elapsed >= sum(used) - 2 * lookahead
    machine.assert_clean()


@given(
    st.lists(st.tuples(st.integers(0, 40_000), STEPS), min_size=2, max_size=5),
    st.integers(1, 4000),
)
def test_processes_come_and_go_and_one_that_is_alone_needs_nobody(
    cluster: Any, works: list[tuple[int, list[tuple[str, int]]]], quantum: int
) -> None:
    machine = cluster(1, policy=lambda: RoundRobin(quantum), memory=1 << 20)
    spans: list[tuple[int, int]] = []
    alone: list[bool] = []

    def program(steps: list[tuple[str, int]]) -> Any:
        def main(process: Process) -> None:
            for name, amount in steps:
                before = process.clock
                getattr(process, name)(amount)
                spans.append((before, process.clock))
                assert process.clock >= before + amount
                if len(machine.threads[0].processes) == 2:
                    alone.append(process.ready == process.kernel.run)

        return main

    records: list[Any] = []
    for when, steps in works:
        main = program(steps)
        machine.engine.at(when, lambda _, main=main: records.append(machine.launch(main, 1)))
    machine.engine.run()
    assert [record.failure for record in records] == [None] * len(works)
    computed = sum(amount for _, steps in works for name, amount in steps if name != "sleep")
    if spans:
        elapsed = max(end for _, end in spans) - min(begin for begin, _ in spans)
        assert elapsed >= computed - 2 * 1000 * len(works)
    machine.assert_clean()


def test_a_process_whose_neighbours_have_gone_is_run_by_the_kernel_again(cluster: Any) -> None:
    machine = cluster(1, policy=lambda: RoundRobin(1000))
    shares: list[bool] = []

    def long(process: Process) -> None:
        for _ in range(6):
            process.compute(5000)
            shares.append(process.sharing is not None)

    machine.launch(lambda process: process.compute(2000), 1)
    machine.launch(long, 1)
    machine.engine.at(25_000, lambda _: machine.launch(lambda process: process.compute(20), 1))
    machine.engine.run()
    assert [shares[0], shares[-1]] == [True, False]
    assert shares.count(True) < shares.count(False)
    machine.assert_clean()
