"""Handlers that the kernel checks once and then runs itself, on messages for a descriptor."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from vmpp.kernel.verifier import HandlerRefusedError
from vmpp.portals import (
    AckOutcome,
    CombinedBlock,
    DynamicBlock,
    HandlerProgram,
    Heap,
    KernelHandler,
    MatchEntry,
    MatchList,
    MemoryOperation,
    PortalEntry,
    SendInfo,
    SingleBlock,
)
from vmpp.portals.instructions import Instruction, Op
from vmpp.portals.language import compile_handler

O = MemoryOperation  # noqa: E741 - many of them follow
SEND, RECEIVE, WIRE, MATCH, ACKNOWLEDGE = 10, 20, 100, 1, 5
ENTRY, STEP = 3, 2

ADD = """
old = load(offset)
store(offset, old + body(0))
reply(old)
"""


class Counter:
    """A process with a handler over some memory at portal 3, and a sender that is answered."""

    def __init__(self, wired: Any, text: str, size: int = 16, **constants: int) -> None:
        self.machine = wired(3, costs=costs())
        self.process = self.machine.processes[1]
        self.memory = bytearray(size)
        self.block = SingleBlock(O.SINGLE_SNDR_OFF_SV_BDY, memoryview(self.memory))
        self.handler = self.machine.kernels[1].install(
            self.process, compile_handler(text, "test", **constants)
        )
        self.entry = self.machine.install(PortalEntry(self.block, self.handler))
        self.heap = Heap(10_000)
        answers = DynamicBlock(O.DYN_SV_HDR_BDY, self.heap)
        self.machine.install(PortalEntry(answers), portal=9, nid=0)

    def ask(self, *words: int, body: bytes | None = None, offset: int = 0, **info: Any) -> None:
        data = b"".join(word.to_bytes(8, "little", signed=True) for word in words)
        info.setdefault("return_portal", 9)
        self.machine.put(
            data if body is None else body, info=SendInfo(offset=offset, **info), bits=5
        )

    def words(self) -> list[int]:
        return words(self.memory)

    def answers(self) -> list[list[int]]:
        return [words(header.body or b"") for header in self.heap.messages]


def words(data: bytes) -> list[int]:
    return [
        int.from_bytes(data[place : place + 8], "little", signed=True)
        for place in range(0, len(data) - 7, 8)
    ]


def costs(**changed: int) -> Any:
    from vmpp.kernel import KernelCosts

    given = KernelCosts(
        send=SEND, receive=RECEIVE, match_entry=MATCH, acknowledge=ACKNOWLEDGE, context_switch=50,
        handler_entry=ENTRY, handler_step=STEP, handler_limit=100,
    )  # fmt: skip
    return replace(given, **changed)


# -- what becomes of a message ---------------------------------------------------------------------


def test_a_message_is_worked_into_memory_and_answered(wired: Any) -> None:
    counter = Counter(wired, ADD)
    counter.ask(7)
    counter.ask(5, offset=8)
    counter.ask(1)
    assert counter.words() == [8, 5]
    assert counter.answers() == [[0], [0], [7]]
    assert [header.info.user_data for header in counter.heap.messages] == [AckOutcome.HANDLED] * 3
    assert (counter.handler.runs, counter.block.messages) == (3, 3)


def test_what_is_not_asked_for_is_not_answered(wired: Any) -> None:
    counter = Counter(wired, ADD)
    counter.ask(7, return_portal=-1)
    assert (counter.words(), counter.answers()) == ([7, 0], [])


def test_a_handler_may_leave_the_message_to_the_descriptor(wired: Any) -> None:
    counter = Counter(wired, "if length <= 8:\n    return SAVE\nstore(8, load(8) + 1)\nreturn DROP")
    counter.ask(7)
    counter.ask(1, 2)
    assert counter.words() == [7, 1]
    assert (counter.entry.drops, counter.process.table.drops, counter.handler.faults) == (1, 1, 0)


def test_a_filter_may_stand_before_a_match_list(wired: Any) -> None:
    machine = wired()
    heap = Heap(1000)
    small = SingleBlock(O.SINGLE_SNDR_OFF_SV_BDY, memoryview(bytearray(2)))
    entries: list[Any] = [
        MatchEntry(small, bits=1, next_no_fit=1),
        MatchEntry(DynamicBlock(O.DYN_SV_HDR_BDY, heap), mask=0),
    ]
    handler = machine.kernels[1].install(
        machine.processes[1], compile_handler("if body8(0) == 33:\n    return DROP\nreturn SAVE")
    )
    machine.install(PortalEntry(MatchList(entries, 0), handler))
    for body in (b"ab", b"longer", b"!no"):
        machine.put(body, bits=1)
    assert bytes(small.buffer) == b"ab"
    assert [header.body for header in heap.messages] == [b"longer"]


def test_reads_may_be_answered_by_the_handler_or_the_descriptor(wired: Any) -> None:
    counter = Counter(wired, "if user:\n    return SAVE\nreply(reading, size)")
    counter.block.operation = O.SINGLE_SNDR_OFF_RPLY
    counter.memory[:8] = b"abcdefgh"
    counter.ask(read=True, reply_length=4)
    counter.ask(read=True, reply_length=4, user_data=1)
    assert [header.body for header in counter.heap.messages[1:]] == [b"abcd"]
    assert counter.answers()[0] == [1, 16]


def test_fields_of_the_message(wired: Any) -> None:
    text = "reply(source, group, bits, length, offset, user, user_high, me)"
    counter = Counter(wired, text)
    counter.ask(1, 2, offset=6, user_data=b"abcdefghijkl")
    low, high = (int.from_bytes(each, "little") for each in (b"abcdefgh", b"ijkl"))
    assert counter.answers() == [[0, 1, 5, 16, 6, low, high, 1]]
    counter.ask(user_data=-3)
    assert counter.answers()[1] == [0, 1, 5, 0, 0, -3, 0, 1]


def test_messages_may_be_sent_and_passed_on(wired: Any) -> None:
    counter = Counter(wired, "send(2, 4, 17, me, load(0))\nforward(2, 4, bits + 1)")
    heap = Heap(1000)
    counter.machine.install(PortalEntry(DynamicBlock(O.DYN_SV_HDR_BDY, heap)), portal=4, nid=2)
    counter.memory[0] = 9
    counter.ask(body=b"hello")
    assert [(each.source.rank, each.bits) for each in heap.messages] == [(1, 17), (1, 6)]
    assert (words(heap.messages[0].body), heap.messages[1].body) == ([1, 9], b"hello")
    assert counter.machine.kernels[1].own_messages == 2


def test_the_body_may_be_copied_into_memory(wired: Any) -> None:
    counter = Counter(wired, "copy(load8(0) + 1, 2, length - 2)\nstore8(0, load8(0) + length - 2)")
    counter.ask(body=b"..ab")
    counter.ask(body=b"..cde")
    assert bytes(counter.memory[:6]) == b"\5abcde"


def test_several_buffers_are_used_as_one(wired: Any) -> None:
    counter = Counter(wired, ADD)
    pieces = [bytearray(3), bytearray(0), bytearray(9), bytearray(4)]
    counter.entry.target = CombinedBlock(O.COMB_SNDR_OFF_SV_BDY, [memoryview(p) for p in pieces])
    for value in (0x0102030405060708, 1, -5):
        counter.ask(value, offset=1)
    assert words(b"".join(pieces)[1:])[0] == 0x0102030405060704
    assert counter.answers()[2] == [0x0102030405060709]


# -- time ------------------------------------------------------------------------------------------


def test_steps_take_the_kernels_time_and_no_context_switch(wired: Any) -> None:
    counter = Counter(wired, ADD)
    assert counter.handler.steps == 10
    before = counter.machine.engine.now
    came: list[int] = []
    counter.machine.processes[0].table.entries[9].handler = lambda *_: came.append(
        counter.machine.engine.now
    )
    counter.ask(7)
    handled = SEND + 8 + WIRE + RECEIVE + ENTRY + 10 * STEP + ACKNOWLEDGE
    assert came == [before + handled + 8 + WIRE]
    assert counter.machine.kernels[1].free == before + handled


def test_the_program_loses_the_kernels_time_and_no_more(wired: Any) -> None:
    counter = Counter(wired, ADD)
    ends: list[int] = []
    begin = counter.process.clock

    def program(process: Any) -> None:
        process.compute(1000)
        ends.append(process.clock)

    counter.machine.start(1, program)
    counter.ask(7)
    assert ends == [begin + 1000 + RECEIVE + ENTRY + 10 * STEP + ACKNOWLEDGE]


def test_installation_takes_a_step_for_each_instruction(wired: Any) -> None:
    machine = wired(costs=costs())
    program = compile_handler(ADD)
    machine.kernels[1].install(machine.processes[1], program)
    assert machine.processes[1].clock == SEND + len(program.code) * STEP


@pytest.mark.parametrize("wakes", [True, False])
def test_the_process_sleeps_on_unless_the_handler_wakes_it(wired: Any, wakes: bool) -> None:
    counter = Counter(wired, ADD + "if load(0) > 9:\n    wake()\n" * wakes)
    woken: list[int] = []

    def program(process: Any) -> None:
        process.wait(counter.block)
        woken.extend(counter.words())

    counter.machine.start(1, program)
    counter.ask(7)
    assert woken == []
    counter.ask(7)
    assert woken == ([14, 0] if wakes else [])


def test_what_the_descriptor_saves_wakes_as_ever(wired: Any) -> None:
    counter = Counter(wired, "return SAVE")
    counter.machine.start(1, lambda process: process.wait(counter.block))
    counter.ask(7)
    assert counter.machine.results == {1: None}


# -- what goes wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("store(0, 1)\nstore(offset, 2)", "line 2: bytes 12 to 20 are not in the descriptor's 16"),
        ("store(0, 1)\nx = load(-length)", "line 2: bytes -8 to 0 are not in the descriptor's"),
        ("store(0, 1)\nx = body(4)", "line 2: reads bytes 4 to 12 of a message of 8"),
        ("store(0, 1)\nx = 5 // load(8)", "line 2: divides by 0"),
        ("store(0, 1)\nx = 5 % load(8)", "line 2: divides by 0"),
        ("store(0, 1)\nsend(99, 3, 0)", "line 2: there is no rank 99"),
        ("store(0, 1)\nreply(1)\nforward(0, 64, 0)", "line 3: there is no portal 64"),
        ("store(0, 1)\nwake()\ncopy(12, 0, length)", "line 3: bytes 12 to 20 are not in the"),
        ("store(0, 1)\ncopy(0, 0, -1)", "line 2: copies -1 bytes"),
        ("store(24, 1)", "needs 32 bytes of memory, and the descriptor has 16"),
    ],
)  # fmt: skip
def test_a_failure_leaves_nothing_behind(wired: Any, text: str, reason: str) -> None:
    counter = Counter(wired, text)
    counter.ask(7, offset=12)
    assert counter.words() == [0, 0]
    assert counter.answers() == []
    assert counter.handler.fault.startswith(reason)
    assert (counter.handler.faults, counter.handler.runs, counter.process.table.drops) == (1, 0, 1)


def test_memory_that_can_only_be_read_stays_as_it_is(wired: Any) -> None:
    counter = Counter(wired, "x = load(0)\nstore(0, 1)")
    counter.block.buffer = memoryview(b"constant")
    counter.ask(7)
    assert counter.handler.fault == "line 2: writes to memory that can only be read"


@pytest.mark.parametrize(
    "memory",
    [None, 7, memoryview(bytearray(16)).cast("I"), memoryview(bytearray(32))[::2], bytearray(16)],
)
def test_what_is_no_row_of_bytes_is_not_touched(wired: Any, memory: Any) -> None:
    counter = Counter(wired, ADD)
    counter.block.buffer = memory
    counter.ask(7)
    assert counter.process.table.drops == 1


@pytest.mark.parametrize("blocks", [None, itertools.count(), [b"bytes"], [None], ()])
def test_what_is_no_row_of_buffers_is_not_touched(wired: Any, blocks: Any) -> None:
    counter = Counter(wired, ADD)
    counter.entry.target = CombinedBlock(O.COMB_SNDR_OFF_SV_BDY, blocks)
    counter.ask(7)
    assert counter.process.table.drops == 1


def test_a_handlers_notes_may_be_gone(wired: Any) -> None:
    counter = Counter(wired, ADD)
    for name in ("runs", "faults", "fault"):
        delattr(counter.handler, name)
    counter.ask(7)
    counter.ask()
    assert (counter.words(), counter.handler.runs, counter.handler.faults) == ([7, 0], 1, 1)


def test_a_body_that_is_not_as_long_as_its_header_says(wired: Any) -> None:
    counter = Counter(wired, ADD)
    sender = counter.machine.processes[0]
    sender.clock = counter.machine.engine.now
    sender.kernel.send(sender, counter.process.address, 3, 0, b"abc", 8)
    counter.machine.engine.run()
    assert "not as long as its header says" in counter.handler.fault


# -- what a process makes up -----------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, -1, 10**30, 0.0, True, None, "0", b""])
def test_only_what_was_checked_is_run(wired: Any, number: Any) -> None:
    counter = Counter(wired, ADD)
    counter.entry.handler = KernelHandler(number, "forged", 1)
    counter.ask(7)
    assert (counter.words(), counter.process.table.drops) == ([0, 0], 1)
    assert "is the number of no handler that was checked" in counter.entry.handler.fault


def test_what_a_program_says_later_changes_nothing(wired: Any) -> None:
    counter = Counter(wired, ADD)
    program = compile_handler("store(0, 99)")
    handler = counter.machine.kernels[1].install(counter.process, program)
    object.__setattr__(program, "code", (Instruction(Op.JUMP, 0),))
    counter.entry.handler = handler
    counter.ask(7)
    assert counter.words()[0] == 99


def test_a_handler_of_another_process_is_none_of_ones_own(wired: Any) -> None:
    counter = Counter(wired, ADD)
    other = counter.machine.processes[2]
    memory = bytearray(16)
    block = SingleBlock(O.SINGLE_SNDR_OFF_SV_BDY, memoryview(memory))
    counter.machine.install(PortalEntry(block, counter.handler), nid=2)
    counter.machine.put((7).to_bytes(8, "little"), target=2)
    assert (bytes(memory), other.table.drops) == (bytes(16), 1)


def test_fields_of_what_was_installed_that_are_garbage_harm_nobody(wired: Any) -> None:
    counter = Counter(wired, ADD)
    counter.handler.runs = counter.handler.faults = "garbage"
    counter.ask(7)
    counter.ask()
    assert (counter.handler.runs, counter.handler.faults, counter.words()) == (1, 1, [7, 0])


def test_a_process_has_so_many_and_the_same_again_is_no_other(wired: Any) -> None:
    machine = wired(costs=costs())
    process, kernel = machine.processes[0], machine.kernels[0]
    numbers = {
        kernel.install(process, compile_handler(f"store(0, {number})")).number
        for number in [*range(64), *range(10)]
    }
    assert numbers == set(range(64))
    with pytest.raises(HandlerRefusedError, match=r"^handler 'more': the process has 64 others"):
        kernel.install(process, compile_handler("store(0, 64)", "more"))


def test_checked_handlers_take_memory_of_the_process(wired: Any) -> None:
    machine = wired()
    program = compile_handler(ADD)
    machine.kernels[0].install(machine.processes[0], program)
    machine.kernels[0].install(machine.processes[0], program)
    assert machine.processes[0].memory.used == 16 * len(program.code)


# -- the check -------------------------------------------------------------------------------------


def made(op: int, *operands: int, line: int = 0) -> Instruction:
    return Instruction(int(op), *(*operands, 0, 0, 0)[:3], line)


END = made(Op.END)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ((), "its code is no tuple of 1 to 65536 instructions"),
        ([END], "its code is no tuple"),
        ((made(Op.MOVE, 0, 1),), "the last instruction does not end it"),
        (((31, 0, 0, 0, 1),), "instruction 0 is no instruction"),
        ((Instruction(0.0, 0, 0, 0),), "instruction 0 is no instruction"),
        ((made(32), END), "instruction 0 is of no known kind: 32"),
        ((made(-1), END), "is of no known kind: -1"),
        ((made(Op.MOVE, 64, 0), END), "cannot be: 64 is no register"),
        ((made(Op.ADD, 0, 0, -1), END), "cannot be: -1 is no register"),
        ((made(Op.CONST, 0, 1 << 63), END), "is no 64-bit value"),
        ((made(Op.FIELD, 0, 10), END), "10 is no field of a message"),
        ((made(Op.LOAD, 0, 0, 3), END), "3 is no width"),
        ((made(Op.LOAD_AT, 0, -8, 8), END), "-8 is no offset"),
        ((made(Op.JUMP, 0, line=4), END), "line 4: instruction 0 cannot be: 0 is not an"),
        ((END, made(Op.UNLESS, 0, 1), END), "1 is not an instruction further on"),
        ((made(Op.JUMP, 2), END), "2 is not an instruction further on"),
        ((made(Op.REPLY, 0, 9), END), "9 is not 0 to 8 words"),
        ((made(Op.REPLY, 60, 5), END), "sends from registers that there are not: 60 to 65"),
        ((made(Op.SEND, 55, 7), END), "sends from registers that there are not: 55 to 65"),
        ((made(Op.FORWARD, 62), END), "62 is not the first of three registers"),
        ((made(Op.WAKE, 1), END), "1 is one operand too many"),
        ((made(Op.END, 3),), "3 is no verdict"),
        ((made(Op.END, line=-1),), "comes from no line"),
        ((*[made(Op.WAKE)] * 100, END), "takes up to 101 steps, and this machine allows 100"),
        ((*[made(Op.REPLY)] * 9, END), "sends up to 9 messages, not 8 or less"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_refused(wired: Any, code: Any, reason: str) -> None:
    machine = wired(costs=costs())
    with pytest.raises(HandlerRefusedError) as refused:
        machine.kernels[0].install(machine.processes[0], HandlerProgram("bad", code))
    message = str(refused.value)
    assert message.startswith("handler 'bad'")
    assert reason in message
    assert "\n" not in message


@pytest.mark.parametrize("garbage", [None, 7, b"code", (END,), HandlerProgram(7, (END,))])
def test_what_is_no_program_is_refused(wired: Any, garbage: Any) -> None:
    machine = wired()
    with pytest.raises(HandlerRefusedError, match=r"is no program of a handler; compile one$"):
        machine.kernels[0].install(machine.processes[0], garbage)


def test_only_the_longest_way_counts(wired: Any) -> None:
    machine = wired(costs=costs(handler_limit=6))
    ways = "if source:\n    store(0, 1)\nelse:\n    store(0, 2)"
    handler = machine.kernels[0].install(machine.processes[0], compile_handler(ways))
    assert handler.steps == 6


def test_a_handler_can_be_for_some_descriptors_only(wired: Any) -> None:
    counter = Counter(wired, ADD)
    plain = SingleBlock(O.SINGLE_SNDR_OFF_SV_BDY, counter.block.buffer)
    entries: list[Any] = [
        MatchEntry(plain, bits=4, next_no_match=1),
        MatchEntry(counter.block, bits=5),
    ]
    counter.entry.target = MatchList(entries, 0)
    counter.entry.raised_by = frozenset((counter.block,))
    counter.machine.put((40).to_bytes(8, "little"), bits=4)
    counter.ask(2)
    assert (counter.words()[0], counter.handler.runs, counter.answers()) == (42, 1, [[40]])


def test_another_jobs_messages_never_come_to_a_handler(wired: Any) -> None:
    machine = wired(2, jobs=[1, 2])
    process = machine.processes[1]
    handler = machine.kernels[1].install(process, compile_handler("store(0, 1)"))
    memory = bytearray(8)
    block = SingleBlock(O.SINGLE_SNDR_OFF_SV_BDY, memoryview(memory))
    machine.install(PortalEntry(block, handler))
    machine.put(b"intruder")
    assert (bytes(memory), handler.runs, handler.faults, process.table.drops) == (bytes(8), 0, 0, 1)


def test_handlers_may_send_on_from_kernel_to_kernel_until_they_do_not(wired: Any) -> None:
    """A token goes round three kernels, whose processes never run."""
    machine = wired(3, costs=costs())
    memories = [bytearray(8) for _ in range(3)]
    text = "store(0, load(0) + 1)\nif body(0) > 0:\n    send((me + 1) % 3, 3, 0, body(0) - 1)"
    for nid, memory in enumerate(memories):
        handler = machine.kernels[nid].install(machine.processes[nid], compile_handler(text))
        block = SingleBlock(O.SINGLE_SNDR_OFF_SV_BDY, memoryview(memory))
        machine.install(PortalEntry(block, handler), nid=nid)
    machine.put((10).to_bytes(8, "little"), target=1)
    assert [words(memory)[0] for memory in memories] == [3, 4, 4]
    assert [kernel.own_messages for kernel in machine.kernels] == [3, 4, 3]


def test_a_dead_process_has_no_handlers(wired: Any) -> None:
    counter = Counter(wired, ADD)
    counter.process.dead = True
    counter.ask(7)
    assert counter.words() == [0, 0]
    assert [header.info.user_data for header in counter.heap.messages] == [AckOutcome.NO_PROCESS]


@pytest.mark.parametrize("name", ["nid", "pid", "group", "rank"])
@pytest.mark.parametrize("garbage", [None, -1, 1000, "text", b"", 0.5, [1]])
def test_an_address_that_is_garbage_leads_nowhere(wired: Any, name: str, garbage: Any) -> None:
    counter = Counter(wired, "store(0, load(0) + 1)\nsend(2, 4, 0)\nforward(2, 4, 0)\nreply(7)")
    setattr(counter.process.job.addresses[2], name, garbage)
    counter.ask()
    counter.ask()
    assert (counter.words()[0], counter.answers()) == (2, [[7], [7]])
