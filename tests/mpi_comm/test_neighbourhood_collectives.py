"""Collectives between neighbours, in grids and graphs, with neighbours that come more than once."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest

from vmpp_mpi import MPI

WORLD = MPI.COMM_WORLD
I8 = MPI.INT64_T
NOBODY = -1
"""What a block from `PROC_NULL` holds before and after."""


def grids(size):
    """Return the dimensions and periods of some grids of so many ranks."""
    cases = [([size], [True]), ([size], [False]), ([1, size], [True, True]), ([], [])]
    if size % 2 == 0:
        cases += [([2, size // 2], [True, False]), ([size // 2, 2], [True, True])]
    return [case for case in cases if np.prod(case[0], dtype=int) == size]


def graphs(size, seed):
    """Return, by rank, random destinations: some several times, the rank itself too."""
    draw = np.random.default_rng([size, seed])
    return [draw.integers(0, size, draw.integers(0, 5)).tolist() for _ in range(size)]


def arrival(sources, destinations, *, swapped):
    """Return for each rank, for each of its sources, which of that one's edges arrives there.

    The k-th message from one rank to another is received by the k-th receive; in a grid, receives
    are counted with both neighbours along each direction in each other's place.
    """
    found = []
    for rank, ins in enumerate(sources):
        edges = defaultdict(list)
        for source in set(ins) - {MPI.PROC_NULL}:
            edges[source] = [p for p, dest in enumerate(destinations[source]) if dest == rank]
        places = list(range(len(ins)))
        if swapped:
            places = [place ^ 1 for place in places]
        mine = [None] * len(ins)
        for place in places:
            if ins[place] != MPI.PROC_NULL:
                mine[place] = edges[ins[place]].pop(0)
        found.append(mine)
    return found


def check(comm, sources, destinations, *, swapped=False):
    """Check every operation on a communicator against what is to arrive from where."""
    rank = comm.rank
    ins, outs = sources[rank], destinations[rank]
    edges = arrival(sources, destinations, swapped=swapped)[rank]
    real = [source != MPI.PROC_NULL for source in ins]

    own = np.array([rank, rank + 1000])
    wanted = np.array(
        [
            [source, source + 1000] if there else [NOBODY] * 2
            for source, there in zip(ins, real, strict=True)
        ]
    ).reshape(-1)
    found = np.full(2 * len(ins), NOBODY)
    twos_in, twos_out = [2] * len(ins), [2] * len(outs)
    for name, into in (("allgather", found), ("allgatherv", [found, twos_in])):
        every_form(comm, name, own, into, found, wanted)
    assert comm.neighbor_allgather((rank, "x" * 3000)) == [
        (source, "x" * 3000) if there else None for source, there in zip(ins, real, strict=True)
    ]

    given = np.array([[rank, edge] for edge in range(len(outs))], "i8").reshape(-1)
    wanted = np.array(
        [
            [s, edge] if there else [NOBODY] * 2
            for s, edge, there in zip(ins, edges, real, strict=True)
        ]
    ).reshape(-1)
    at_in, at_out = [16 * p for p in range(len(ins))], [16 * p for p in range(len(outs))]
    for name, source, into in (
        ("alltoall", given, found),
        ("alltoallv", [given, twos_out], [found, twos_in]),
        (
            "alltoallw",
            [given, twos_out, at_out, [I8] * len(outs)],
            [found, twos_in, at_in, [I8] * len(ins)],
        ),
    ):
        every_form(comm, name, source, into, found, wanted)
    objects = comm.neighbor_alltoall([(rank, edge) for edge in range(len(outs))])
    assert objects == [
        (source, edge) if there else None
        for source, edge, there in zip(ins, edges, real, strict=True)
    ]


def every_form(comm, name, source, into, found, wanted):
    """Do an operation blocking, non-blocking and twice persistently."""

    def arrived():
        np.testing.assert_array_equal(found, wanted, name)
        found[:] = NOBODY

    getattr(comm, f"Neighbor_{name}")(source, into)
    arrived()
    getattr(comm, f"Ineighbor_{name}")(source, into).Wait()
    arrived()
    request = getattr(comm, f"Neighbor_{name}_init")(source, into)
    for _ in range(2):
        request.Start()
        request.Wait()
        arrived()
    request.Free()


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6])
def test_grids(ranks, size):
    def program():
        for dims, periods in grids(size):
            comm = WORLD.Create_cart(dims, periods)
            edges = comm.allgather(comm.inedges)
            check(comm, edges, edges, swapped=True)
            comm.Free()

    ranks(size, program)


def test_what_is_sent_down_a_ring_of_two_arrives_from_above(ranks):
    def program():
        comm = WORLD.Create_cart([2], [True])
        found = np.zeros(2, "i8")
        comm.Neighbor_alltoall(np.array([10, 20]) + comm.rank, found)
        # Slot 0 is the neighbour below: it has sent me what it sends up, its second block.
        assert found.tolist() == [21 - comm.rank, 11 - comm.rank]

    ranks(2, program)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_graphs_that_all_know(ranks, size):
    def program():
        destinations = [[(rank + 1) % size, (rank - 1) % size, rank] for rank in range(size)]
        index = [3 * (rank + 1) for rank in range(size)]
        comm = WORLD.Create_graph(index, [*itertools.chain(*destinations)])
        check(comm, destinations, destinations)

    ranks(size, program)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_graphs_of_which_each_knows_its_part(ranks, size, seed):
    destinations = graphs(size, seed)
    sources = [
        [source for source, dests in enumerate(destinations) for dest in dests if dest == rank]
        for rank in range(size)
    ]

    def program():
        comm = WORLD.Create_dist_graph_adjacent(sources[WORLD.rank], destinations[WORLD.rank])
        check(comm, sources, destinations)

    ranks(size, program, seed=seed)


def test_long_blocks_and_oneself_as_neighbour_do_not_deadlock(ranks):
    def program():
        comm = WORLD.Create_cart([1, WORLD.size], [True, True])
        given = np.arange(4 * 500) + comm.rank
        found = np.zeros(4 * 500, "i8")
        comm.Neighbor_alltoall(given, found)
        left, right = comm.Shift(1, 1)
        blocks = given.reshape(4, 500) - comm.rank
        wanted = [blocks[1] + comm.rank, blocks[0] + comm.rank, blocks[3] + left, blocks[2] + right]
        np.testing.assert_array_equal(found.reshape(4, 500), wanted)

    ranks(3, program, eager=0)


def test_wrong_arguments(ranks):
    def program():
        comm = WORLD.Create_cart([2], [True])
        with pytest.raises(ValueError, match="2 items"):
            comm.neighbor_alltoall([1, 2, 3])
        with pytest.raises(MPI.Exception) as caught:
            comm.Neighbor_allgather(np.zeros(1 + comm.rank), np.zeros(2 + 2 * comm.rank))
        assert caught.value.Get_error_class() == MPI.ERR_TRUNCATE

    program.leaves_messages = True
    ranks(2, program)
