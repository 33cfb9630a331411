"""MC1x1: the nodes in the cheapest shells."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from vmpp_alloc.mc1x1 import MC1x1

from .conftest import Rings, drawn, fragmented, places


def cost(topology: Any, chosen: Any, centre: int) -> int:
    middle = topology.coordinates(centre)
    ways = [
        [abs(a - b) for a, b in zip(topology.coordinates(node), middle, strict=True)]
        for node in chosen
    ]
    if isinstance(topology, Rings):
        ways = [[min(w, d - w) for w, d in zip(way, topology.dims, strict=True)] for way in ways]
    return sum(map(max, ways))


def cheapest(topology: Any, free: list[int], wanted: int) -> int:
    """Return the least cost, the slow way."""
    return min(
        sum(sorted(cost(topology, [node], centre) for node in free)[:wanted]) for centre in free
    )


@given(case=fragmented())
def test_no_other_choice_is_cheaper(case: Any) -> None:
    topology, free, wanted = case
    chosen = MC1x1(places(topology)).choose(free, wanted)
    if len(free) < wanted:
        assert chosen is None
        return
    assert chosen is not None
    assert min(cost(topology, chosen, centre) for centre in free) == cheapest(
        topology, free, wanted
    )


def test_an_example_by_hand() -> None:
    topology, free = drawn("""
        . . . x .
        . x . . x
        x x x . .
        . . x x x
        . . . x x
    """)
    # Around node 0 two are in the first shell, around node 1 four:
    # (0, 0), (2, 0), (0, 1) and (2, 1).
    # Three of them are wanted: those with the lowest numbers.
    assert MC1x1(places(topology)).choose(free, 4) == [0, 1, 2, 5]
    # A sixth would be in the second shell there. Around node 8, (3, 1), five are in the first:
    # (2, 0), (4, 0), (2, 1), (3, 2) and (4, 2).
    assert MC1x1(places(topology)).choose(free, 6) == [2, 4, 7, 8, 13, 14]


def test_shells_are_squares() -> None:
    topology, free = drawn("""
        x x . x x x
        x x x x . x
        . x . x . .
        x x x x x x
        x x . x x .
    """)
    # (4, 1) has (4, 2) and (5, 2) in its first shell; all else costs two or more.
    assert MC1x1(places(topology)).choose(free, 3) == [10, 16, 17]
