"""Graph topologies, known to all ranks or each its part."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vmpp_mpi import MPI
from vmpp_mpi._topologies._graph import Neighbourhood

WORLD, NULL = MPI.COMM_WORLD, MPI.COMM_NULL


def error_class(call):
    """Return the class of the error that *call* raises."""
    with pytest.raises(MPI.Exception) as error:
        call()
    return error.value.Get_error_class()


# The example of the standard: four processes, of which 0 has the neighbours 1 and 3, and so on.
INDEX, EDGES = [2, 3, 4, 6], [1, 3, 0, 3, 0, 2]
NEIGHBOURS = [[1, 3], [0], [3], [0, 2]]


@pytest.mark.parametrize("index", [INDEX, [0, *INDEX]])
def test_a_graph_that_all_know(ranks, index):
    def program():
        graph = WORLD.Create_graph(index, EDGES)
        assert WORLD.Graph_map(index, EDGES) == (WORLD.rank if WORLD.rank < 4 else MPI.UNDEFINED)
        if WORLD.rank == 4:
            assert graph == NULL
            return
        assert type(graph) is MPI.Graphcomm
        assert isinstance(graph, MPI.Topocomm)
        assert graph.is_topo
        assert graph.topology == MPI.GRAPH
        assert graph.Get_dims() == graph.dims == (graph.nnodes, graph.nedges) == (4, 6)
        assert graph.Get_topo() == graph.topo == (graph.index, graph.edges) == (INDEX, EDGES)
        assert [graph.Get_neighbors(rank) for rank in range(4)] == NEIGHBOURS
        assert [graph.Get_neighbors_count(rank) for rank in range(4)] == [2, 1, 1, 2]
        own = NEIGHBOURS[graph.rank]
        assert graph.neighbors == graph.inedges == graph.outedges == own
        assert graph.nneighbors == graph.indegree == graph.outdegree == len(own)
        assert graph.inoutedges == (own, own)
        assert graph.degrees == (len(own), len(own))
        assert error_class(lambda: graph.Get_neighbors(4)) == MPI.ERR_RANK
        again = graph.Dup()
        assert type(again) is type(MPI.Comm.fromhandle(again.handle)) is MPI.Graphcomm
        assert again.topo == graph.topo

    ranks(5, program)


@pytest.mark.parametrize(
    ("index", "edges", "error"),
    [
        ([1, 2, 3], [0, 0, 0], MPI.ERR_ARG),
        ([2, 1], [0], MPI.ERR_TOPOLOGY),
        ([1, 2], [0], MPI.ERR_TOPOLOGY),
        ([1, 2], [0, 2], MPI.ERR_TOPOLOGY),
        ([1, 2], [0, -1], MPI.ERR_TOPOLOGY),
        ([-1, 2], [0, 1], MPI.ERR_TOPOLOGY),
    ],
)
def test_what_is_no_graph(ranks, index, edges, error):
    def program():
        assert error_class(lambda: WORLD.Create_graph(index, edges)) == error
        assert error_class(lambda: WORLD.Graph_map(index, edges)) == error

    ranks(2, program)


def test_a_graph_of_nobody(ranks):
    def program():
        assert WORLD.Create_graph([], []) == NULL
        assert WORLD.Graph_map([], []) == MPI.UNDEFINED

    ranks(2, program)


def test_each_process_says_who_is_near(ranks):
    def program():
        rank, size = WORLD.rank, WORLD.size
        left, right = (rank - 1) % size, (rank + 1) % size
        graph = WORLD.Create_dist_graph_adjacent(
            [left, rank], [right, rank], [1, 2], [3, 4], MPI.Info.Create({"k": "v"})
        )
        assert type(graph) is MPI.Distgraphcomm
        assert graph.topology == MPI.DIST_GRAPH
        assert graph.info.get("k") == "v"
        assert graph.Get_dist_neighbors_count() == (2, 2, True)
        assert graph.Get_dist_neighbors() == ([left, rank], [right, rank], ([1, 2], [3, 4]))
        assert (graph.inedges, graph.outedges) == graph.inoutedges == ([left, rank], [right, rank])
        assert graph.degrees == (graph.indegree, graph.outdegree) == (2, 2)
        assert graph.sendrecv(rank, right, source=left) == left
        again = graph.Dup()
        assert type(again) is type(MPI.Comm.fromhandle(again.handle)) is MPI.Distgraphcomm
        assert again.Get_dist_neighbors() == graph.Get_dist_neighbors()

    ranks(4, program)


@pytest.mark.parametrize(
    ("arguments", "weights"),
    [
        ((None, None), None),
        (([], [], MPI.UNWEIGHTED, None), None),
        (([], [], MPI.WEIGHTS_EMPTY, MPI.WEIGHTS_EMPTY), ([], [])),
        (([], [], [], []), ([], [])),
    ],
)
def test_without_neighbours(ranks, arguments, weights):
    def program():
        graph = WORLD.Create_dist_graph_adjacent(*arguments)
        assert graph.Get_dist_neighbors() == ([], [], weights)
        assert graph.Get_dist_neighbors_count() == (0, 0, weights is not None)

    ranks(2, program)


def test_wrong_neighbours(ranks):
    def program():
        near = WORLD.Create_dist_graph_adjacent
        assert error_class(lambda: near([2], [])) == MPI.ERR_RANK
        assert error_class(lambda: near([], [-1])) == MPI.ERR_RANK
        assert error_class(lambda: near([0], [], [-1])) == MPI.ERR_ARG
        assert error_class(lambda: near([0], [0], [1])) == MPI.ERR_ARG
        for call in (
            lambda: near([0], [], [1, 2]),
            lambda: near([0], [0], MPI.WEIGHTS_EMPTY, MPI.WEIGHTS_EMPTY),
            lambda: WORLD.Create_dist_graph([0], [1, 1], [0]),
            lambda: WORLD.Create_dist_graph([0], [2], [0]),
            lambda: WORLD.Create_dist_graph([0], [1], [0], [1, 2]),
        ):
            with pytest.raises(ValueError, match=r"expecting|no weights"):
                call()
        assert error_class(lambda: WORLD.Create_dist_graph([0], [1], [2])) == MPI.ERR_RANK

    ranks(2, program)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(1, 9), st.integers(0, 10**6), st.booleans())
def test_edges_may_be_given_anywhere(ranks, size, seed, weighted):
    random = Random(seed)
    edges = [
        (random.randrange(size), random.randrange(size), random.randrange(size), weight)
        for weight in range(random.randrange(4 * size))
    ]

    def program():
        mine = [edge for edge in edges if edge[0] == WORLD.rank]
        graph = WORLD.Create_dist_graph(
            [begin for _, begin, _, _ in mine],
            [1] * len(mine),
            [end for _, _, end, _ in mine],
            [weight for *_, weight in mine] if weighted else MPI.UNWEIGHTED,
        )
        return graph.Get_dist_neighbors()

    # A process's neighbours come in the order of who gave them.
    ordered = sorted(edges, key=lambda edge: edge[0])
    for rank, (sources, destinations, weights) in enumerate(ranks(size, program)):
        into = [edge for edge in ordered if edge[2] == rank]
        out = [edge for edge in ordered if edge[1] == rank]
        assert sources == [edge[1] for edge in into]
        assert destinations == [edge[2] for edge in out]
        assert weights == (
            ([edge[3] for edge in into], [edge[3] for edge in out]) if weighted else None
        )


def test_long_lists_of_edges_go_to_one_rank_from_all(ranks):
    def program():
        everywhere = list(range(WORLD.size)) * 100
        begin = [0] if WORLD.rank else []
        graph = WORLD.Create_dist_graph(
            begin, [len(everywhere)] * len(begin), everywhere * len(begin)
        )
        return graph.degrees

    assert ranks(5, program, eager=100) == [(400, 2000), *[(400, 0)] * 4]


numbers = st.lists(st.integers(0, 2**40), max_size=5)


@given(numbers, numbers, st.booleans())
def test_neighbourhoods_travel_as_bytes(sources, destinations, weighted):
    weights = (sources[::-1], destinations[::-1]) if weighted else None
    again = Neighbourhood.unpack(Neighbourhood(sources, destinations, weights).pack())
    assert (again.sources, again.destinations, again.weights) == (sources, destinations, weights)


def test_classes_hold_what_they_say(ranks):
    def program():
        cart = WORLD.Create_cart([2])
        graph = WORLD.Create_graph(*([1, 2], [1, 0]))
        apart = WORLD.Create_dist_graph([], [], [])
        kinds = {MPI.Cartcomm: cart, MPI.Graphcomm: graph, MPI.Distgraphcomm: apart}
        for kind, own in kinds.items():
            for comm in (cart, graph, apart, WORLD):
                if comm == own:
                    assert kind(comm) == own
                    assert MPI.Topocomm(comm) == MPI.Intracomm(comm) == own
                else:
                    with pytest.raises(TypeError):
                        kind(comm)
            assert kind(NULL) == NULL
            assert not own.Split().is_topo
        with pytest.raises(TypeError):
            MPI.Topocomm(WORLD)

    ranks(2, program)
