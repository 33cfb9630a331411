"""Topologies in a program: with `reorder` the ranks move to where their neighbours are near."""

from __future__ import annotations

import ast
from random import Random

import pytest

import vmpp

COUNT_HOPS = """
    import vmpp
    nodes = vmpp.node_map()

    def hops(cart):
        world = cart.allgather(rank)
        return sum(
            nodes.distance(rank, world[other]) for other in cart.outedges if other != MPI.PROC_NULL
        )
"""


class Shuffled:
    """An allocation policy under which the numbers of ranks say nothing of where they are."""

    def choose(self, free, size):
        mixed = list(free)
        Random(7).shuffle(mixed)
        return tuple(mixed[:size])


@pytest.fixture
def hostile(plugins, tmp_path):
    """Return what runs a program on a mesh of 6 by 7 whose ranks are all over the place."""

    def run(path, nprocs=36):
        (tmp_path / "hostile.toml").write_text(
            '[topology]\ndims = [6, 7]\n[network]\nhop_latency = "1 us"\n'
            '[service]\nallocator = "shuffled"\n'
        )
        found = plugins(vmpp_allocators={"shuffled": lambda places: Shuffled()})
        result = vmpp.run(path, nprocs=nprocs, machine=tmp_path / "hostile.toml", plugins=found)
        assert result.status == 0, result.stderr
        return ast.literal_eval(result.stdout.decode())

    return run


@pytest.mark.parametrize(
    "make",
    [
        "comm.Create_cart([6, 6], True, reorder={})",
        "comm.Create_cart([4, 9], reorder={})",
        "comm.Create_graph(range(1, 37), [(r + 1) % 36 for r in range(36)], reorder={})",
        "comm.Create_dist_graph_adjacent([(rank - 1) % 36], [(rank + 1) % 36], reorder={})",
        "comm.Create_dist_graph([rank], [1], [(rank + 1) % 36], reorder={})",
    ],
)
def test_reordering_lowers_the_hops_between_neighbours(program, hostile, make):
    calls = [make.format(reorder) for reorder in (False, True)]
    path = program(
        COUNT_HOPS
        + f"""
    found = [comm.allreduce(hops({calls[0]})), comm.allreduce(hops({calls[1]}))]
    assert comm.Cart_map([6, 6], True) == comm.Create_cart([6, 6], True, True).rank
    if rank == 0:
        print(found)
    """
    )
    before, after = hostile(path)
    assert after < 0.6 * before


def test_every_place_of_a_distributed_graph_keeps_its_neighbours(program, hostile):
    path = program("""
        graph = comm.Create_dist_graph([rank], [2], [(rank + 1) % 36, 0], [rank, 7], reorder=True)
        sources, destinations, (_, weights) = graph.Get_dist_neighbors()
        place = graph.rank
        assert destinations == [(place + 1) % 36, 0]
        assert weights == [place, 7]
        assert ((place - 1) % 36 in sources) and len(sources) == (37 if place == 0 else 1)
        moved = comm.allreduce(place != rank)
        if rank == 0:
            print(moved)
    """)
    assert hostile(path) > 0


def test_messages_on_a_reordered_grid_take_less_time(program, hostile):
    path = program("""
        times = []
        for reorder in (False, True):
            cart = comm.Create_cart([6, 6], reorder=reorder)
            cart.barrier()
            begin = MPI.Wtime()
            for _ in range(10):
                for direction in (0, 1):
                    source, dest = cart.Shift(direction, 1)
                    cart.Sendrecv(bytearray(8), dest, 0, bytearray(8), source)
            cart.barrier()
            times.append(MPI.Wtime() - begin)
        if rank == 0:
            print(times)
    """)
    before, after = hostile(path)
    assert after < before
