"""Whatever a process writes into its portals, the kernel lives, and nobody else notices."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.portals import (
    MATCH_BITS_MASK,
    AckOutcome,
    Address,
    Block,
    CombinedBlock,
    DynamicBlock,
    Header,
    Heap,
    IndependentBlock,
    KernelHandler,
    MatchEntry,
    MatchList,
    MemoryOperation,
    PortalEntry,
    PortalTable,
    SendInfo,
    SingleBlock,
)
from vmpp.portals.language import compile_handler
from vmpp_topology import ContentionFree, Wormhole

O = MemoryOperation  # noqa: E741 - many of them follow


class Hostile:
    """An object that objects to everything."""

    def _no(self, *_: object) -> Any:
        raise ArithmeticError("no")

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __len__ = __iter__ = __getitem__ = _no
    __setitem__ = __bool__ = __index__ = __add__ = __radd__ = __iadd__ = __call__ = _no
    __hash__ = None  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        raise ArithmeticError(name)


GARBAGE: list[Callable[[], Any]] = [
    lambda: None,
    lambda: True,
    lambda: -1,
    lambda: -28,
    lambda: 7,
    lambda: 1 << 80,
    lambda: 0.5,
    lambda: float("nan"),
    lambda: "text",
    lambda: b"bytes",
    lambda: bytearray(3),
    lambda: memoryview(b"read-only"),
    lambda: memoryview(bytearray(16)).cast("I"),
    lambda: memoryview(bytearray(16))[::2],
    lambda: memoryview(bytearray(16)).cast("B", (4, 4)),
    list,
    lambda: [None] * 64,
    dict,
    lambda: (1, 2),
    lambda: iter([1]),
    object,
    lambda: object,
    PortalTable,
    lambda: PortalEntry(None),
    lambda: MatchList([None], 0),
    lambda: Heap(10),
    Block,
    lambda: SingleBlock(O.SINGLE_RCVR_OFF_SV_BDY, memoryview(bytearray(2))),
    lambda: np.zeros(3),
    lambda: np.int64(3),
    lambda: np.array([1, 2]) == 1,
    lambda: KernelHandler(0, "forged", 1),
    lambda: KernelHandler(Hostile(), "forged", 1),
    Hostile,
]


class Victim:
    """A process's portals, one of every kind, and every place of them that can hold garbage."""

    def __init__(self, process: Any) -> None:
        self.process = process
        self.buffers = [bytearray(b"." * 8) for _ in range(7)]
        views = [memoryview(buffer) for buffer in self.buffers]
        self.heap = Heap(1000)
        row = IndependentBlock(O.IND_CIRC_SV_HDR_BDY_ACK, [Block(views[0]), Block(views[1])])
        single = SingleBlock(O.SINGLE_RCVR_OFF_SV_BDY_ACK, views[2])
        combined = CombinedBlock(O.COMB_SNDR_OFF_SV_BDY_ACK, [views[3], views[4]])
        reads = SingleBlock(O.SINGLE_SNDR_OFF_RPLY, views[5])
        row_reads = IndependentBlock(O.IND_LIN_RPLY, [Block(memoryview(b"row"))])
        combined_reads = CombinedBlock(O.COMB_RCVR_OFF_RPLY, [memoryview(b"abc")])
        dynamic = DynamicBlock(O.DYN_SV_HDR_BDY_ACK, self.heap)
        entries: list[Any] = [
            MatchEntry(row, bits=1, next_no_match=1, next_no_fit=2, next_invalid=3),
            MatchEntry(single, bits=2, next_no_match=2),
            MatchEntry(combined, bits=3, next_no_match=3),
            MatchEntry(dynamic, mask=0),
        ]
        matching = MatchList(entries, 0)
        self.outcomes: list[int] = []
        targets: list[Any] = [
            matching,
            row,
            single,
            combined,
            dynamic,
            reads,
            row_reads,
            combined_reads,
        ]
        self.portals = [PortalEntry(target, self.note) for target in targets]
        program = compile_handler("store(0, body(0))\nreply(load(0))")
        checked = process.kernel.install(process, program)
        handled = SingleBlock(O.SINGLE_SNDR_OFF_SV_BDY, views[6])
        self.portals.append(PortalEntry(handled, checked))
        for index, portal in enumerate(self.portals):
            process.table.install(index, portal)
        self.table = process.table
        holders = [
            self.table, self.portals[0], self.portals[2], matching, *entries[:2], row,
            row.blocks[0], single, combined, reads, row_reads, row_reads.blocks[0],
            combined_reads, dynamic, self.heap, self.portals[8], checked, handled,
        ]  # fmt: skip
        self.fields: list[tuple[Any, Any]] = [(process, "table")]
        for holder in holders:
            for kind in type(holder).__mro__:
                self.fields += [(holder, name) for name in getattr(kind, "__slots__", ())]
        for places in (self.table.entries, entries, row.blocks, combined.blocks, row_reads.blocks):
            self.fields.append((places, 0))

    def note(self, header: Header, outcome: int) -> None:
        self.outcomes.append(outcome)

    def spoil(self, field: int, value: Any) -> None:
        holder, name = self.fields[field % len(self.fields)]
        if isinstance(name, str):
            setattr(holder, name, value)
        else:
            holder[name] = value

    def memory(self) -> list[bytes]:
        return [bytes(buffer) for buffer in self.buffers]


def bombard(machine: Any, target: int) -> None:
    """Send every kind of message to every portal, each asking for an answer."""
    for portal in range(9):
        for bits in (1, 2, 3, 4):
            for body in (b"", b"abc", b"far too long for it"):
                info = SendInfo(return_portal=9, return_bits=portal, offset=bits)
                machine.put(body, bits=bits, portal=portal, info=info, target=target)
            machine.put(b"plain", bits=bits, portal=portal, target=target)
            info = SendInfo(read=True, reply_length=2, return_portal=9, offset=bits)
            machine.put(bits=bits, portal=portal, info=info, target=target)


def stage(wired: Any) -> tuple[Any, Victim, Victim]:
    """Return a sender, one whose portals will be spoilt, and one who must not notice."""
    machine = wired(3)
    machine.install(PortalEntry(DynamicBlock(O.DYN_SV_HDR_BDY, Heap(1 << 20))), portal=9, nid=0)
    return machine, Victim(machine.processes[1]), Victim(machine.processes[2])


@pytest.mark.parametrize("garbage", GARBAGE)
def test_one_field_of_garbage(wired: Any, garbage: Callable[[], Any]) -> None:
    place = 0
    while True:
        machine, victim, bystander = stage(wired)
        if place == len(victim.fields):
            break
        before = bystander.memory()
        victim.spoil(place, garbage())
        bombard_some(machine, 1)
        machine.trace.fold()
        assert bystander.memory() == before
        assert bystander.table.drops == 0
        assert machine.processes[0].table.drops == 0
        assert len(bystander.outcomes) == 0
        place += 1
    machine.put(b"abc", bits=1, portal=0, target=2)
    assert bystander.outcomes == [AckOutcome.SAVED_HEADER_AND_BODY]


def bombard_some(machine: Any, target: int) -> None:
    """Send a few telling messages to every portal."""
    for portal in range(9):
        for body in (b"abc", b"far too long for it"):
            info = SendInfo(return_portal=9, return_bits=portal)
            machine.put(body, bits=1, portal=portal, info=info, target=target)
        info = SendInfo(read=True, reply_length=2, return_portal=9)
        machine.put(bits=2, portal=portal, info=info, target=target)


@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.integers(0, len(GARBAGE) - 1)), min_size=1, max_size=4
    )
)
def test_several_fields_of_garbage(wired: Any, spoils: list[tuple[int, int]]) -> None:
    machine, victim, bystander = stage(wired)
    before = bystander.memory()
    for place, number in spoils:
        victim.spoil(place, GARBAGE[number]())
    bombard(machine, 1)
    machine.trace.fold()
    assert bystander.memory() == before
    assert machine.processes[0].table.drops == 0


@given(st.integers(0, 200), st.integers(0, len(GARBAGE) - 1))
def test_every_message_is_saved_or_counted_as_dropped(wired: Any, place: int, number: int) -> None:
    machine, victim, _ = stage(wired)
    holder, name = victim.fields[place % len(victim.fields)]
    victim.spoil(place, GARBAGE[number]())
    if machine.processes[1].table is not victim.table:
        return
    if name in {"drops", "dropped", "handler", "raised_by"}:
        return
    sent = 0
    for portal in range(8):
        machine.put(b"abc", bits=portal % 4, portal=portal)
        sent += 1
    table = victim.table
    saved = [outcome for outcome in victim.outcomes if outcome != AckOutcome.DROPPED]
    assert table.drops == sent - len(saved)
    if type(table.entries) is list and name != "entries" and holder is not table.entries:
        assert table.drops == sum(portal.drops for portal in victim.portals)


@given(
    st.lists(
        st.tuples(st.sampled_from(SendInfo.__slots__), st.integers(0, len(GARBAGE) - 1)),
        max_size=3,
    ),
    st.integers(0, 9),
    st.integers(0, 4),
    st.sampled_from([None, b"abc"]),
    st.sampled_from([1, 2]),
)
def test_garbage_in_a_senders_wishes_harms_the_sender_alone(
    wired: Any,
    spoils: list[tuple[str, int]],
    portal: int,
    bits: int,
    body: bytes | None,
    pid: int,
) -> None:
    machine, victim, bystander = stage(wired)
    machine.processes[1].address.pid = pid
    info = SendInfo(return_portal=9, read=body is None)
    for name, number in spoils:
        setattr(info, name, GARBAGE[number]())
    with contextlib.suppress(Exception):
        process = machine.processes[0]
        length = 0 if body is None else len(body)
        process.kernel.send(process, machine.processes[1].address, portal, bits, body, length, info)
    machine.engine.run()
    machine.trace.fold()
    assert len(victim.outcomes) <= 1
    assert bystander.outcomes == []


@pytest.mark.parametrize("portal", range(6))
@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("name", ["portal", "bits", "body", "length"])
def test_garbage_in_the_arguments_of_a_send_harms_the_sender_alone(
    wired: Any, name: str, garbage: Callable[[], Any], portal: int
) -> None:
    machine, victim, _ = stage(wired)
    process = machine.processes[0]
    arguments: dict[str, Any] = {"portal": portal, "bits": 1, "body": b"abc", "length": 3}
    arguments[name] = garbage()
    with contextlib.suppress(Exception):
        process.kernel.send(process, machine.processes[1].address, **arguments)
    machine.engine.run()
    machine.trace.fold()
    used = victim.heap.used - Heap.HEADER_BYTES * len(victim.heap.messages)
    assert used == sum(len(header.body or b"") for header in victim.heap.messages)
    assert machine.kernels[0].bytes >= 0


@pytest.mark.parametrize("network", [ContentionFree, Wormhole])
@pytest.mark.parametrize("garbage", [*GARBAGE, lambda: 1000])
@pytest.mark.parametrize("name", ["group", "nid", "pid", "rank"])
def test_garbage_in_the_address_of_a_send_harms_the_sender_alone(
    wired: Any, name: str, garbage: Callable[[], Any], network: Any
) -> None:
    machine = wired(3, network=network)
    victim = Victim(machine.processes[1])
    process = machine.processes[0]
    target = Address(1, 1, 1, 1)
    setattr(target, name, garbage())
    with contextlib.suppress(Exception):
        process.kernel.send(process, target, 1, 0, b"abc", 3, SendInfo(return_portal=9))
    machine.engine.run()
    machine.trace.fold()
    process.clock = max(process.clock, machine.engine.now)
    process.kernel.send(process, machine.processes[1].address, 2, 0, b"abc", 3)
    machine.engine.run()
    assert victim.outcomes[-1] == AckOutcome.SAVED_BODY


@pytest.mark.parametrize("bits", [-1, MATCH_BITS_MASK + 1])
def test_match_bits_are_64_bits(wired: Any, bits: int) -> None:
    machine = wired()
    with pytest.raises(ValueError, match="64 bits"):
        machine.put(b"x", bits=bits)


def test_a_length_is_not_negative(wired: Any) -> None:
    machine = wired()
    process = machine.processes[0]
    with pytest.raises(ValueError, match="-1"):
        process.kernel.send(process, process.address, 3, 0, None, -1)


@pytest.mark.parametrize("length", [2, 4])
def test_a_length_that_is_not_the_bodys_saves_nothing(wired: Any, length: int) -> None:
    machine, victim, _ = stage(wired)
    process = machine.processes[0]
    before = victim.memory()
    for portal in range(1, 5):
        for body in (b"abc", memoryview(b"abc")):
            process.clock = max(process.clock, machine.engine.now)
            process.kernel.send(process, machine.processes[1].address, portal, 0, body, length)
            machine.engine.run()
    assert victim.memory() == before
    assert victim.heap.messages == []
    assert victim.table.drops == 8


def test_a_handler_that_leaves_all_to_the_descriptor_changes_nothing(wired: Any) -> None:
    seen = []
    for checked in (False, True):
        machine, victim, _ = stage(wired)
        handler = None
        if checked:
            kernel = victim.process.kernel
            handler = kernel.install(victim.process, compile_handler("return SAVE"))
        for portal in victim.portals:
            portal.handler = handler
        bombard(machine, 1)
        counts = [(portal.drops, portal.active) for portal in victim.portals]
        answers = [(each.bits, each.body, each.info.user_data) for each in heap_of(machine)]
        kept = [(each.bits, each.body) for each in victim.heap.messages]
        seen.append((victim.memory(), counts, kept, answers, victim.table.dropped))
    assert seen[0] == seen[1]


def heap_of(machine: Any) -> list[Header]:
    """Return what came to the portal of answers of node 0."""
    return machine.processes[0].table.entries[9].target.heap.messages
