"""Strided groups of runs, match lists that change, and the queue for a lock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.portals import END, MemoryOperation, SingleBlock
from vmpp_mpi._windows._chain import Chain
from vmpp_mpi._windows._exposed import Exposed, gather, scatter
from vmpp_mpi._windows._groups import Group, decoded, encoded, grouped, pieces
from vmpp_mpi._windows._locks import LockQueue

RUNS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)), max_size=12)
STRIDED = st.builds(
    Group, st.integers(0, 40), st.integers(1, 5), st.integers(-8, 8), st.integers(1, 6)
)


def bytes_of(groups):
    """Return the offset of every byte, in order."""
    return [
        run.offset + place
        for group in groups
        for run in group.single()
        for place in range(run.length)
    ]


@given(RUNS)
def test_groups_have_the_bytes_of_their_runs_in_their_order(runs):
    expected = [offset + place for offset, length in runs for place in range(length)]
    assert bytes_of(grouped(runs)) == expected


@pytest.mark.parametrize("step", [16, 9, -16])
def test_a_column_is_one_group(step):
    runs = [(1000 + step * row, 8) for row in range(50)]
    assert grouped(runs) == [Group(1000, 8, step, 50)]


def test_what_touches_is_one_run():
    assert grouped([(0, 4), (4, 4), (8, 2)]) == [Group(0, 10, 0, 1)]


@given(st.lists(STRIDED, max_size=6), st.integers(1, 20))
def test_pieces_are_the_groups_cut_at_every_so_many_bytes(groups, limit):
    cut = list(pieces(groups, limit))
    assert [place for piece in cut for place in bytes_of(piece)] == bytes_of(groups)
    assert all(len(bytes_of(piece)) == limit for piece in cut[:-1])
    assert all(0 < len(bytes_of(piece)) <= limit for piece in cut)


@given(st.lists(STRIDED, max_size=5), st.binary(max_size=9))
def test_groups_survive_the_wire(groups, data):
    found, rest = decoded(encoded(groups) + data, len(groups))
    assert (found, bytes(rest)) == (groups, data)


@given(st.lists(STRIDED, max_size=5), st.randoms(use_true_random=False))
def test_gather_and_scatter_follow_the_order_of_the_bytes(groups, random):
    memory = bytearray(random.randbytes(200))
    exposed = Exposed(1)
    exposed.add(memoryview(memory), -50)
    located = exposed.locate(groups)
    places = [50 + place for place in bytes_of(groups)]
    assert gather(located) == bytes(memory[place] for place in places)
    data = random.randbytes(len(places))
    expected = bytearray(memory)
    for place, byte in zip(places, data, strict=True):
        expected[place] = byte
    scatter(located, data)
    if len(set(places)) == len(places):
        assert memory == expected


@given(STRIDED, st.integers(-10, 40), st.integers(0, 60))
def test_nothing_beyond_a_region_is_ever_found(group, base, size):
    exposed = Exposed(1)
    exposed.add(memoryview(bytearray(size)), base)
    inside = all(base <= place < base + size for place in bytes_of([group]))
    assert (exposed.locate([group]) is not None) == inside


@given(st.lists(st.integers(0, 9), max_size=40))
def test_a_chain_tries_its_entries_in_the_order_in_which_they_came(steps):
    chain = Chain()
    alive: list[tuple[int, int]] = []
    for number, step in enumerate(steps):
        if step < len(alive):
            chain.remove(alive.pop(step)[0])
        else:
            block = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_SV_BDY, memoryview(bytearray(1)))
            alive.append((chain.add(number, block), number))
        found = []
        place = chain.list.head
        while place != END:
            entry = chain.list.entries[place]
            assert entry is not None
            assert entry.active
            found.append((place, entry.bits))
            place = entry.next_no_match
        assert found == alive


@given(st.lists(st.tuples(st.sampled_from(["ask", "give back", "vanish"]), st.booleans())))
def test_a_lock_is_held_by_one_or_shared_and_granted_in_order(steps):
    lock: LockQueue[str, int] = LockQueue()
    exclusive: dict[int, bool] = {}
    holders: list[int] = []
    order: list[int] = []
    for number, (step, alone) in enumerate(steps):
        if step == "give back" and holders:
            granted = lock.release(f"owner {holders.pop()}")
        elif step == "vanish" and exclusive:
            # The last that asked, whether it has the lock or waits for it.
            last, _ = exclusive.popitem()
            holders = [holder for holder in holders if holder != last]
            granted = lock.lose(f"owner {last}")
        else:
            exclusive[number] = alone
            granted = lock.request(alone, f"owner {number}", number)
        holders += granted
        order += granted
        assert len(holders) <= 1 or not any(exclusive[holder] for holder in holders)
        waiting = sorted(set(exclusive) - set(order))
        # The first that waits does so because it must.
        assert not waiting or exclusive[waiting[0]] or any(exclusive[each] for each in holders)
        assert not waiting or holders
    assert order == sorted(order)
