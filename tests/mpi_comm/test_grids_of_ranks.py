"""Cartesian topologies, and the choice of their dimensions."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_mpi import MPI
from vmpp_mpi._topologies._grid import Grid

WORLD, NULL = MPI.COMM_WORLD, MPI.COMM_NULL


def error_class(call):
    """Return the class of the error that *call* raises."""
    with pytest.raises(MPI.Exception) as error:
        call()
    return error.value.Get_error_class()


class TestComputeDims:
    @pytest.mark.parametrize(
        ("nodes", "dims", "wanted"),
        [
            (12, 2, [4, 3]),
            (12, [0, 2], [6, 2]),
            (12, [0, 0, 3], [2, 2, 3]),
            (7, 3, [7, 1, 1]),
            (64, 3, [4, 4, 4]),
            (60, 3, [5, 4, 3]),
            (72, 2, [9, 8]),
            (4096, 2, [64, 64]),
            (1, [], []),
            (6, [2, 3], [2, 3]),
            (1, 2, [1, 1]),
        ],
    )
    def test_known_grids(self, nodes, dims, wanted):
        assert MPI.Compute_dims(nodes, dims) == wanted

    @given(st.integers(1, 5000), st.integers(1, 4))
    def test_they_multiply_to_the_number_and_do_not_rise(self, nodes, count):
        dims = MPI.Compute_dims(nodes, count)
        assert prod(dims) == nodes
        assert len(dims) == count
        assert dims == sorted(dims, reverse=True)

    @given(st.integers(1, 300))
    def test_no_grid_of_two_directions_is_more_nearly_square(self, nodes):
        wide, _ = MPI.Compute_dims(nodes, 2)
        assert wide == min(n for n in range(1, nodes + 1) if nodes % n == 0 and n * n >= nodes)

    @pytest.mark.parametrize(
        ("nodes", "dims", "error"),
        [
            (12, [5, 0], MPI.ERR_DIMS),
            (12, [-1, 0], MPI.ERR_DIMS),
            (12, [2, 3], MPI.ERR_DIMS),
            (2, [], MPI.ERR_DIMS),
            (0, 2, MPI.ERR_ARG),
            (-2, 2, MPI.ERR_ARG),
        ],
    )
    def test_impossible_grids_are_errors(self, nodes, dims, error):
        assert error_class(lambda: MPI.Compute_dims(nodes, dims)) == error


grids = st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=4).map(
    lambda pairs: Grid([dim for dim, _ in pairs], [period for _, period in pairs])
)


@given(grids, st.data())
def test_ranks_and_coordinates_are_each_others_inverse(grid, data):
    rank = data.draw(st.integers(0, grid.size - 1))
    assert grid.rank(grid.coords(rank)) == rank


@given(grids, st.data(), st.integers(-7, 7))
def test_who_a_shift_sends_to_receives_from_the_sender(grid, data, displacement):
    rank = data.draw(st.integers(0, grid.size - 1))
    for direction in range(len(grid.dims)):
        _, dest = grid.shift(rank, direction, displacement)
        if dest != MPI.PROC_NULL:
            assert grid.shift(dest, direction, displacement)[0] == rank
        else:
            assert not grid.periods[direction]


def test_a_grid_of_ranks(ranks):
    def program():
        cart = WORLD.Create_cart([2, 3], periods=[False, True])
        rank = cart.rank
        row, column = divmod(rank, 3)
        assert type(cart) is MPI.Cartcomm
        assert isinstance(cart, MPI.Topocomm)
        assert cart.Get_topo() == cart.topo == ([2, 3], [0, 1], [row, column])
        assert (cart.dims, cart.periods, cart.coords) == cart.topo
        assert cart.Get_dim() == cart.dim == cart.ndim == 2
        assert cart.Get_topology() == cart.topology == MPI.CART
        assert cart.is_topo
        assert cart.Get_coords(rank) == [row, column]
        assert cart.Get_cart_rank([row, column + 3]) == rank
        null = MPI.PROC_NULL
        assert cart.Shift(0, 1) == (rank - 3 if row else null, null if row else rank + 3)
        assert cart.Shift(1, 1) == (row * 3 + (column - 1) % 3, row * 3 + (column + 1) % 3)
        assert cart.Shift(0, 0) == (rank, rank)
        assert cart.Shift(0, 5) == (null, null)
        assert cart.inedges == cart.outedges == [*cart.Shift(0, 1), *cart.Shift(1, 1)]
        assert cart.inoutedges == (cart.inedges, cart.outedges)
        assert cart.degrees == (cart.indegree, cart.outdegree) == (4, 4)
        source, dest = cart.Shift(1, 1)
        assert cart.sendrecv(rank, dest, source=source) == source
        assert cart.allreduce(1) == 6

    ranks(6, program)


def test_ranks_beyond_the_grid_have_none(ranks):
    def program():
        cart = WORLD.Create_cart([2, 2])
        assert WORLD.Cart_map([2, 2]) == (WORLD.rank if WORLD.rank < 4 else MPI.UNDEFINED)
        if WORLD.rank < 4:
            assert cart.allgather(cart.rank) == [0, 1, 2, 3]
        else:
            assert cart == NULL
        point = WORLD.Create_cart([])
        assert (point == NULL) == (WORLD.rank > 0)

    ranks(5, program)


def test_parts_of_a_grid(ranks):
    def program():
        cart = WORLD.Create_cart([2, 3], [True, False])
        row, column = cart.coords
        along = cart.Sub([False, True])
        assert along.Get_topo() == ([3], [0], [column])
        assert along.allgather(cart.rank) == [3 * row + other for other in range(3)]
        down = cart.Sub([True, False])
        assert down.Get_topo() == ([2], [1], [row])
        assert down.allgather(cart.rank) == [column, 3 + column]
        alone = cart.Sub([False, False])
        assert (alone.size, alone.ndim) == (1, 0)
        assert cart.Sub([True, True]).Compare(cart) == MPI.CONGRUENT

    ranks(6, program)


def test_a_duplicate_keeps_the_grid_and_a_part_by_colour_does_not(ranks):
    def program():
        cart = WORLD.Create_cart([2], True)
        assert type(cart.Dup()) is MPI.Cartcomm
        assert cart.Dup().topo == cart.topo
        assert not cart.Split().is_topo
        assert MPI.Cartcomm(cart).dims == [2]
        assert MPI.Cartcomm(NULL) == NULL
        assert type(MPI.Comm.fromhandle(cart.handle)) is MPI.Cartcomm
        with pytest.raises(TypeError):
            MPI.Cartcomm(WORLD)

    ranks(2, program)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: WORLD.Create_cart([3]), MPI.ERR_ARG),
        (lambda: WORLD.Create_cart([-1]), MPI.ERR_DIMS),
        (lambda: WORLD.Create_cart([0, 2]), MPI.ERR_DIMS),
        (lambda: WORLD.Create_cart([2]).Get_cart_rank([2]), MPI.ERR_ARG),
        (lambda: WORLD.Create_cart([2]).Get_coords(2), MPI.ERR_RANK),
        (lambda: WORLD.Create_cart([2]).Shift(2, 1), MPI.ERR_ARG),
        (lambda: MPI.Cartcomm().dims, MPI.ERR_COMM),
    ],
)
def test_wrong_grids_are_errors(ranks, call, error):
    def program():
        assert error_class(call) == error

    ranks(2, program)


@pytest.mark.parametrize(
    "call",
    [
        lambda: WORLD.Create_cart([2, 1], [True]),
        lambda: WORLD.Create_cart([2, 1]).Get_cart_rank([0]),
        lambda: WORLD.Create_cart([2]).Get_cart_rank([0, 1]),
        lambda: WORLD.Create_cart([2, 1]).Sub([True]),
    ],
)
def test_sequences_of_the_wrong_length_are_errors(ranks, call):
    def program():
        with pytest.raises(ValueError, match="expecting"):
            call()

    ranks(2, program)
