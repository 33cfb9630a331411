"""Portals that are promised: set up when the first message comes, or when their owner asks."""

from __future__ import annotations

from typing import Any

import pytest

from vmpp.portals import (
    DynamicBlock,
    Heap,
    LatePortals,
    MemoryOperation,
    PortalEntry,
    PortalTable,
)


class Library:
    """Sets portals 3 and 4 up over one heap for each process, and notes for whom."""

    def __init__(self) -> None:
        self.heaps: dict[int, Heap] = {}
        self.late = LatePortals((3, 4), self.set_up)

    def set_up(self, process: Any) -> None:
        heap = self.heaps[process.rank] = Heap(1000)
        block = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, heap)
        for index in self.late.indices:
            process.table.install(index, PortalEntry(block))

    def bodies(self, rank: int) -> list[Any]:
        return [header.body for header in self.heaps[rank].messages]


@pytest.fixture
def library(wired: Any) -> tuple[Any, Library]:
    """Three processes of which one object promises portals."""
    machine, library = wired(3), Library()
    for process in machine.processes:
        process.table.promise(library.late)
    return machine, library


def test_the_first_message_for_one_sets_all_of_them_up(library: tuple[Any, Library]) -> None:
    machine, late = library
    machine.put(b"first", portal=4)
    machine.put(b"second", portal=3)
    assert late.bodies(1) == [b"first", b"second"]
    assert list(late.heaps) == [1]
    assert machine.processes[1].table.drops == 0


def test_it_takes_no_time(wired: Any, library: tuple[Any, Library]) -> None:
    machine, _ = library
    machine.put(b"early")
    other = wired(3)
    other.install(PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, Heap(1000))))
    other.put(b"early")
    assert machine.engine.now == other.engine.now
    assert machine.kernels[1].free == other.kernels[1].free


def test_the_owner_may_need_them_before_any_message(library: tuple[Any, Library]) -> None:
    machine, late = library
    process = machine.processes[1]
    entry = process.table.needed(3, process)
    assert entry is process.table.entries[3]
    assert process.table.needed(3, process) is entry
    machine.put(b"later")
    assert late.bodies(1) == [b"later"]


def test_a_promised_portal_is_in_use(library: tuple[Any, Library]) -> None:
    table = library[0].processes[0].table
    with pytest.raises(ValueError, match="portal 4 is in use"):
        table.install(4, PortalEntry(None))
    with pytest.raises(ValueError, match="portal 3 is in use"):
        table.promise(LatePortals((5, 3), print))
    assert table.entries[5] is None
    assert {table.allocate(PortalEntry(None)) for _ in range(62)} == {*range(64)} - {3, 4}


def test_there_is_no_portal_where_none_was_promised() -> None:
    table = PortalTable()
    assert table.needed(3, None) is None
    with pytest.raises(ValueError, match="portal 64 is not between 0 and 63"):
        table.promise(LatePortals((3, 64), print))
    assert table.entries[3] is None


@pytest.mark.parametrize(
    "set_up",
    [
        lambda process: None,
        lambda process: 1 // 0,
        lambda process: process.table.install(3, None),
        None,
    ],
)
def test_a_promise_that_is_not_kept_drops_messages_and_harms_nobody(
    wired: Any, set_up: Any
) -> None:
    machine, late = wired(3), Library()
    machine.processes[1].table.promise(LatePortals((3,), set_up))
    machine.processes[2].table.promise(late.late)
    machine.put(b"lost")
    machine.put(b"lost", portal=3)
    machine.put(b"kept", target=2)
    table = machine.processes[1].table
    assert (table.drops, table.dropped) == (2, 1 << 3)
    assert late.bodies(2) == [b"kept"]
