"""Runs along the Hilbert curve."""

from __future__ import annotations

from itertools import pairwise

import pytest

from vmpp_alloc.hilbert import Hilbert

from .conftest import Box, places


def curve(*dims: int) -> list[int]:
    """Return the order in which the curve visits the nodes of a mesh."""
    topology = Box(*dims)
    order = Hilbert(places(topology)).choose(range(topology.size), topology.size)
    assert order is not None
    return list(order)


@pytest.mark.parametrize(
    "dims", [(1,), (8,), (2, 2), (4, 4), (16, 16), (2, 2, 2), (8, 8, 8), (4, 4, 4, 4), (2,) * 6]
)
def test_the_curve_visits_every_node_of_a_cube_by_steps_to_neighbours(
    dims: tuple[int, ...],
) -> None:
    order = curve(*dims)
    topology = Box(*dims)
    assert sorted(order) == list(range(topology.size))
    assert all(topology.hops(a, b) == 1 for a, b in pairwise(order))


@pytest.mark.parametrize("dims", [(5, 3), (38, 32, 2), (16, 120), (7, 1, 4)])
def test_the_curve_visits_every_node_of_any_mesh_once(dims: tuple[int, ...]) -> None:
    assert sorted(curve(*dims)) == list(range(Box(*dims).size))


def test_the_curve_of_four_by_four_is_hilberts() -> None:
    drawing = """
         0  3  4  5
         1  2  7  6
        14 13  8  9
        15 12 11 10
    """
    order = curve(4, 4)
    assert [order.index(node) for node in range(16)] == [int(each) for each in drawing.split()]


class TestOnALine:
    """Where the curve is the order of the numbers."""

    FREE = (0, 1, 4, 5, 6, 9, 10, 11, 12, 15)

    def choose(self, fit: str, wanted: int) -> list[int]:
        chosen = Hilbert(places(Box(16)), fit).choose(self.FREE, wanted)
        assert chosen is not None
        return list(chosen)

    def test_the_first_run_that_is_long_enough(self) -> None:
        assert self.choose("first", 1) == [0]
        assert self.choose("first", 3) == [4, 5, 6]
        assert self.choose("first", 4) == [9, 10, 11, 12]

    def test_the_shortest_run_that_is_long_enough(self) -> None:
        assert self.choose("best", 1) == [15]
        assert self.choose("best", 2) == [0, 1]
        assert self.choose("best", 3) == [4, 5, 6]

    @pytest.mark.parametrize("fit", ["first", "best"])
    def test_those_of_the_least_span_if_no_run_is_long_enough(self, fit: str) -> None:
        assert self.choose(fit, 5) == [0, 1, 4, 5, 6]
        assert self.choose(fit, 6) == [4, 5, 6, 9, 10, 11]
        assert self.choose(fit, 7) == [4, 5, 6, 9, 10, 11, 12]


def test_nodes_that_are_no_compute_nodes_interrupt_no_run() -> None:
    policy = Hilbert(places(Box(16), 8))
    # 8 to 11 serve; the machine has grown by 12 to 15.
    assert policy.choose([6, 7], 2) == [6, 7]
    assert policy.choose([6, 7, 12, 13], 4) == [6, 7, 12, 13]
