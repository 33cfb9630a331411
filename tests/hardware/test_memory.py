"""Memory hands out regions, first fit, within its size; against a plain model of its bytes."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from vmpp.hardware import Memory, OutOfMemory, Region

SIZE = 32


class MemoryAgainstBytes(RuleBasedStateMachine):
    """The model is a list with the owner of every byte."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory(SIZE)
        self.owner: list[Region | None] = [None] * SIZE
        self.held: list[Region] = []

    def first_fit(self, length: int) -> int | None:
        for base in range(SIZE - length + 1):
            if all(owner is None for owner in self.owner[base : base + length]):
                return base
        return None

    @rule(length=st.integers(1, SIZE + 4))
    def allocate(self, length: int) -> None:
        base = self.first_fit(length)
        if base is None:
            with pytest.raises(OutOfMemory, match=f"r needs {length} bytes"):
                self.memory.allocate("r", length)
            return
        region = self.memory.allocate("r", length)
        assert (region.base, region.length, region.name) == (base, length, "r")
        self.owner[base : base + length] = [region] * length
        self.held.append(region)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def free(self, data: st.DataObject) -> None:
        region = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self.memory.free(region)
        self.owner = [None if owner is region else owner for owner in self.owner]

    @invariant()
    def every_address_has_its_owner(self) -> None:
        for address, owner in enumerate(self.owner):
            assert self.memory.find(address) is owner
        assert self.memory.find(-1) is None
        assert self.memory.find(SIZE) is None
        assert self.memory.used == sum(owner is not None for owner in self.owner)


TestMemory = MemoryAgainstBytes.TestCase


def test_a_refusal_names_sizes() -> None:
    memory = Memory(100)
    memory.allocate("kernel", 60)
    with pytest.raises(OutOfMemory, match="program needs 41 bytes, and 40 of 100 are free"):
        memory.allocate("program", 41)
    memory.allocate("program", 40)


def test_regions_are_given_back_once_and_by_themselves() -> None:
    memory = Memory(100)
    region = memory.allocate("r", 10)
    with pytest.raises(ValueError, match="not allocated here"):
        memory.free(Region("r", 0, 10))
    memory.free(region)
    with pytest.raises(ValueError, match="not allocated here"):
        memory.free(region)


def test_a_region_may_be_empty_and_not_negative() -> None:
    memory = Memory(0)
    assert memory.allocate("empty", 0).length == 0
    assert memory.find(0) is None
    with pytest.raises(ValueError, match="-1 bytes"):
        memory.allocate("negative", -1)
