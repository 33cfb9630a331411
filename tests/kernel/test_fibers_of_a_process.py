"""Fibers of one process: taking turns, waiting for different things, and ending."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.kernel import ANYTHING, Process, ProcessExit
from vmpp.portals import DynamicBlock, Heap, MemoryOperation, PortalEntry


def portal(machine: Any, number: int, nid: int = 0) -> tuple[Heap, DynamicBlock]:
    heap = Heap(1 << 20)
    block = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, heap)
    machine.install(PortalEntry(block), portal=number, nid=nid)
    return heap, block


def await_message(process: Process, heap: Heap, block: object) -> int:
    while not heap.messages:
        process.wait(block)
    return heap.messages.pop(0).bits


def send(process: Process, machine: Any, number: int, bits: int, nid: int = 0) -> None:
    process.kernel.send(process, machine.processes[nid].address, number, bits, None, 0)


# -- taking turns --------------------------------------------------------------------------------


def test_a_fiber_runs_at_once_until_it_blocks(wired: Any) -> None:
    log = []

    def program(process: Process) -> None:
        def other() -> None:
            log.append("other begins")
            process.sleep(10)
            log.append(f"other goes on at {process.clock}")

        log.append("main")
        process.start_fiber(other)
        log.append("main again")
        process.sleep(30)
        log.append(f"main goes on at {process.clock}")

    wired().run(program)
    assert log == [
        "main", "other begins", "main again", "other goes on at 10", "main goes on at 30",
    ]  # fmt: skip


def test_fibers_that_yield_take_turns_in_their_order(wired: Any) -> None:
    log = []

    def program(process: Process) -> None:
        def other(name: str) -> Callable[[], None]:
            def body() -> None:
                for turn in range(3):
                    log.append(f"{name}{turn}")
                    process.yield_cpu()

            return body

        process.start_fiber(other("a"))
        process.start_fiber(other("b"))
        for turn in range(3):
            log.append(f"m{turn}")
            process.yield_cpu()

    wired().run(program)
    assert log == ["a0", "b0", "m0", "a1", "b1", "m1", "a2", "b2", "m2"]


def test_computing_keeps_the_cpu_and_sleeping_does_not(wired: Any) -> None:
    log = []

    def program(process: Process) -> None:
        def other() -> None:
            process.sleep(10)
            log.append(("other", process.clock))

        process.start_fiber(other)
        process.compute(100)
        log.append(("computed", process.clock))
        process.sleep(50)
        log.append(("slept", process.clock))

    wired().run(program)
    assert log == [("computed", 100), ("other", 100), ("slept", 150)]


def test_a_process_whose_fibers_have_all_ended_but_one_is_as_it_was(wired: Any) -> None:
    def program(process: Process) -> list[bool]:
        seen = [process.fibers is None]
        process.start_fiber(lambda: process.sleep(10))
        seen.append(process.fibers is None)
        process.sleep(20)
        process.start_fiber(lambda: None)
        process.yield_cpu()
        seen.append(process.fibers is None)
        return seen

    assert wired().run(program)[0] == [True, False, True]


# -- parking -------------------------------------------------------------------------------------


def test_a_parked_fiber_goes_on_when_another_unparks_it(wired: Any) -> None:
    log = []

    def program(process: Process) -> None:
        def other() -> None:
            log.append(process.park())
            log.append(process.clock)

        fiber = process.start_fiber(other)
        process.sleep(70)
        process.unpark(fiber)
        process.unpark(fiber)
        assert not log
        process.yield_cpu()

    wired().run(program)
    assert log == [True, 70]


def test_parking_ends_after_its_time(wired: Any) -> None:
    def program(process: Process) -> tuple[bool, int]:
        return process.park(40), process.clock

    assert wired().run(program)[0] == (False, 40)


def test_a_timer_that_is_no_longer_waited_for_ends_nothing(wired: Any) -> None:
    log: list[object] = []

    def program(process: Process) -> None:
        main = process.fiber
        assert main is not None

        def other() -> None:
            process.sleep(10)
            process.unpark(main)

        process.start_fiber(other)
        log.append((process.park(50), process.clock))
        log.append((process.park(100), process.clock))

    wired().run(program)
    assert log == [(True, 10), (False, 110)]


def test_unparking_one_that_is_not_parked_is_not_kept_for_later(wired: Any) -> None:
    def program(process: Process) -> bool:
        fiber = process.start_fiber(lambda: process.sleep(100))
        process.unpark(fiber)
        process.sleep(10)
        return bool(fiber)

    assert wired().run(program)[0]


def test_a_fiber_that_waits_for_a_message_can_be_unparked(wired: Any) -> None:
    machine = wired()
    portal(machine, 3)

    def program(process: Process) -> int:
        main = process.fiber
        assert main is not None

        def other() -> None:
            process.sleep(10)
            process.unpark(main)

        process.start_fiber(other)
        process.wait(ANYTHING)
        return process.clock

    assert machine.run(program)[0] == 10


def test_an_event_handler_can_unpark(wired: Any) -> None:
    machine = wired(2)
    portal(machine, 3)

    def program(process: Process) -> tuple[bool, int]:
        fiber = process.fiber
        assert fiber is not None
        process.table.entries[3].handler = lambda header, outcome: process.unpark(fiber)
        return process.park(), process.clock

    machine.run(program, lambda process: send(process, machine, 3, 0))
    unparked, when = machine.results[0]
    assert unparked
    assert when == 10 + 100 + 20 + 50


# -- waiting for messages ------------------------------------------------------------------------


def test_each_fiber_gets_the_messages_that_it_waits_for(wired: Any) -> None:
    machine = wired(2)
    first, second = portal(machine, 3), portal(machine, 4)
    log: list[tuple[str, int]] = []

    def program(process: Process) -> None:
        def other() -> None:
            for _ in range(2):
                log.append(("other", await_message(process, *second)))

        process.start_fiber(other)
        for _ in range(2):
            log.append(("main", await_message(process, *first)))

    def peer(process: Process) -> None:
        for number, bits in ((4, 1), (3, 2), (4, 3), (3, 4)):
            send(process, machine, number, bits)
            process.sleep(500)

    machine.run(program, peer)
    assert log == [("other", 1), ("main", 2), ("other", 3), ("main", 4)]


@pytest.mark.parametrize("busy", ["compute", "synchronise", "sleep"])
def test_what_came_while_another_fiber_was_busy_is_not_missed(wired: Any, busy: str) -> None:
    machine = wired(2, lookahead=10_000)
    heap, block = portal(machine, 3)
    log = []

    def program(process: Process) -> None:
        def other() -> None:
            log.append(await_message(process, heap, block))

        process.start_fiber(other)
        if busy == "synchronise":
            process.charge(5000)
            process.synchronise()
        else:
            getattr(process, busy)(5000)
        process.park(100)
        assert log == [7]

    machine.run(program, lambda process: send(process, machine, 3, 7))
    assert log == [7]


def test_a_fiber_that_polls_lets_those_that_wait_look(wired: Any) -> None:
    machine = wired(2)
    heap, block = portal(machine, 3)

    def program(process: Process) -> int:
        found: list[int] = []
        process.start_fiber(lambda: found.append(await_message(process, heap, block)))
        while not found:
            process.charge(5)
            process.synchronise()
            process.yield_cpu()
        return found[0]

    assert machine.run(program, lambda process: send(process, machine, 3, 9))[0] == 9


def test_a_discarded_message_does_not_disturb_an_idle_process(wired: Any) -> None:
    machine = wired(2)

    def program(process: Process) -> int:
        process.start_fiber(lambda: process.sleep(10))
        process.start_fiber(lambda: process.park(5000))
        process.sleep(9000)
        return process.clock

    assert machine.run(program, lambda process: send(process, machine, 9, 0))[0] == 9000
    assert machine.processes[0].table.drops == 1


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400)), max_size=20),
    st.lists(st.sampled_from(["charge", "sleep", "compute", "yield"]), max_size=6),
)
def test_no_message_is_lost_whatever_the_fibers_do(
    wired: Any, messages: list[tuple[int, int]], doings: list[str]
) -> None:
    machine = wired(2, lookahead=300)
    portals = [portal(machine, 3 + number) for number in range(4)]
    got: dict[int, list[int]] = {number: [] for number in range(4)}
    counts = [sum(which == number for which, _ in messages) for number in range(4)]

    def program(process: Process) -> None:
        main = process.fiber
        assert main is not None
        open_fibers = [0]

        def reader(number: int) -> Callable[[], None]:
            def body() -> None:
                for turn in range(counts[number]):
                    got[number].append(await_message(process, *portals[number]))
                    if doings:
                        do(process, doings[turn % len(doings)])
                open_fibers[0] -= 1
                process.unpark(main)

            return body

        for number in range(4):
            open_fibers[0] += 1
            process.start_fiber(reader(number))
        while open_fibers[0]:
            process.park()

    def peer(process: Process) -> None:
        for place, (which, gap) in enumerate(messages):
            send(process, machine, 3 + which, place)
            process.sleep(gap)

    machine.run(program, peer)
    for number in range(4):
        assert got[number] == [
            place for place, (which, _) in enumerate(messages) if which == number
        ]


def do(process: Process, what: str) -> None:
    if what == "yield":
        process.yield_cpu()
    else:
        getattr(process, what)(120)


# -- the end -------------------------------------------------------------------------------------


def test_an_exception_that_a_fiber_does_not_catch_surfaces_in_the_main_one(wired: Any) -> None:
    def program(process: Process) -> str:
        def other() -> None:
            process.sleep(10)
            raise ValueError("from the other")

        process.start_fiber(other)
        with pytest.raises(ValueError, match="from the other"):
            process.park()
        process.sleep(5)
        return f"at {process.clock}"

    assert wired().run(program)[0] == "at 15"


def test_a_fiber_that_exits_ends_the_process(wired: Any) -> None:
    machine = wired()

    def program(process: Process) -> None:
        process.start_fiber(lambda: process.exit(3))

    with pytest.raises(ProcessExit) as caught:
        machine.run(program)
    assert caught.value.status == 3


@pytest.mark.parametrize("doing", ["sleep", "park", "wait", "runnable"])
def test_killing_ends_every_fiber_where_it_stands(wired: Any, doing: str) -> None:
    machine = wired()
    ended = []

    def stand(process: Process, name: str) -> None:
        try:
            if doing == "wait":
                process.wait(ANYTHING)
            elif doing == "park":
                process.park()
            elif doing == "runnable":
                while True:
                    process.yield_cpu()
                    process.charge(2000)
            else:
                getattr(process, doing)(1000)
        finally:
            ended.append(name)

    def program(process: Process) -> None:
        process.start_fiber(lambda: stand(process, "first"))
        process.start_fiber(lambda: stand(process, "second"))
        stand(process, "main")

    machine.start(0, program)
    machine.engine.at(100, lambda _: machine.processes[0].kill())
    machine.engine.run()
    assert sorted(ended) == ["first", "main", "second"]


def test_killing_ends_a_fiber_that_computes_and_one_that_waits_for_the_cpu(wired: Any) -> None:
    machine = wired()
    ended = []

    def program(process: Process) -> None:
        try:
            process.start_fiber(lambda: process.compute(1000))
        finally:
            ended.append(machine.engine.now)

    machine.start(0, program)
    machine.engine.at(100, lambda _: machine.processes[0].kill())
    machine.engine.run()
    assert ended == [100]
    assert not machine.processes[0].kernel.node.application_cpu.busy


def test_fibers_that_are_left_when_the_main_one_ends_can_be_killed(wired: Any) -> None:
    machine = wired()
    ended = []

    def program(process: Process) -> None:
        def other() -> None:
            try:
                process.park()
            finally:
                ended.append(process.clock)

        process.start_fiber(other)
        process.sleep(10)

    machine.run(program)
    assert not ended
    machine.processes[0].fibers.kill()
    assert ended == [10]
