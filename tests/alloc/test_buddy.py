"""The buddy systems: aligned blocks, the smallest that will do, and those that join again."""

from __future__ import annotations

from collections import Counter
from math import isqrt, prod
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_alloc.buddy import Buddy
from vmpp_alloc.subcube import Subcube

from .conftest import Box, drawn, fragmented, places


def cube(dimension: int) -> Box:
    return Box(*[2] * dimension)


def blocks(topology: Any) -> dict[int, list[list[int]]]:
    """Return all blocks of a mesh by their sizes, the slow way."""
    found: dict[int, list[list[int]]] = {}
    for level in range(max(topology.dims).bit_length()):
        sides = [min(1 << level, 1 << extent.bit_length() - 1) for extent in topology.dims]
        there: dict[tuple[int, ...], list[int]] = {}
        for node in range(topology.size):
            place = zip(topology.coordinates(node), sides, strict=True)
            there.setdefault(tuple(at // side for at, side in place), []).append(node)
        found[prod(sides)] = [block for block in there.values() if len(block) == prod(sides)]
    return found


@given(case=fragmented())
def test_a_block_is_the_smallest_that_will_do_and_found_if_one_is_free(case: Any) -> None:
    topology, free, wanted = case
    chosen = Buddy(places(topology)).choose(free, wanted)
    sizes = [size for size in blocks(topology) if size >= wanted]
    there = (
        [block for block in blocks(topology)[min(sizes)] if set(block) <= set(free)]
        if sizes
        else []
    )
    if chosen is None:
        assert not there
    else:
        assert sorted(chosen) in there


def test_the_smallest_block_is_cut() -> None:
    topology, free = drawn("""
        . . . . x x . .
        . . . . x x . .
        . . . . x . x x
        . . . . x x x x
    """)
    buddy = Buddy(places(topology))
    assert buddy.choose(free, 1) == [21]
    assert buddy.choose(free, 2) == [6, 7, 14, 15]
    assert buddy.choose(free, 5) == [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]
    assert buddy.choose(free, 17) is None


def test_what_is_free_but_not_aligned_is_no_block() -> None:
    topology, free = drawn("""
        x . . x
        x . . x
    """)
    assert Buddy(places(topology)).choose(free, 4) is None


def test_a_mesh_of_odd_sides_has_the_squares_that_lie_in_it() -> None:
    buddy = Buddy(places(Box(6, 6)))
    assert buddy.choose(range(36), 5) == [0, 1, 2, 3, 6, 7, 8, 9, 12, 13, 14, 15, 18, 19, 20, 21]
    assert buddy.choose(range(36), 17) is None


def test_where_a_mesh_is_too_flat_for_squares_blocks_are_longer() -> None:
    assert Buddy(places(Box(9, 2))).choose(range(18), 5) == [0, 1, 2, 3, 9, 10, 11, 12]
    # ASCI Red's: 38 x 32 x 2.
    red = Buddy(places(Box(38, 32, 2)))
    chosen = red.choose(range(38 * 32 * 2), 100)
    assert chosen is not None
    assert len(chosen) == 8 * 8 * 2


@given(st.integers(0, 6), st.integers(1, 64), st.data())
@pytest.mark.parametrize("code", ["binary", "gray"])
def test_a_subcube_is_found_if_its_code_knows_a_free_one(
    code: str, dimension: int, wanted: int, data: st.DataObject
) -> None:
    nodes = 1 << dimension
    free = sorted(data.draw(st.sets(st.integers(0, nodes - 1))))
    chosen = Subcube(places(cube(dimension)), code).choose(free, wanted)
    size = 1 << (wanted - 1).bit_length()
    if code == "binary":
        known = [range(first, first + size) for first in range(0, nodes - size + 1, size)]
        assert (chosen is None) == (not any(set(region) <= set(free) for region in known))
    if chosen is not None:
        assert len(chosen) == size
        # In a subcube all nodes have the same bits, but for as many as it has dimensions.
        differ = 0
        for node in chosen:
            differ |= node ^ chosen[0]
        assert 1 << differ.bit_count() == size


def test_the_gray_code_sees_twice_as_many_subcubes() -> None:
    # 2 and 3, 6 and 7 are pairs of the buddy system; 1 and 3 only of the Gray code.
    binary, gray = (Subcube(places(cube(3)), code) for code in ("binary", "gray"))
    assert binary.choose([1, 2, 4, 7], 2) is None
    assert binary.choose([2, 3], 2) == [2, 3]
    assert binary.choose([3, 7, 2], 2) == [2, 3]
    assert binary.choose([1, 5, 7, 3], 4) is None
    assert gray.choose([2, 6], 2) == [2, 6]
    assert binary.choose([2, 6], 2) is None

    def seen(code: str, size: int) -> int:
        policy, count = Subcube(places(cube(4)), code), 0
        for first in range(16):
            for mask in range(16):
                region = sorted({first ^ (sub & mask) for sub in range(16)})
                if len(region) == size and region[0] == first:
                    count += policy.choose(region, size) is not None
        return count

    assert [seen("binary", size) for size in (2, 4, 8)] == [8, 4, 2]
    assert [seen("gray", size) for size in (2, 4, 8)] == [16, 8, 4]


@pytest.mark.parametrize("seed", range(3))
def test_sizes_of_the_nasa_ipsc_waste_nothing_inside_of_subcubes(seed: int) -> None:
    """On a 128-node hypercube that is asked for powers of two, as the iPSC/860 of NASA Ames was.

    Sizes are drawn with the frequencies of that log (Feitelson and Nitzberg, 1995).
    """
    frequencies = {1: 4935, 2: 1763, 4: 2683, 8: 1793, 16: 1780, 32: 3662, 64: 1203, 128: 420}
    draw = Random(seed)
    policy = Subcube(places(cube(7)))
    free = set(range(128))
    running: list[list[int]] = []
    placed = Counter[int]()
    for size in draw.choices(list(frequencies), list(frequencies.values()), k=400):
        while (chosen := policy.choose(sorted(free), size)) is None:
            # It waits until somebody ends.
            free |= set(running.pop(draw.randrange(len(running))))
        assert len(chosen) == size
        free -= set(chosen)
        running.append(list(chosen))
        placed[size] += 1
    assert placed.total() == 400
    assert len(free) + sum(map(len, running)) == 128


def test_jobs_that_end_leave_the_whole_machine_behind() -> None:
    buddy = Buddy(places(Box(8, 8)))
    free = set(range(64))
    held = []
    for wanted in (3, 1, 9, 4, 2, 16):
        chosen = buddy.choose(sorted(free), wanted)
        assert chosen is not None
        assert isqrt(len(chosen)) ** 2 == len(chosen)
        free -= set(chosen)
        held.append(chosen)
    assert buddy.choose(sorted(free), 64) is None
    free.update(*held)
    assert buddy.choose(sorted(free), 64) == list(range(64))
