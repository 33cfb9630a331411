"""What each of the 26 memory operations does with messages, as one table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from vmpp.portals import (
    AckOutcome,
    Block,
    CombinedBlock,
    Descriptor,
    DynamicBlock,
    Heap,
    IndependentBlock,
    MemoryOperation,
    PortalEntry,
    SendInfo,
    SingleBlock,
)

BODY, HEADER, BOTH, READ, DROPPED = (
    AckOutcome.SAVED_BODY,
    AckOutcome.SAVED_HEADER,
    AckOutcome.SAVED_HEADER_AND_BODY,
    AckOutcome.READ,
    AckOutcome.DROPPED,
)
PORTAL, ANSWERS = 3, 9


@dataclass(frozen=True)
class Write:
    """A message that brings *body*, for *offset* if the sender manages it."""

    body: bytes
    offset: int = 0


@dataclass(frozen=True)
class Read:
    """A message that asks for *length* bytes from *offset*, if the sender manages it."""

    length: int
    offset: int = 0


@dataclass(frozen=True)
class Row:
    """One row of the table: what is sent to a descriptor, and what must have become of it.

    Attributes:
        memory: contents before, a block each; None: a block without a buffer. For a heap, its size.
        messages: what is sent, in order.
        after: contents afterwards; for a heap, the bodies that it holds.
        counts: byte count and message count, of the descriptors that keep them.
        headers: lengths of the messages whose headers are kept, a place each.
        answers: outcome and body of acknowledgements and replies, in order.
        drops: how many messages were discarded.
    """

    operation: MemoryOperation
    memory: Any
    messages: list[Write | Read]
    after: list[bytes | None]
    counts: tuple[int, int] | None = None
    headers: list[int | None] | None = None
    answers: list[tuple[AckOutcome, bytes]] = field(default_factory=list)
    drops: int = 0


def acks(*outcomes: AckOutcome) -> list[tuple[AckOutcome, bytes]]:
    return [(outcome, b"") for outcome in outcomes]


def read(*bodies: bytes) -> list[tuple[AckOutcome, bytes]]:
    return [(READ, body) for body in bodies]


SENDER_WRITES: list[Write | Read] = [
    Write(b"abc", 2), Write(b"xy", 7), Write(b"n", -1), Write(b"", 8),
]  # fmt: skip
RECEIVER_WRITES: list[Write | Read] = [Write(b"abc", 5), Write(b"de", 9), Write(b"wxyz", 0)]
SENDER_READS: list[Write | Read] = [Read(3, 2), Read(2, 7), Read(1, -1), Read(-1, 0), Read(0, 8)]
RECEIVER_READS: list[Write | Read] = [Read(3, 6), Read(2, 99), Read(4), Read(-1)]
ROW_WRITES: list[Write | Read] = [Write(b"abc"), Write(b"too long"), Write(b"de"), Write(b"f")]
HEADER_WRITES: list[Write | Read] = [Write(b"abc"), Write(b"de"), Write(b"f")]
ROW_READS: list[Write | Read] = [Read(2), Read(5), Read(-1), Read(4), Read(1)]

O = MemoryOperation  # noqa: E741 - a table of one line a row
TABLE = [
    Row(O.SINGLE_SNDR_OFF_SV_BDY, [b"........"], SENDER_WRITES, [b"..abc..."], (0, 2), drops=2),
    Row(O.SINGLE_SNDR_OFF_SV_BDY_ACK, [b"........"], SENDER_WRITES, [b"..abc..."], (0, 2),
        answers=acks(BODY, DROPPED, DROPPED, BODY), drops=2),
    Row(O.SINGLE_SNDR_OFF_RPLY, [b"01234567"], SENDER_READS, [b"01234567"], (0, 2),
        answers=read(b"234", b""), drops=3),
    Row(O.SINGLE_RCVR_OFF_SV_BDY, [b"........"], RECEIVER_WRITES, [b"abcde..."], (2, 2), drops=1),
    Row(O.SINGLE_RCVR_OFF_SV_BDY_ACK, [b"........"], RECEIVER_WRITES, [b"abcde..."], (2, 2),
        answers=acks(BODY, BODY, DROPPED), drops=1),
    Row(O.SINGLE_RCVR_OFF_RPLY, [b"01234567"], RECEIVER_READS, [b"01234567"], (2, 2),
        answers=read(b"012", b"34"), drops=2),
    Row(O.IND_CIRC_SV_HDR, [None, None], HEADER_WRITES, [None, None], headers=[3, 2], drops=1),
    Row(O.IND_CIRC_SV_HDR_ACK, [None, None], HEADER_WRITES, [None, None], headers=[3, 2],
        answers=acks(HEADER, HEADER, DROPPED), drops=1),
    Row(O.IND_CIRC_SV_HDR_BDY, [b"....", b"...."], ROW_WRITES, [b"abc.", b"de.."],
        headers=[3, 2], drops=2),
    Row(O.IND_CIRC_SV_HDR_BDY_ACK, [b"....", b"...."], ROW_WRITES, [b"abc.", b"de.."],
        headers=[3, 2], answers=acks(BOTH, DROPPED, BOTH, DROPPED), drops=2),
    Row(O.IND_CIRC_RPLY, [b"0123", b"4567"], ROW_READS, [b"0123", b"4567"], headers=[0, 0],
        answers=read(b"01", b"4567"), drops=3),
    Row(O.IND_LIN_SV_HDR, [None, None], HEADER_WRITES, [None, None], headers=[3, 2], drops=1),
    Row(O.IND_LIN_SV_HDR_ACK, [None, None], HEADER_WRITES, [None, None], headers=[3, 2],
        answers=acks(HEADER, HEADER, DROPPED), drops=1),
    Row(O.IND_LIN_SV_HDR_BDY, [b"....", b"...."], ROW_WRITES, [b"abc.", b"de.."],
        headers=[3, 2], drops=2),
    Row(O.IND_LIN_SV_HDR_BDY_ACK, [b"....", b"...."], ROW_WRITES, [b"abc.", b"de.."],
        headers=[3, 2], answers=acks(BOTH, DROPPED, BOTH, DROPPED), drops=2),
    Row(O.IND_LIN_RPLY, [b"0123", b"4567"], ROW_READS, [b"0123", b"4567"], headers=[0, 0],
        answers=read(b"01", b"4567"), drops=3),
    Row(O.COMB_SNDR_OFF_SV_BDY, [b"...", b"....."], SENDER_WRITES, [b"..a", b"bc..."], (0, 2),
        drops=2),
    Row(O.COMB_SNDR_OFF_SV_BDY_ACK, [b"...", b"....."], SENDER_WRITES, [b"..a", b"bc..."], (0, 2),
        answers=acks(BODY, DROPPED, DROPPED, BODY), drops=2),
    Row(O.COMB_SNDR_OFF_RPLY, [b"012", b"34567"], SENDER_READS, [b"012", b"34567"], (0, 2),
        answers=read(b"234", b""), drops=3),
    Row(O.COMB_RCVR_OFF_SV_BDY, [b"...", b"....."], RECEIVER_WRITES, [b"abc", b"de..."], (2, 2),
        drops=1),
    Row(O.COMB_RCVR_OFF_SV_BDY_ACK, [b"...", b"....."], RECEIVER_WRITES, [b"abc", b"de..."], (2, 2),
        answers=acks(BODY, BODY, DROPPED), drops=1),
    Row(O.COMB_RCVR_OFF_RPLY, [b"012", b"34567"], RECEIVER_READS, [b"012", b"34567"], (2, 2),
        answers=read(b"012", b"34"), drops=2),
    Row(O.DYN_SV_HDR, 2 * 64 + 63, HEADER_WRITES, [None, None], headers=[3, 2], drops=1),
    Row(O.DYN_SV_HDR_ACK, 2 * 64 + 63, HEADER_WRITES, [None, None], headers=[3, 2],
        answers=acks(HEADER, HEADER, DROPPED), drops=1),
    Row(O.DYN_SV_HDR_BDY, 2 * 64 + 4, ROW_WRITES, [b"abc", b"f"], headers=[3, 1], drops=2),
    Row(O.DYN_SV_HDR_BDY_ACK, 2 * 64 + 4, ROW_WRITES, [b"abc", b"f"], headers=[3, 1],
        answers=acks(BOTH, DROPPED, DROPPED, BOTH), drops=2),
]  # fmt: skip


def descriptor(row: Row) -> Descriptor:
    """Make the descriptor of a row over memory of its own."""
    name = row.operation.name
    if name.startswith("DYN"):
        return DynamicBlock(row.operation, Heap(row.memory))
    views = [None if part is None else memoryview(bytearray(part)) for part in row.memory]
    if name.startswith("SINGLE"):
        return SingleBlock(row.operation, views[0])
    if name.startswith("COMB"):
        return CombinedBlock(row.operation, views)
    return IndependentBlock(row.operation, [Block(view) for view in views])


def contents(block: Any) -> list[bytes | None]:
    if isinstance(block, SingleBlock):
        return [bytes(block.buffer)]
    if isinstance(block, CombinedBlock):
        return [bytes(view) for view in block.blocks]
    if isinstance(block, DynamicBlock):
        return [
            None if header.body is None else bytes(header.body) for header in block.heap.messages
        ]
    return [None if part.buffer is None else bytes(part.buffer) for part in block.blocks]


def headers(block: Any) -> list[int | None] | None:
    if isinstance(block, DynamicBlock):
        return [header.length for header in block.heap.messages]
    if isinstance(block, IndependentBlock):
        return [None if part.header is None else part.header.length for part in block.blocks]
    return None


def send(machine: Any, message: Write | Read, number: int, portal: int = PORTAL) -> None:
    """Send one message of a row; answers go to portal `ANSWERS`, with its number as their bits."""
    if isinstance(message, Write):
        info = SendInfo(offset=message.offset, return_portal=ANSWERS, return_bits=number)
        machine.put(message.body, info=info, portal=portal)
    else:
        info = SendInfo(
            read=True,
            offset=message.offset,
            reply_length=message.length,
            return_portal=ANSWERS,
            return_bits=number,
        )
        machine.put(info=info, portal=portal)


def test_the_table_has_every_operation() -> None:
    assert [row.operation for row in TABLE] == list(MemoryOperation)[:26]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.operation.name)
def test_operation(wired: Any, row: Row) -> None:
    machine = wired()
    heap = Heap(1 << 20)
    machine.install(PortalEntry(DynamicBlock(O.DYN_SV_HDR_BDY, heap)), portal=ANSWERS, nid=0)
    block: Any = descriptor(row)
    entry = machine.install(PortalEntry(block))
    for number, message in enumerate(row.messages):
        send(machine, message, number)
    assert contents(block) == row.after
    assert headers(block) == row.headers
    if row.counts is not None:
        assert (block.count, block.messages) == row.counts
    answers = [(header.info.user_data, header.body or b"") for header in heap.messages]
    assert answers == row.answers
    assert all(header.source is machine.processes[1].address for header in heap.messages)
    bits = [header.bits for header in heap.messages]
    assert bits == sorted(set(bits))
    table = machine.processes[1].table
    assert (entry.drops, table.drops, table.dropped) == (row.drops, row.drops, 1 << PORTAL)
    assert machine.processes[0].table.drops == 0


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.operation.name)
def test_a_descriptor_is_for_writing_or_for_reading_and_never_both(wired: Any, row: Row) -> None:
    machine = wired()
    block = descriptor(row)
    before = contents(block)
    entry = machine.install(PortalEntry(block))
    reads = row.operation.name.endswith("RPLY")
    send(machine, Write(b"a") if reads else Read(1), 0)
    assert contents(block) == before
    assert entry.drops == 1


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.operation.name)
def test_an_invalid_descriptor_takes_nothing(wired: Any, row: Row) -> None:
    machine = wired()
    block = descriptor(row)
    before = contents(block)
    block.valid = False
    entry = machine.install(PortalEntry(block))
    send(machine, row.messages[0], 0)
    assert contents(block) == before
    assert entry.drops == 1


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.operation.name)
def test_nobody_is_told_who_did_not_ask(wired: Any, row: Row) -> None:
    machine = wired()
    machine.install(PortalEntry(descriptor(row)))
    if row.operation.name.endswith("RPLY"):
        machine.put(info=SendInfo(read=True, reply_length=1))
    else:
        machine.put(b"a")
        machine.put(b"a", info=SendInfo())
    assert machine.kernels[1].messages == 0


@pytest.mark.parametrize("kind", ["HDR", "HDR_BDY"])
def test_a_circular_row_begins_again_and_a_linear_one_does_not(wired: Any, kind: str) -> None:
    for order, expected in (("CIRC", [b"3", b"2"]), ("LIN", [None, None])):
        machine = wired()
        blocks = [Block(memoryview(bytearray(1))) for _ in range(2)]
        row = IndependentBlock(MemoryOperation[f"IND_{order}_SV_{kind}"], blocks)
        machine.install(PortalEntry(row))
        for number in range(4):
            machine.put(b"%d" % number, bits=number)
            # The owner reads in order, and leaves the last two where they are.
            if number < 2:
                blocks[number].header = None
        kept = [None if block.header is None else b"%d" % block.header.bits for block in blocks]
        assert kept == ([b"2", b"3"] if order == "CIRC" else expected)


def test_a_circular_row_of_reads_begins_again_when_its_owner_empties_it(wired: Any) -> None:
    machine = wired()
    blocks = [Block(memoryview(bytearray(b"one"))), Block(memoryview(bytearray(b"two")))]
    machine.install(PortalEntry(IndependentBlock(O.IND_CIRC_RPLY, blocks)))
    heap = Heap(1 << 20)
    machine.install(PortalEntry(DynamicBlock(O.DYN_SV_HDR_BDY, heap)), portal=ANSWERS, nid=0)
    for number in range(3):
        send(machine, Read(3), number)
        blocks[0].header = None
    assert [header.body for header in heap.messages] == [b"one", b"two", b"one"]


def test_two_dynamic_blocks_lie_over_one_heap_in_order_of_arrival(wired: Any) -> None:
    machine = wired()
    heap = Heap(1000)
    machine.install(PortalEntry(DynamicBlock(O.DYN_SV_HDR_BDY, heap)), portal=3)
    machine.install(PortalEntry(DynamicBlock(O.DYN_SV_HDR, heap)), portal=4)
    machine.put(b"whole", portal=3)
    machine.put(b"header only", portal=4)
    machine.put(b"again", portal=3)
    assert [header.body for header in heap.messages] == [b"whole", None, b"again"]
    assert heap.used == 3 * Heap.HEADER_BYTES + 10
    while heap.messages:
        heap.free(heap.messages.pop())
    assert heap.used == 0


def test_what_is_saved_does_not_change_with_the_senders_memory(wired: Any) -> None:
    machine = wired()
    heap = Heap(1000)
    machine.install(PortalEntry(DynamicBlock(O.DYN_SV_HDR_BDY, heap)))
    memory = bytearray(b"before")
    machine.put(memoryview(memory))
    memory[:] = b"after!"
    assert heap.messages[0].body == b"before"


def test_what_a_read_returns_is_what_memory_held_when_it_was_read(wired: Any) -> None:
    """The owner may write again as soon as the kernel says that the memory was read."""
    machine = wired()
    memory = bytearray(b"before")
    block = SingleBlock(O.SINGLE_SNDR_OFF_RPLY, memoryview(memory))
    machine.install(PortalEntry(block))
    heap = Heap(1000)
    machine.install(PortalEntry(DynamicBlock(O.DYN_SV_HDR_BDY, heap)), portal=ANSWERS, nid=0)

    def owner(process: Any) -> None:
        while not block.messages:
            process.wait(block)
        memory[:] = b"after!"

    machine.start(1, owner)
    send(machine, Read(6), 0)
    assert bytes(memory) == b"after!"
    assert heap.messages[0].body == b"before"


def test_a_saved_header_is_no_way_back_into_the_senders_memory(wired: Any) -> None:
    machine = wired()
    blocks = [Block(memoryview(bytearray(8))), Block()]
    machine.install(PortalEntry(IndependentBlock(O.IND_LIN_SV_HDR_BDY, blocks[:1])), portal=3)
    machine.install(PortalEntry(IndependentBlock(O.IND_LIN_SV_HDR, blocks[1:])), portal=4)
    memory = bytearray(b"sender's")
    view = memoryview(memory)
    machine.put(view, portal=3)
    machine.put(view, portal=4)
    assert [block.header.body for block in blocks] == [None, None]
    view.release()
    memory.clear()
