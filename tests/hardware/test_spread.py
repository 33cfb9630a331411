"""How far apart the nodes of a job are: sums in closed form are what all pairs sum up to."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.hardware import Pairwise, average_pairwise
from vmpp.hardware.spread import MOST_NODES
from vmpp_topology import (
    Bus,
    Dragonfly,
    FatTree,
    FullyConnected,
    Hypercube,
    Mesh2D,
    Mesh3D,
    Ring,
    Torus,
)

KINDS = [
    Bus((9,)), FullyConnected((9,)), Ring((9,)), Ring((10,)), Mesh2D((5, 7)), Mesh3D((3, 4, 5)),
    Torus((3, 4, 5)), Torus((2, 7)), Torus((1, 6)), Hypercube((4, 8)), FatTree((4, 16)),
    Dragonfly((2, 4, 9)), Dragonfly((1, 2, 3), 1),
]  # fmt: skip


@pytest.mark.parametrize(
    "topology", KINDS, ids=lambda it: f"{type(it).__name__}-{'x'.join(map(str, it.dims))}"
)
@given(data=st.data())
def test_a_sum_in_closed_form_is_that_of_all_pairs(topology: Any, data: st.DataObject) -> None:
    assert isinstance(topology, Pairwise)
    nodes = sorted(data.draw(st.sets(st.integers(0, topology.size - 1))))
    distances = [topology.hops(*pair) for pair in combinations(nodes, 2)]
    assert topology.pairwise(nodes) == sum(distances)
    average = sum(distances) / len(distances) if distances else 0
    assert average_pairwise(topology, nodes) == average


def test_of_a_whole_mesh_it_is_the_average_distance() -> None:
    topology = Mesh2D((6, 4))
    assert average_pairwise(topology, range(24)) == float(topology.average_distance())


def test_a_node_with_two_ranks_counts_once() -> None:
    assert average_pairwise(Mesh2D((4, 1)), [0, 0, 3, 3]) == 3
    assert average_pairwise(Mesh2D((4, 1)), [2, 2]) == 0


class Strange:
    """A topology without closed forms."""

    def hops(self, source: int, destination: int) -> int:
        return abs(source - destination)


def test_without_a_closed_form_all_pairs_are_looked_at_if_they_are_not_too_many() -> None:
    assert average_pairwise(Strange(), [0, 1, 5]) == pytest.approx(10 / 3)
    assert average_pairwise(Strange(), range(MOST_NODES + 1)) is None
