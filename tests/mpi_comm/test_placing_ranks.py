"""Placing ranks so that neighbours are near: who takes which place of a topology."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_mpi import MPI
from vmpp_mpi._topologies._graph import Graph
from vmpp_mpi._topologies._grid import Grid
from vmpp_mpi._topologies._placement import arrange, total_hops
from vmpp_topology.mesh2d import Mesh2D

WORLD = MPI.COMM_WORLD


class Machine:
    """A mesh, as the node map shows it."""

    def __init__(self, *dims):
        mesh = Mesh2D(dims)
        self.place, self.hops = mesh.coordinates, mesh.hops
        self.nodes = list(range(mesh.size))


def shuffled(nodes, seed=1):
    mixed = list(nodes)
    Random(seed).shuffle(mixed)
    return mixed


def closed(*dims):
    return Grid(dims, [True] * len(dims))


def opened(*dims):
    return Grid(dims, [False] * len(dims))


def tree(size):
    """Return a binary tree as a graph of ranks."""
    neighbours = [
        [other for other in ((rank - 1) // 2, 2 * rank + 1, 2 * rank + 2) if 0 <= other < size]
        if rank
        else [1, 2]
        for rank in range(size)
    ]
    index = [sum(map(len, neighbours[: rank + 1])) for rank in range(size)]
    return Graph(index, list(chain(*neighbours)))


def hops(topology, nodes, machine):
    """Return the total of hops as it is, and as arranged."""
    layout = topology.layout()
    order = arrange(layout, nodes, machine)
    assert sorted(order) == list(range(len(nodes)))
    return (
        total_hops(layout.edges, nodes, machine),
        total_hops(layout.edges, [nodes[place] for place in order], machine),
    )


@pytest.mark.parametrize(
    ("grid", "mesh"),
    [
        (opened(8, 8), (8, 8)),
        (opened(5, 7), (5, 7)),
        (opened(5, 7), (7, 5)),
        (opened(3, 3), (3, 3)),
        (opened(12, 1), (12, 1)),
        (opened(6, 2), (2, 6)),
    ],
)
def test_a_grid_of_the_machines_shape_has_every_neighbour_one_hop_away(grid, mesh):
    machine = Machine(*mesh)
    before, after = hops(grid, shuffled(machine.nodes), machine)
    assert after == sum(map(len, grid.layout().edges)) < before


@pytest.mark.parametrize(
    ("topology", "mesh"),
    [
        (closed(64), (8, 8)),
        (closed(8, 8), (8, 8)),
        (opened(16, 4), (8, 8)),
        (opened(4, 4, 4), (8, 8)),
        (closed(10, 3), (6, 5)),
        (tree(63), (9, 7)),
        (Graph(range(2, 129, 2), [r % 64 for s in range(64) for r in (s - 1, s + 1)]), (8, 8)),
    ],
)
def test_a_hostile_numbering_is_made_good(topology, mesh):
    machine = Machine(*mesh)
    before, after = hops(topology, shuffled(machine.nodes), machine)
    assert after < before / 2


def test_of_few_nodes_of_a_large_machine():
    machine = Machine(16, 16)
    nodes = shuffled(machine.nodes)[:50]
    before, after = hops(opened(10, 5), nodes, machine)
    assert after < before * 2 / 3


def test_nodes_of_several_ranks():
    machine = Machine(4, 4)
    nodes = shuffled(machine.nodes * 2)
    before, after = hops(opened(8, 4), nodes, machine)
    assert after < before / 2


topologies = st.one_of(
    st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=3).map(
        lambda pairs: Grid([dim for dim, _ in pairs], [period for _, period in pairs])
    ),
    st.integers(1, 20).flatmap(
        lambda size: st.lists(
            st.lists(st.integers(0, size - 1), max_size=4), min_size=size, max_size=size
        ).map(
            lambda rows: Graph(
                [sum(map(len, rows[: place + 1])) for place in range(len(rows))], list(chain(*rows))
            )
        )
    ),
)


@given(topologies, st.integers(1, 9), st.integers(0, 1000))
def test_it_never_gets_worse_and_is_always_the_same(topology, columns, seed):
    machine = Machine(columns, 9)
    nodes = Random(seed).choices(machine.nodes, k=topology.size)
    before, after = hops(topology, nodes, machine)
    assert after <= before
    layout = topology.layout()
    assert arrange(layout, nodes, machine) == arrange(topology.layout(), nodes, machine)


def test_without_anything_to_win_everybody_stays():
    machine = Machine(4, 4)
    assert arrange(opened(4, 4).layout(), machine.nodes, machine) == list(range(16))
    assert arrange(opened(4, 4).layout(), [3] * 16, machine) == list(range(16))


@pytest.mark.parametrize("size", [1, 2, 7])
def test_communicators_of_any_topology_keep_their_processes(ranks, size):
    def program():
        cart = WORLD.Create_cart([size], True, reorder=True)
        graph = WORLD.Create_graph(
            range(1, size + 1), [(rank + 1) % size for rank in range(size)], reorder=True
        )
        for comm in (cart, graph):
            assert comm.group.Compare(WORLD.group) in (MPI.IDENT, MPI.SIMILAR)
            seen = comm.allgather((comm.rank, WORLD.rank))
            assert [new for new, _ in seen] == list(range(size))
            assert Counter(old for _, old in seen) == Counter(range(size))
        assert WORLD.Cart_map([size], True) == cart.rank

    ranks(size, program)
