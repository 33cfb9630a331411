"""Processes: their clocks, how they block, and how they are ended at any moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.kernel import ANYTHING, Process, ProcessExit, ProcessKilled
from vmpp.kernel.process import PATIENCE
from vmpp.portals import DynamicBlock, Heap, MemoryOperation, PortalEntry

DOINGS = st.sampled_from(["charge", "sleep", "compute", "wait"])


def heap_portal(machine: Any, nid: int, portal: int = 3) -> Heap:
    heap = Heap(1 << 20)
    block = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, heap)
    machine.install(PortalEntry(block), portal=portal, nid=nid)
    return heap


# -- time ----------------------------------------------------------------------------------------


def test_computing_and_sleeping_take_their_time(wired: Any) -> None:
    machine = wired()

    def program(process: Process) -> list[int]:
        times = [process.clock]
        process.compute(100)
        times.append(process.clock)
        process.sleep(50)
        times.append(process.clock)
        process.sleep(0)
        process.compute(0)
        times.append(process.clock)
        return times

    assert machine.run(program)[0] == [0, 100, 150, 150]


def test_charging_is_seen_by_the_program_before_time_has_passed(wired: Any) -> None:
    machine = wired(lookahead=1000)

    def program(process: Process) -> None:
        process.charge(700)
        assert (process.clock, machine.engine.now) == (700, 0)
        process.synchronise()
        assert (process.clock, machine.engine.now) == (700, 700)
        process.synchronise()
        assert machine.engine.now == 700

    machine.run(program)


@given(st.lists(st.integers(0, 700), max_size=30), st.integers(0, 1000))
def test_a_process_never_runs_ahead_by_more_than_its_lookahead(
    wired: Any, charges: list[int], lookahead: int
) -> None:
    machine = wired(lookahead=lookahead)

    def program(process: Process) -> int:
        for charge in charges:
            process.charge(charge)
            assert 0 <= process.clock - machine.engine.now <= lookahead
        return process.clock

    assert machine.run(program)[0] == sum(charges)


def test_work_begins_where_the_clock_stands(wired: Any) -> None:
    machine = wired(lookahead=1000)

    def program(process: Process) -> tuple[int, int]:
        process.charge(300)
        process.compute(100)
        computed = process.clock
        process.charge(300)
        process.sleep(100)
        return computed, process.clock

    assert machine.run(program)[0] == (400, 800)


def test_messages_wait_for_a_process_whose_clock_is_ahead_and_keep_their_order(wired: Any) -> None:
    machine = wired(3, lookahead=100_000)
    heap = heap_portal(machine, 1)
    taken: list[tuple[int, int]] = []
    machine.processes[1].table.entries[3].handler = lambda header, _: taken.append(
        (header.bits, machine.engine.now)
    )

    def sender(process: Process) -> None:
        for number in range(4):
            process.kernel.send(process, machine.processes[1].address, 3, number, None, 0)
            process.sleep(100)

    def busy(process: Process) -> None:
        process.charge(1000)
        process.synchronise()
        process.sleep(1000)

    machine.run(sender, busy)
    assert [bits for bits, _ in taken] == [0, 1, 2, 3]
    # The first is taken at the process's clock; each is followed by its handler's time.
    assert [when for _, when in taken] == [1000, 1070, 1140, 1210]
    assert [header.bits for header in heap.messages] == [0, 1, 2, 3]


@given(
    st.lists(st.tuples(DOINGS, st.integers(0, 300)), max_size=12),
    st.lists(st.integers(0, 500), min_size=1, max_size=12),
)
def test_whatever_a_process_does_messages_come_in_order_and_time_goes_forward(
    wired: Any, doings: list[tuple[str, int]], gaps: list[int]
) -> None:
    machine = wired(lookahead=400)
    heap = heap_portal(machine, 1)
    clocks: list[int] = []

    def sender(process: Process) -> None:
        for number, gap in enumerate(gaps):
            process.sleep(gap)
            process.kernel.send(process, machine.processes[1].address, 3, number, None, 0)

    def program(process: Process) -> None:
        for name, amount in doings:
            if name == "wait":
                if len(heap.messages) < len(gaps):
                    process.wait(ANYTHING)
            else:
                getattr(process, name)(amount)
            clocks.append(process.clock)
            assert process.clock >= machine.engine.now
        process.sleep(20_000)

    machine.run(sender, program)
    assert [header.bits for header in heap.messages] == list(range(len(gaps)))
    assert clocks == sorted(clocks)


def test_a_waiting_process_wakes_when_the_kernel_is_done_with_the_message(wired: Any) -> None:
    machine = wired()
    heap_portal(machine, 1)

    def program(process: Process) -> int:
        process.wait(process.table.entries[3].target)  # type: ignore[union-attr]
        return process.clock

    machine.start(1, program)
    machine.put(b"x" * 40)
    assert machine.results[1] == 10 + 40 + 100 + 20


def test_a_process_waits_for_one_descriptor_or_for_anything(wired: Any) -> None:
    machine = wired(3)
    heap_portal(machine, 1, 3)
    heap_portal(machine, 1, 4)
    heap_portal(machine, 2, 3)

    def one(process: Process) -> int:
        process.wait(process.table.entries[4].target)  # type: ignore[union-attr]
        return machine.engine.now

    def anything(process: Process) -> int:
        process.wait(ANYTHING)
        return machine.engine.now

    machine.start(1, one)
    machine.start(2, anything)
    machine.put(portal=3, target=1)
    machine.put(portal=3, target=2)
    assert set(machine.results) == {2}
    machine.put(portal=4, target=1)
    assert machine.results[1] > machine.results[2]


def test_a_drop_wakes_a_process_so_that_it_can_look_why(wired: Any) -> None:
    machine = wired()

    def program(process: Process) -> int:
        process.wait(object())
        return process.table.drops

    machine.start(1, program)
    machine.put(b"for nobody", portal=9)
    assert machine.results[1] == 1


def test_streams_differ_by_job_rank_and_name_and_by_nothing_else(wired: Any) -> None:
    machine, again = wired(3, jobs=[1, 1, 2]), wired(3, jobs=[1, 1, 2])

    def draws(machine: Any) -> list[float]:
        return [
            process.stream(name).random() for process in machine.processes for name in ("a", "b")
        ]

    assert draws(machine) == draws(again)
    assert len(set(draws(machine))) == 6


def test_a_process_knows_its_place(wired: Any) -> None:
    process = wired(3).processes[2]
    assert (process.rank, process.size, process.nid, process.pid) == (2, 3, 2, 1)
    assert process.job.node_name(2) == "vmpp-n00002"
    with pytest.raises(OSError, match="no server"):
        process.rpc("files", b"")


# -- the end -------------------------------------------------------------------------------------

PARKED: dict[str, Callable[[Process], object]] = {
    "wait": lambda process: process.wait(ANYTHING),
    "sleep": lambda process: process.sleep(1000),
    "compute": lambda process: process.compute(1000),
    "synchronise": lambda process: process.charge(2000),
}


@pytest.mark.parametrize("parked", PARKED)
def test_a_process_is_killed_where_it_stands(wired: Any, parked: str) -> None:
    machine = wired()
    steps: list[tuple[str, int]] = []

    def program(process: Process) -> None:
        try:
            PARKED[parked](process)
        finally:
            steps.append(("cleans up", machine.engine.now))

    machine.start(0, program)
    machine.engine.at(500, lambda _: machine.processes[0].kill())
    machine.engine.run()
    assert steps == [("cleans up", 500)]
    assert isinstance(machine.failures[0], ProcessKilled)
    assert not machine.processes[0].fiber


@pytest.mark.parametrize("parked", PARKED)
@pytest.mark.parametrize("last", PARKED)
def test_the_last_words_of_a_killed_process_block_no_more(
    wired: Any, parked: str, last: str
) -> None:
    machine = wired()
    heap = heap_portal(machine, 1)

    def program(process: Process) -> None:
        try:
            PARKED[parked](process)
        finally:
            process.kernel.send(process, machine.processes[1].address, 3, 0, b"bye", 3)
            PARKED[last](process)

    machine.start(0, program)
    machine.engine.at(500, lambda _: machine.processes[0].kill())
    times: list[int] = []
    machine.processes[1].table.entries[3].handler = lambda *_: times.append(machine.engine.now)
    machine.engine.run()
    assert isinstance(machine.failures[0], ProcessKilled)
    assert [header.body for header in heap.messages] == [b"bye"]
    assert times[0] >= 500 + 10 + 3 + 100


@pytest.mark.parametrize("parked", PARKED)
def test_a_process_that_refuses_to_die_stays_parked_and_harms_nobody(
    wired: Any, parked: str
) -> None:
    machine = wired()
    tries: list[int] = []

    def program(process: Process) -> None:
        while True:
            try:
                PARKED[parked](process)
            except BaseException:
                tries.append(machine.engine.now)

    def other(process: Process) -> int:
        process.sleep(5000)
        return process.clock

    machine.start(0, program)
    machine.start(1, other)
    machine.engine.at(500, lambda _: machine.processes[0].kill())
    machine.engine.run()
    assert tries.count(500) == PATIENCE + 1
    assert machine.results == {1: 5000}


def test_killing_one_process_leaves_the_work_of_others_alone(wired: Any) -> None:
    machine = wired()
    machine.processes[1].cpu = machine.processes[0].cpu

    def waits(process: Process) -> None:
        process.wait(ANYTHING)

    def computes(process: Process) -> int:
        process.compute(1000)
        return process.clock

    machine.start(0, waits)
    machine.start(1, computes)
    machine.engine.at(500, lambda _: machine.processes[0].kill())
    machine.engine.run()
    assert machine.results == {1: 1000}


def test_what_was_scheduled_for_a_killed_process_does_not_wake_it(wired: Any) -> None:
    machine = wired()
    woken: list[int] = []

    def program(process: Process) -> None:
        try:
            process.sleep(1000)
        except ProcessKilled:
            machine.engine.hub.switch()
            woken.append(machine.engine.now)

    machine.start(0, program)
    machine.engine.at(500, lambda _: machine.processes[0].kill())
    machine.engine.run()
    assert woken == []


def test_a_process_that_has_not_begun_or_has_ended_is_killed_without_ado(wired: Any) -> None:
    machine = wired()
    machine.processes[0].kill()
    machine.run(lambda process: None, lambda process: None)
    machine.processes[1].kill()
    machine.processes[1].dead = False
    machine.processes[1].kill()
    assert machine.results == {0: None, 1: None} or machine.results == {1: None}


def test_exit_unwinds_with_a_status(wired: Any) -> None:
    machine = wired()
    machine.start(0, lambda process: process.exit(7))
    machine.engine.run()
    failure = machine.failures[0]
    assert isinstance(failure, ProcessExit)
    assert failure.status == 7


def test_abort_tells_the_job_and_ends_the_process(wired: Any) -> None:
    machine = wired()
    told: list[tuple[int, int]] = []
    machine.kernels[0].abort_job = lambda process, status: told.append((process.rank, status))

    def program(process: Process) -> None:
        try:
            process.abort(9)
        finally:
            process.sleep(100)

    machine.start(0, program)
    machine.engine.run()
    assert told == [(0, 9)]
    assert isinstance(machine.failures[0], ProcessKilled)
    assert machine.engine.now == 0


@given(
    st.sampled_from(sorted(PARKED)),
    st.integers(0, 3000),
    st.lists(st.integers(0, 3000), max_size=6),
)
def test_killed_at_any_moment_a_process_is_gone_and_messages_find_nobody(
    wired: Any, parked: str, moment: int, sends: list[int]
) -> None:
    machine = wired()
    heap_portal(machine, 1)

    def program(process: Process) -> None:
        while process.clock < 2500:
            PARKED[parked](process)

    def sender(process: Process) -> None:
        for when in sorted(sends):
            process.sleep(max(0, when - process.clock))
            process.kernel.send(process, machine.processes[1].address, 3, 0, b"x", 1)

    machine.start(0, sender)
    machine.start(1, program)

    def kill(_: object) -> None:
        machine.processes[1].kill()
        machine.processes[1].dead = True

    machine.engine.at(moment, kill)
    machine.engine.run()
    taken = machine.kernels[1].drops + len(
        machine.processes[1].table.entries[3].target.heap.messages
    )
    assert taken == len(sends)
    assert not machine.processes[1].fiber
