"""Match lists: bits and mask, rank and group, and the three links."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.portals import (
    ANY,
    END,
    MATCH_BITS_MASK,
    AckOutcome,
    Block,
    DynamicBlock,
    Heap,
    IndependentBlock,
    MatchEntry,
    MatchList,
    MemoryOperation,
    PortalEntry,
    SendInfo,
    SingleBlock,
)

BITS = st.integers(0, MATCH_BITS_MASK)
FEW_BITS = st.integers(0, 7)


def buffer(size: int = 8) -> SingleBlock:
    return SingleBlock(
        MemoryOperation.SINGLE_SNDR_OFF_SV_BDY_ACK, memoryview(bytearray(b"." * size))
    )


def full() -> IndependentBlock:
    """A descriptor which takes no message: its one block is taken."""
    row = IndependentBlock(MemoryOperation.IND_LIN_SV_HDR, [Block()])
    row.next_free = 1
    return row


def took(entries: list[Any]) -> list[int]:
    """Return how many messages each entry's descriptor took."""
    return [entry.descriptor.messages for entry in entries]


def install(machine: Any, entries: list[Any], head: int = 0) -> PortalEntry:
    return machine.install(PortalEntry(MatchList(entries, head)))


@given(bits=BITS, mask=BITS, arriving=BITS)
def test_the_bits_under_the_mask_must_be_equal(
    wired: Any, bits: int, mask: int, arriving: int
) -> None:
    machine = wired()
    for number, message in enumerate((arriving, bits, bits ^ ~mask & MATCH_BITS_MASK)):
        entry = MatchEntry(buffer(), bits=bits, mask=mask)
        machine.processes[1].table.remove(3)
        install(machine, [entry])
        machine.put(b"x", bits=message)
        matches = bits & mask == message & mask
        assert took([entry]) == [matches]
        assert matches or number == 0


@given(
    entries=st.lists(st.tuples(FEW_BITS, FEW_BITS, st.booleans()), min_size=1, max_size=6),
    order=st.randoms(use_true_random=False),
    messages=st.lists(FEW_BITS, max_size=8),
)
def test_the_first_entry_in_the_order_of_the_links_takes_a_message(
    wired: Any, entries: list[tuple[int, int, bool]], order: Any, messages: list[int]
) -> None:
    machine = wired()
    chain = list(range(len(entries)))
    order.shuffle(chain)
    made = [MatchEntry(buffer(), bits=bits, mask=mask) for bits, mask, _ in entries]
    for entry, (_, _, active) in zip(made, entries, strict=True):
        entry.active = active
    for place, following in zip(chain, [*chain[1:], END], strict=True):
        made[place].next_no_match = following
    portal = install(machine, made, chain[0])
    expected = [0] * len(made)
    dropped = 0
    for message in messages:
        machine.put(b"x", bits=message)
        for place in chain:
            bits, mask, active = entries[place]
            if active and bits & mask == message & mask:
                expected[place] += 1
                break
        else:
            dropped += 1
    assert took(made) == expected
    assert portal.drops == dropped


@pytest.mark.parametrize(
    ("rank", "group", "matches"),
    [
        (ANY, ANY, True),
        (0, ANY, True),
        (1, ANY, False),
        (ANY, 1, True),
        (ANY, 2, False),
        (0, 1, True),
    ],
)
def test_source_rank_and_group(wired: Any, rank: int, group: int, matches: bool) -> None:
    machine = wired()
    entry = MatchEntry(buffer(), rank=rank, group=group)
    install(machine, [entry])
    machine.put(b"x")
    assert took([entry]) == [matches]


def test_no_match_no_fit_and_invalid_lead_to_different_entries(wired: Any) -> None:
    machine = wired()
    first = MatchEntry(buffer(2), bits=1, next_no_match=1, next_no_fit=2, next_invalid=3)
    others = [MatchEntry(buffer(), mask=0) for _ in range(3)]
    entries = [first, *others]
    install(machine, entries)
    machine.put(b"x", bits=1)
    assert took(entries) == [1, 0, 0, 0]
    machine.put(b"x", bits=2)
    assert took(entries) == [1, 1, 0, 0]
    machine.put(b"too long", bits=1)
    assert took(entries) == [1, 1, 1, 0]
    first.descriptor.valid = False
    machine.put(b"x", bits=1)
    assert took(entries) == [1, 1, 1, 1]
    first.descriptor = full()
    machine.put(b"x", bits=1)
    first.descriptor = None
    machine.put(b"x", bits=1)
    assert took(entries[1:]) == [1, 1, 3]
    assert first.active
    assert not first.failed_no_fit


def test_links_may_lead_anywhere_in_the_list(wired: Any) -> None:
    machine = wired()
    short = MatchEntry(buffer(2), bits=1, next_no_match=2, next_no_fit=2)
    long = MatchEntry(buffer(8), bits=1)
    middle = MatchEntry(buffer(8), bits=5, next_no_match=1)
    install(machine, [short, long, middle])
    machine.put(b"long one", bits=1)
    assert took([short, long, middle]) == [0, 1, 0]


def test_a_message_that_fits_nowhere_marks_the_last_entry_and_puts_it_out_of_action(
    wired: Any,
) -> None:
    machine = wired()
    first = MatchEntry(buffer(2), next_no_fit=1)
    second = MatchEntry(buffer(3))
    portal = install(machine, [first, second])
    machine.put(b"too long for both")
    assert (first.failed_no_fit, first.active) == (False, True)
    assert (second.failed_no_fit, second.active) == (True, False)
    assert portal.drops == 1
    machine.put(b"abc")
    assert took([first, second]) == [0, 0]
    assert portal.drops == 2


def test_the_end_of_the_list_drops(wired: Any) -> None:
    machine = wired()
    entry = MatchEntry(buffer(), bits=1)
    portal = install(machine, [entry])
    machine.put(b"x", bits=2)
    entry.descriptor.valid = False
    machine.put(b"x", bits=1)
    assert portal.drops == 2
    machine.processes[1].table.entries[3].target.head = END
    machine.put(b"x", bits=1)
    assert portal.drops == 3
    assert machine.processes[1].table.dropped == 1 << 3


@given(
    links=st.lists(st.tuples(*[st.integers(-2, 6)] * 3), min_size=1, max_size=5),
    head=st.integers(-2, 6),
    kinds=st.lists(st.sampled_from(["other", "small", "invalid", "hole"]), min_size=5, max_size=5),
)
def test_links_that_go_round_or_astray_end(
    wired: Any, links: list[tuple[int, int, int]], head: int, kinds: list[str]
) -> None:
    """Wherever the links lead, a message that nobody takes is dropped, once."""
    machine = wired()
    entries: list[MatchEntry | None] = []
    for (no_match, no_fit, invalid), kind in zip(links, kinds, strict=False):
        entry = MatchEntry(
            buffer(1) if kind == "small" else full(),
            bits=1 if kind == "other" else 0,
            next_no_match=no_match,
            next_no_fit=no_fit,
            next_invalid=invalid,
        )
        entries.append(None if kind == "hole" else entry)
    portal = install(machine, entries, head)
    machine.put(b"message")
    assert portal.drops == 1
    visits = (machine.kernels[1].free - machine.engine.now) if machine.engine.now else 0
    assert visits <= 20 + len(entries) + 1


def test_every_entry_that_is_looked_at_takes_time(wired: Any) -> None:
    for length in (1, 5):
        machine = wired()
        entries = [MatchEntry(buffer(), bits=n, next_no_match=n + 1) for n in range(length)]
        install(machine, entries)
        machine.put(bits=length - 1)
        arrived = 10 + 100
        assert machine.kernels[1].free == arrived + 20 + length


def test_acknowledgements_come_from_the_descriptor_that_decided(wired: Any) -> None:
    machine = wired()
    heap = Heap(1 << 20)
    silent = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_SV_BDY, memoryview(bytearray(8)))
    machine.install(
        PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, heap)), portal=9, nid=0
    )
    install(
        machine,
        [
            MatchEntry(buffer(2), bits=1, next_no_match=2, next_no_fit=1),
            MatchEntry(silent, bits=1),
            MatchEntry(buffer(4), bits=2),
        ],
    )
    for bits, body in ((1, b"ab"), (1, b"abcd"), (2, b"abcd"), (2, b"too long"), (3, b"")):
        machine.put(body, bits=bits, info=SendInfo(return_portal=9, return_bits=bits))
    answers = [(header.bits, header.info.user_data) for header in heap.messages]
    assert answers == [
        (1, AckOutcome.SAVED_BODY),
        (2, AckOutcome.SAVED_BODY),
        (2, AckOutcome.DROPPED),
    ]


def test_inactive_portals_and_portals_that_are_not_there_drop(wired: Any) -> None:
    machine = wired()
    portal = machine.install(PortalEntry(buffer()))
    portal.active = False
    table = machine.processes[1].table
    machine.put(b"x", portal=3)
    machine.put(b"x", portal=4)
    machine.put(b"x", portal=63)
    assert table.dropped == 1 << 3 | 1 << 4 | 1 << 63
    machine.put(b"x", portal=64)
    assert table.drops == 4
    assert portal.drops == 1
    portal.active = True
    machine.put(b"x", portal=3)
    assert portal.target.messages == 1
