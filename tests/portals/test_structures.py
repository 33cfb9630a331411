"""Portal tables and descriptors as their owners use them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from vmpp.portals import (
    PORTALS,
    CombinedBlock,
    Descriptor,
    DynamicBlock,
    Heap,
    IndependentBlock,
    MemoryOperation,
    PortalEntry,
    PortalTable,
    SingleBlock,
)

MAKERS: dict[str, Callable[[MemoryOperation], Descriptor]] = {
    "SINGLE": lambda operation: SingleBlock(operation, memoryview(b"")),
    "IND": lambda operation: IndependentBlock(operation, []),
    "COMB": lambda operation: CombinedBlock(operation, []),
    "DYN": lambda operation: DynamicBlock(operation, Heap(0)),
}


@pytest.mark.parametrize(("kind", "operation"), [*product(MAKERS, MemoryOperation)])
def test_a_descriptor_takes_the_operations_of_its_kind(
    kind: str, operation: MemoryOperation
) -> None:
    if operation.name.startswith(f"{kind}_"):
        assert MAKERS[kind](operation).valid
    else:
        with pytest.raises(ValueError, match=f"{operation.name}.* is not an operation of a"):
            MAKERS[kind](operation)


def test_operations_have_the_numbers_of_the_published_enumeration() -> None:
    assert len(MemoryOperation) == 28
    assert [*map(int, MemoryOperation)] == list(range(28))
    assert MemoryOperation.IND_CIRC_SV_HDR_BDY_ACK == 9
    assert MemoryOperation.COMB_SNDR_OFF_SV_BDY == 16
    assert MemoryOperation.DYN_SV_HDR_BDY_ACK == 25
    assert MemoryOperation.UNASSIGNED_MD == 27


def test_a_table_has_64_portals() -> None:
    table = PortalTable()
    assert PORTALS == 64
    for index in (-1, 64):
        with pytest.raises(ValueError, match="not between 0 and 63"):
            table.install(index, PortalEntry(None))


def test_a_portal_is_set_up_once_until_it_is_taken_down() -> None:
    table = PortalTable()
    table.install(5, PortalEntry(None))
    with pytest.raises(ValueError, match="portal 5 is in use"):
        table.install(5, PortalEntry(None))
    table.remove(5)
    table.install(5, PortalEntry(None))


def test_portals_are_allocated_from_the_top() -> None:
    table = PortalTable()
    table.install(62, PortalEntry(None))
    assert [table.allocate(PortalEntry(None)) for _ in range(3)] == [63, 61, 60]
    for _ in range(60):
        table.allocate(PortalEntry(None))
    with pytest.raises(ValueError, match="all 64 portals are in use"):
        table.allocate(PortalEntry(None))
