"""Processes are kept apart, and event handlers run in user space."""

from __future__ import annotations

from typing import Any

import pytest

from vmpp.engine import current_process
from vmpp.kernel import ANYTHING, Job, Process
from vmpp.portals import (
    AckOutcome,
    Address,
    Block,
    DynamicBlock,
    Header,
    Heap,
    IndependentBlock,
    MatchEntry,
    MatchList,
    MemoryOperation,
    PortalEntry,
    SendInfo,
    SingleBlock,
)

CONTEXT_SWITCH = 50
RECEIVE = 20


def buffer(size: int = 8) -> SingleBlock:
    return SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_SV_BDY, memoryview(bytearray(size)))


def second_process(machine: Any, nid: int, *, group: int) -> Process:
    """Add a second process to a node."""
    kernel = machine.kernels[nid]
    job = Job(group, [nid], None, machine.processes[0].job.streams)
    process = Process(kernel, job, Address(nid, 77, 0, group))
    kernel.processes = {**kernel.processes, 77: process}
    return process


def test_two_processes_of_a_node_have_portals_of_their_own(wired: Any) -> None:
    machine = wired()
    other = second_process(machine, 1, group=1)
    here, there = buffer(), buffer()
    machine.install(PortalEntry(here))
    other.table.install(3, PortalEntry(there))
    machine.put(b"first")
    sender = machine.processes[0]
    sender.kernel.send(sender, other.address, 3, 0, b"2nd", 3)
    sender.kernel.send(sender, other.address, 4, 0, b"lost", 4)
    machine.engine.run()
    assert (bytes(here.buffer), bytes(there.buffer)) == (b"first\0\0\0", b"2nd\0\0\0\0\0")
    assert (machine.processes[1].table.drops, other.table.drops) == (0, 1)
    assert other.table.dropped == 1 << 4


def test_another_jobs_messages_are_dropped_and_counted(wired: Any) -> None:
    machine = wired(3, jobs=[1, 2, 2])
    block, heap = buffer(), Heap(1000)
    portal = machine.install(PortalEntry(block))
    machine.install(
        PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, heap)), portal=9, nid=0
    )
    machine.put(b"intruder", info=SendInfo(return_portal=9))
    machine.put(info=SendInfo(read=True, reply_length=8, return_portal=9))
    table = machine.processes[1].table
    assert (block.messages, heap.messages, portal.drops) == (0, [], 0)
    assert (table.drops, table.dropped) == (2, 1 << 3)
    machine.put(b"neighbor", source=2)
    assert bytes(block.buffer) == b"neighbor"


def test_a_group_that_is_admitted_may_send_and_be_answered(wired: Any) -> None:
    machine = wired(3, jobs=[1, 2, 3])
    block, heap = buffer(), Heap(1000)
    machine.install(PortalEntry(block))
    machine.install(
        PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, heap)), portal=9, nid=0
    )
    machine.processes[1].admitted = frozenset((1,))
    machine.put(b"friendly", info=SendInfo(return_portal=9))
    machine.put(b"stranger", source=2)
    # The answer comes from a job that is no friend of the sender's: nobody has admitted that.
    assert (bytes(block.buffer), heap.messages) == (b"friendly", [])
    machine.processes[0].admitted = frozenset((2,))
    machine.put(info=SendInfo(read=True, reply_length=8, return_portal=9))
    assert machine.processes[1].table.drops == 2


@pytest.mark.parametrize("garbage", [None, 7, "groups"])
def test_what_is_no_set_of_groups_admits_nobody(wired: Any, garbage: object) -> None:
    machine = wired(2, jobs=[1, 2])
    machine.install(PortalEntry(buffer()))
    machine.processes[1].admitted = garbage
    machine.put(b"intruder")
    assert machine.processes[1].table.drops == 1


def test_a_handler_never_hears_of_another_jobs_messages(wired: Any) -> None:
    machine = wired(2, jobs=[1, 2])
    machine.install(PortalEntry(buffer(), lambda *_: pytest.fail("called")))
    machine.put(b"intruder")


def test_a_handler_can_be_for_some_descriptors_only(wired: Any) -> None:
    machine = wired()
    heard, quiet, called = buffer(), buffer(), []
    entries = [MatchEntry(heard, bits=1, next_no_match=1), MatchEntry(quiet, bits=2)]
    portal = PortalEntry(
        MatchList(entries, 0), lambda header, _: called.append(header.bits), {heard}
    )
    machine.install(portal)
    for bits in (1, 2, 3):
        machine.put(b"x", bits=bits)
    # The third is for neither, and dropped.
    assert (heard.messages, quiet.messages, portal.drops, called) == (1, 1, 1, [1])


@pytest.mark.parametrize("garbage", [7, "descriptors", {(): ()}])
def test_what_names_no_descriptors_calls_no_handler(wired: Any, garbage: Any) -> None:
    machine = wired()
    block = buffer()
    machine.install(PortalEntry(block, lambda *_: pytest.fail("called"), garbage))
    machine.put(b"x")
    assert block.messages == 1


@pytest.mark.parametrize("jobs", [[0, 1], [1, 0]])
def test_the_system_and_jobs_may_talk(wired: Any, jobs: list[int]) -> None:
    machine = wired(2, jobs=jobs)
    block = buffer()
    machine.install(PortalEntry(block))
    machine.put(b"hello")
    assert block.messages == 1


def test_a_source_cannot_be_forged_by_what_is_sent(wired: Any) -> None:
    machine = wired(3)
    entry = MatchEntry(buffer(), rank=2)
    machine.install(PortalEntry(MatchList([entry], 0)))
    machine.put(b"x", source=0)
    machine.put(b"x", source=2)
    assert entry.descriptor.messages == 1


def test_messages_to_processes_that_do_not_exist_are_counted_and_answered(wired: Any) -> None:
    machine = wired()
    heap = Heap(1000)
    machine.install(
        PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, heap)), portal=9, nid=0
    )
    sender = machine.processes[0]
    nobody = Address(1, 42, 0, 1)
    sender.kernel.send(sender, nobody, 3, 0, b"hello", 5)
    for read in (False, True):
        info = SendInfo(read=read, return_portal=9, return_bits=7)
        sender.kernel.send(sender, nobody, 3, 0, None, 0, info)
    machine.engine.run()
    assert machine.kernels[1].drops == 3
    assert [(h.bits, h.info.user_data) for h in heap.messages] == [(7, AckOutcome.NO_PROCESS)] * 2


def test_a_process_that_has_ended_does_not_exist(wired: Any) -> None:
    machine = wired()
    block = buffer()
    machine.install(PortalEntry(block))
    machine.processes[1].dead = True
    machine.put(b"x")
    assert (block.messages, machine.kernels[1].drops) == (0, 1)


def test_a_handler_is_told_of_what_was_saved_and_what_was_not(wired: Any) -> None:
    machine = wired()
    seen: list[tuple[int, int, object]] = []

    def handler(header: Header, outcome: int) -> None:
        seen.append((header.bits, outcome, current_process()))

    machine.install(PortalEntry(buffer(2), handler))
    machine.put(b"ab", bits=1)
    machine.put(b"too long", bits=2)
    process = machine.processes[1]
    assert seen == [(1, AckOutcome.SAVED_BODY, process), (2, AckOutcome.DROPPED, process)]


def test_a_handler_runs_after_a_context_switch_and_may_send(wired: Any) -> None:
    machine = wired()
    clocks: list[int] = []
    answer = buffer()
    machine.install(PortalEntry(answer), portal=9, nid=0)
    process = machine.processes[1]

    def handler(header: Header, outcome: int) -> None:
        clocks.append(process.clock)
        process.kernel.send(process, header.source, 9, 0, b"thanks", 6)

    machine.install(PortalEntry(buffer(), handler))
    machine.put(b"x")
    arrived = 10 + 1 + 100
    assert clocks == [arrived + RECEIVE + CONTEXT_SWITCH]
    assert bytes(answer.buffer[:6]) == b"thanks"


def test_a_handler_interrupts_the_programs_work(wired: Any) -> None:
    machine = wired()
    process = machine.processes[1]
    machine.install(PortalEntry(buffer(), lambda *_: process.charge(300)))
    ends: list[int] = []

    def program(process: Process) -> None:
        process.compute(1000)
        ends.append(process.clock)

    machine.start(1, program)
    machine.put(b"x")
    assert ends == [1000 + RECEIVE + CONTEXT_SWITCH + 300]


def test_a_handler_may_charge_more_than_the_lookahead(wired: Any) -> None:
    machine = wired(lookahead=100)
    process = machine.processes[1]
    seen: list[int] = []

    def handler(header: Header, outcome: int) -> None:
        before = process.clock
        process.charge(5000)
        seen.append(process.clock - before)

    machine.install(PortalEntry(buffer(), handler))
    machine.run(lambda process: None, lambda process: process.sleep(1))
    machine.processes[1].dead = False
    machine.put(b"x")
    assert seen == [5000]


@pytest.mark.parametrize(
    "block",
    [
        lambda process: process.wait(ANYTHING),
        lambda process: process.sleep(1),
        lambda process: process.compute(1),
    ],
)
@pytest.mark.parametrize("doing", ["wait", "sleep", "compute"])
def test_a_handler_that_blocks_fails_in_the_program(wired: Any, block: Any, doing: str) -> None:
    machine = wired()
    process = machine.processes[1]
    machine.install(PortalEntry(buffer(), lambda *_: block(process)))

    def program(process: Process) -> str:
        try:
            if doing == "wait":
                process.wait(object())
            else:
                getattr(process, doing)(10_000)
        except RuntimeError as error:
            return str(error)
        return "nothing happened"

    machine.start(1, program)
    machine.put(b"x")
    assert machine.results == {1: "an event handler may not block"}


@pytest.mark.parametrize("doing", ["wait", "sleep", "compute"])
def test_what_a_handler_raises_surfaces_where_the_program_stands(wired: Any, doing: str) -> None:
    machine = wired()

    def handler(header: Header, outcome: int) -> None:
        raise LookupError("from the handler")

    machine.install(PortalEntry(buffer(), handler))
    seen: list[tuple[str, int]] = []

    def program(process: Process) -> None:
        try:
            if doing == "wait":
                process.wait(object())
            else:
                getattr(process, doing)(10_000)
        except LookupError as error:
            seen.append((str(error), process.clock))
        # What was under way is over: time passes as it should.
        process.compute(1000)
        seen.append(("computed", process.clock))

    machine.start(1, program)
    machine.put(b"x")
    surfaced = 10 + 1 + 100 + RECEIVE + CONTEXT_SWITCH
    assert seen == [("from the handler", surfaced), ("computed", surfaced + 1000)]
    assert machine.engine.now == surfaced + 1000


def test_a_program_may_go_on_sending_in_time_after_a_handlers_exception(wired: Any) -> None:
    machine = wired()
    echo = buffer()
    machine.install(PortalEntry(echo), portal=9, nid=0)

    def handler(header: Header, outcome: int) -> None:
        raise LookupError

    machine.install(PortalEntry(buffer(), handler))
    arrivals: list[int] = []
    machine.processes[0].table.entries[9].handler = lambda *_: arrivals.append(machine.engine.now)

    def program(process: Process) -> None:
        with pytest.raises(LookupError):
            process.compute(10_000)
        process.kernel.send(process, machine.processes[0].address, 9, 0, None, 0)

    machine.start(1, program)
    machine.put(b"x")
    assert arrivals == [10 + 1 + 100 + RECEIVE + CONTEXT_SWITCH + 10 + 100]


def test_a_handlers_exception_at_the_moment_of_waking_ends_one_wait_only(wired: Any) -> None:
    machine = wired(lookahead=1000)

    def handler(header: Header, outcome: int) -> None:
        raise LookupError

    machine.install(PortalEntry(buffer(), handler))
    seen: list[int] = []

    def program(process: Process) -> None:
        with pytest.raises(LookupError):
            # The message arrives meanwhile, and is taken when time has caught up.
            process.charge(2000)
        for _ in range(2):
            begin = process.clock
            process.compute(1000)
            seen.append(process.clock - begin)

    machine.start(1, program)
    machine.put(b"x")
    assert machine.failures == {}
    assert seen == [1000, 1000]


def test_a_handler_may_end_the_process(wired: Any) -> None:
    machine = wired()
    process = machine.processes[1]
    machine.install(PortalEntry(buffer(), lambda *_: process.exit(3)))
    machine.start(1, lambda process: process.wait(ANYTHING))
    machine.put(b"x")
    assert machine.failures[1].status == 3


def test_whoever_waits_for_the_descriptor_wakes_after_the_handler(wired: Any) -> None:
    machine = wired()
    order: list[str] = []
    row = IndependentBlock(MemoryOperation.IND_LIN_SV_HDR, [Block()])
    machine.install(PortalEntry(row, lambda *_: order.append("handler")))

    def program(process: Process) -> None:
        process.wait(row)
        order.append("program")

    machine.start(1, program)
    machine.put(b"x")
    assert order == ["handler", "program"]
