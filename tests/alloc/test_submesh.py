"""Submeshes: a job gets a box, if there is one at all, and a compact one if it can be."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_alloc.shapes import shapes
from vmpp_alloc.submesh import Submesh

from .conftest import Box, Rings, drawn, fragmented, places


def boxes(topology: Any) -> dict[frozenset[tuple[int, ...]], tuple[int, ...]]:
    """Return the extents of all boxes by their places, the slow way."""
    found = {}
    for extents in product(*(range(1, extent + 1) for extent in topology.dims)):
        for corner in product(*map(range, topology.dims)):
            sides = list(zip(corner, extents, topology.dims, strict=True))
            if isinstance(topology, Rings) or all(c + e <= d for c, e, d in sides):
                spans = [[at % d for at in range(c, c + e)] for c, e, d in sides]
                found[frozenset(product(*spans))] = extents
    return found


@pytest.mark.parametrize("fit", ["first", "best"])
@given(case=fragmented(most=4))
def test_a_box_is_found_if_and_only_if_there_is_one(fit: str, case: Any) -> None:
    topology, free, wanted = case
    chosen = Submesh(places(topology), fit).choose(free, wanted)
    open_places = {topology.coordinates(node) for node in free}
    there = {
        box: extents
        for box, extents in boxes(topology).items()
        if len(box) >= wanted and box <= open_places
    }
    assert (chosen is None) == (not there)
    if chosen is not None:
        extents = there[frozenset(map(topology.coordinates, chosen))]
        # None is closer together; and none of those that are not leaves less over.
        assert (sum(extents), prod(extents)) == min((sum(e), prod(e)) for e in there.values())


@given(st.integers(1, 60), st.lists(st.integers(1, 8), min_size=1, max_size=3).map(tuple))
def test_shapes_are_no_larger_than_they_must_be(wanted: int, extents: tuple[int, ...]) -> None:
    found = shapes(wanted, extents)
    everything = product(*(range(1, extent + 1) for extent in extents))
    tight = {
        shape
        for shape in everything
        if prod(shape) >= wanted
        and not any(prod(shape) // side * (side - 1) >= wanted for side in shape)
    }
    assert set(found) == tight
    assert len(found) == len(tight)


@pytest.mark.parametrize(
    ("wanted", "best"),
    [(1, (1, 1)), (5, (2, 3)), (7, (2, 4)), (12, (3, 4)), (13, (3, 5)), (16, (4, 4)), (17, (3, 6))],
)
def test_sizes_that_are_no_product_get_a_box_that_is_nearly_square(
    wanted: int, best: tuple[int, int]
) -> None:
    assert shapes(wanted, (8, 8))[0] == best


def test_first_fit_takes_the_first_place_and_best_fit_the_tightest() -> None:
    topology, free = drawn("""
        . . . . . x
        . . . . . x
        . . . . x x
        . . . x . .
        x x x x . .
    """)
    first = Submesh(places(topology)).choose(free, 4)
    best = Submesh(places(topology), "best").choose(free, 4)
    assert first == [0, 1, 6, 7]
    # In the corner it leaves the large field whole.
    assert best == [22, 23, 28, 29]


def test_a_box_is_turned_if_it_must_be() -> None:
    topology, free = drawn("""
        . . x
        . . x
        . . x
    """)
    assert Submesh(places(topology)).choose(free, 6) == free
    assert Submesh(places(topology), "best").choose(free, 6) == free


def test_what_is_left_over_in_the_box_comes_after_the_ranks() -> None:
    chosen = Submesh(places(Box(4, 4))).choose(range(16), 5)
    assert chosen == [0, 1, 2, 4, 5, 6]
    assert chosen is not None
    assert chosen[:5] == [0, 1, 2, 4, 5]


def test_a_job_waits_although_enough_nodes_are_free() -> None:
    topology, free = drawn("""
        . x .
        x . x
        . x .
    """)
    assert Submesh(places(topology)).choose(free, 2) is None


def test_a_box_may_reach_round_a_torus() -> None:
    _, free = drawn("""
        . x x .
        x x x x
        x x x x
        . x x .
    """)
    assert Submesh(places(Box(4, 4))).choose(free, 2) is None
    for fit in ("first", "best"):
        assert Submesh(places(Rings(4, 4)), fit).choose(free, 4) == [15, 12, 3, 0]
