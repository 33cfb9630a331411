"""Files have as many blocks of a disk in a row as there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vmpp.hardware.placement import Placement


def test_a_file_that_grows_goes_on_where_it_ends() -> None:
    placement = Placement(100_000)
    for count in range(1, 50):
        assert placement.extend(7, count)
    assert placement.locate(7, 0, 49) == [(0, 49)]
    assert placement.reach(7, 10) == 49
    assert placement.reach(7, 49) == -1


def test_files_that_grow_side_by_side_are_in_long_stretches() -> None:
    placement = Placement(256_000)
    for count in range(10, 4000, 10):
        for file in (1, 2, 3):
            assert placement.extend(file, count)
    for file in (1, 2, 3):
        stretches = placement.locate(file, 0, 3990)
        assert sum(end - begin for begin, end in stretches) == 3990
        assert len(stretches) == 4  # regions of a thousand blocks


def test_the_last_block_can_be_had() -> None:
    placement = Placement(1000)
    for file in range(10):
        assert placement.extend(file, 99)
    assert placement.used == 990
    assert placement.extend(3, 109)
    assert not placement.extend(4, 100)
    assert (placement.used, placement.length(4)) == (1000, 99)
    placement.cut(9, 0)
    assert placement.extend(4, 100)


def test_what_is_cut_is_free_again() -> None:
    placement = Placement(1000)
    placement.extend(1, 30)
    assert placement.cut(1, 10) == [(10, 30)]
    assert placement.cut(1, 10) == []
    assert (placement.length(1), placement.used) == (10, 10)
    placement.extend(1, 20)
    assert placement.locate(1, 5, 100) == [(5, 20)]
    assert placement.locate(2, 0, 1) == []


STEPS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60)), max_size=40)


@given(st.integers(1, 120), STEPS)
def test_no_block_is_two_files(blocks: int, steps: list[tuple[int, int]]) -> None:
    placement = Placement(blocks)
    lengths: dict[int, int] = {}
    for file, count in steps:
        before = [placement.locate(file, 0, lengths.get(file, 0))]
        if count < lengths.get(file, 0):
            placement.cut(file, count)
            lengths[file] = count
        elif placement.extend(file, count):
            # What it had it has where it was.
            assert [placement.locate(file, 0, lengths.get(file, 0))] == before
            lengths[file] = count
        else:
            assert sum(lengths.values()) - lengths.get(file, 0) + count > blocks
    taken = [
        block
        for file, count in lengths.items()
        for begin, end in placement.locate(file, 0, count)
        for block in range(begin, end)
    ]
    assert len(taken) == len(set(taken)) == sum(lengths.values()) == placement.used
    assert all(0 <= block < blocks for block in taken)
