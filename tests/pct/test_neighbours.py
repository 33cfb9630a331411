"""A process that is killed, fails or is signalled at any point leaves its neighbours sane."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vmpp.kernel import ANYTHING, Process
from vmpp.portals import DynamicBlock, Heap, MemoryOperation, PortalEntry
from vmpp_pct import Priority, RoundRobin

from .conftest import COSTS
from .sharing import START, computes, together

SWITCH = COSTS.context_switch
QUANTUM = 1000

POLICIES = {
    "round robin": lambda: RoundRobin(QUANTUM),
    "priority": lambda: Priority(QUANTUM),
    "ageing": lambda: Priority(QUANTUM, 3000),
}


def busy(process: Process) -> None:
    """Do a bit of everything."""
    for length in (1700, 300, 900):
        process.compute(length)
        process.charge(150)
        process.sleep(400)


def with_fibers(process: Process) -> None:
    def body() -> None:
        for _ in range(3):
            process.compute(350)
            process.sleep(250)

    for _ in range(2):
        process.start_fiber(body)
    process.park(9000)


def waits(process: Process) -> None:
    process.wait(ANYTHING)


def stubborn(process: Process) -> None:
    while True:
        try:
            process.compute(500)
        except BaseException:
            process.charge(10)


VICTIMS = {
    "computes": computes(4000),
    "does a bit of everything": busy,
    "has fibers": with_fibers,
    "waits": waits,
    "refuses to die": stubborn,
}


@given(
    st.sampled_from(sorted(VICTIMS)),
    st.sampled_from(sorted(POLICIES)),
    st.integers(1, 9000),
    st.integers(-1, 1),
)
def test_killing_one_at_any_time_takes_nothing_from_the_others(
    cluster: Any, victim: str, policy: str, when: int, priority: int
) -> None:
    def meanwhile(machine: Any) -> None:
        thread = machine.threads[0]

        def kill(_: object) -> None:
            if 1 in thread.processes:
                thread.kill(thread.processes[1])

        machine.engine.at(START + when, kill)

    timeline, _ = together(
        cluster,
        POLICIES[policy],
        VICTIMS[victim],
        computes(3000, 500),
        computes(2500),
        priorities=[priority, 0, 0],
        meanwhile=meanwhile,
    )
    assert sum(end - begin for begin, end in timeline.runs_of(2)) == 3500
    assert sum(end - begin for begin, end in timeline.runs_of(3)) == 2500
    # Whatever the victim had, what is left of the time goes to the others.
    last = max(end for _, end in timeline.runs_of(2) + timeline.runs_of(3))
    switches = sum(each.what == "switch" for each in timeline.intervals)
    assert last <= when + 3500 + 2500 + (switches + 1) * SWITCH + 2000


@given(st.integers(1, 6000), st.sampled_from(sorted(VICTIMS)), st.integers(100, 3000))
def test_nothing_of_a_killed_process_keeps_virtual_time_going(
    cluster: Any, when: int, victim: str, quantum: int
) -> None:
    def sleeps(process: Process) -> None:
        process.sleep(10**12)

    def far_away(process: Process) -> None:
        process.start_fiber(lambda: process.sleep(10**13))
        process.park(10**12)

    def meanwhile(machine: Any) -> None:
        def kill_all(_: object) -> None:
            thread = machine.threads[0]
            for process in list(thread.processes.values())[1:]:
                thread.kill(process)

        machine.engine.at(START + when, kill_all)

    _, machine = together(
        cluster,
        lambda: RoundRobin(quantum),
        VICTIMS[victim],
        sleeps,
        far_away,
        computes(10**12),
        meanwhile=meanwhile,
    )
    assert machine.engine.now < START + when + 20_000


@given(st.integers(1, 5000))
def test_a_fault_ends_the_one_that_makes_it(cluster: Any, after: int) -> None:
    def fails(process: Process) -> None:
        process.compute(after)
        raise ValueError("no such number")

    timeline, machine = together(cluster, lambda: RoundRobin(QUANTUM), fails, computes(3000), fails)
    failures = [record.failure or "" for record in machine.ended]
    assert sum("no such number" in failure for failure in failures) == 2
    # The launcher sends the word to end the jobs, which interrupts whoever computes.
    took = sum(end - begin for begin, end in timeline.runs_of(2))
    assert took in (3000, 3000 + COSTS.receive, 3000 + 2 * COSTS.receive)


# -- signals and handlers ------------------------------------------------------------------------


@given(st.integers(1, 9000), st.integers(0, 400), st.sampled_from(sorted(POLICIES)))
def test_a_signal_is_dealt_with_when_its_process_has_the_cpu(
    cluster: Any, when: int, length: int, policy: str
) -> None:
    caught: list[int] = []

    def meanwhile(machine: Any) -> None:
        def signal(_: object) -> None:
            thread = machine.threads[0]
            process = thread.processes.get(1)

            def handler() -> None:
                assert thread.dispatcher.current is process
                process.compute(length)
                caught.append(process.clock)

            if process is not None:
                sent.append(process.interrupt(handler))

        sent: list[bool] = []
        machine.engine.at(START + when, signal)
        machine.engine.at(START + when + 100, signal)
        machine.sent = sent

    timeline, machine = together(
        cluster, POLICIES[policy], computes(4000), computes(4000), meanwhile=meanwhile
    )
    assert len(caught) == sum(machine.sent)
    assert sum(end - begin for begin, end in timeline.runs_of(1)) == 4000 + length * len(caught)
    assert sum(end - begin for begin, end in timeline.runs_of(2)) == 4000


def test_messages_for_a_process_without_the_cpu_are_deposited_meanwhile(cluster: Any) -> None:
    heap = Heap(1000)
    seen: list[tuple[int, int]] = []

    def receives(process: Process) -> None:
        block = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, heap)
        process.table.install(9, PortalEntry(block))
        process.compute(3000)
        seen.append((len(heap.messages), process.table.drops))

    def meanwhile(machine: Any) -> None:
        thread = machine.threads[0]

        def send(_: object) -> None:
            process = thread.processes[1]
            assert thread.dispatcher.current is not process
            thread.clock = machine.engine.now
            thread.kernel.send(thread, process.address, 9, 0, b"hello", 5)

        # While the second has its first quantum.
        machine.engine.at(START + 1500, send)

    together(cluster, lambda: RoundRobin(QUANTUM), receives, computes(3000), meanwhile=meanwhile)
    assert seen == [(1, 0)]


def test_a_handler_of_a_process_without_the_cpu_interrupts_whoever_computes(cluster: Any) -> None:
    handled: list[int] = []

    def receives(process: Process) -> None:
        def handler(header: Any, outcome: int) -> None:
            process.charge(70)
            handled.append(process.clock - START)

        block = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, Heap(1000))
        process.table.install(9, PortalEntry(block, handler))
        process.compute(1500)

    def meanwhile(machine: Any) -> None:
        thread = machine.threads[0]

        def send(_: object) -> None:
            thread.clock = machine.engine.now
            thread.kernel.send(thread, thread.processes[1].address, 9, 0, None, 0)

        machine.engine.at(START + 1500, send)

    timeline, _ = together(
        cluster, lambda: RoundRobin(QUANTUM), receives, computes(1000), meanwhile=meanwhile
    )
    # Sent at 1,500, it takes 10 + 100 to arrive, 20 in the kernel and 50 into user space.
    assert handled == [1500 + COSTS.send + 100 + COSTS.receive + SWITCH + 70]
    # The second, which computes, is interrupted for the kernel, the handler, and both ways.
    taken = COSTS.receive + SWITCH + 70 + SWITCH
    (first, *rest) = timeline.runs_of(2)
    assert first == (1100, 2100)
    assert sum(end - begin for begin, end in [first, *rest]) == 1000 + taken
