"""Non-blocking and persistent collectives: the same results as the blocking ones, at the wait.

That the operations themselves are right is for the tests of the blocking calls: all forms of a call
carry out one plan.
"""

from __future__ import annotations

import numpy as np
import pytest

from vmpp_mpi import MPI

WORLD = MPI.COMM_WORLD
SIZES = [1, 2, 3, 5, 8]


def every_operation():
    """Yield for the running rank: a call, its arguments, its result and what that is to be."""
    rank, size = WORLD.rank, WORLD.size
    i8 = MPI.INT64_T
    own = np.full(3, rank, "i8")
    ranks = np.repeat(np.arange(size), 3)
    total = np.full(3, size * (size - 1) // 2)
    below = np.full(3, rank * (rank - 1) // 2)
    root = size - 1
    only_root = (lambda array: array) if rank == root else (lambda array: None)

    def room(count):
        return np.full(count, -1, "i8")

    yield "barrier", (), room(0), room(0)
    data = np.full(3, 7, "i8") if rank == root else room(3)
    yield "bcast", (data, root), data, np.full(3, 7)
    out = room(3 * size)
    yield "gather", (own, only_root(out), root), out, ranks if rank == root else out.copy()
    out = room(3 * size)
    counts = [3] * size
    yield (
        "gatherv",
        (own, only_root([out, counts]), root),
        out,
        ranks if rank == root else out.copy(),
    )
    out = room(3)
    yield "scatter", (only_root(ranks), out, root), out, own
    out = room(3)
    yield "scatterv", (only_root([ranks, counts]), out, root), out, own
    out = room(3 * size)
    yield "allgather", (own, out), out, ranks
    out = room(3 * size)
    yield "allgatherv", (own, [out, counts]), out, ranks
    given = np.arange(size) + 100 * rank
    wanted = 100 * np.arange(size) + rank
    out = room(size)
    yield "alltoall", (given, out), out, wanted
    ones = [1] * size
    out = room(size)
    yield "alltoallv", ([given, ones], [out, ones]), out, wanted
    places, types = [8 * peer for peer in range(size)], [i8] * size
    out = room(size)
    yield "alltoallw", ([given, ones, places, types], [out, ones, places, types]), out, wanted
    out = room(3)
    yield "reduce", (own, only_root(out), MPI.SUM, root), out, total if rank == root else out.copy()
    out = room(3)
    yield "allreduce", (own, out), out, total
    out = room(3)
    yield "reduce_scatter_block", (np.tile(own, size), out), out, total
    out = room(3)
    yield "reduce_scatter", (np.tile(own, size), out, counts), out, total
    out = room(3)
    yield "reduce_scatter", (np.tile(own, size), out), out, total
    out = room(3)
    yield "scan", (own, out), out, below + rank
    out = room(3)
    yield "exscan", (own, out), out, below if rank else out.copy()


@pytest.mark.parametrize("size", SIZES)
def test_every_operation_can_be_waited_for(ranks, size):
    def program():
        for name, arguments, out, wanted in every_operation():
            request = getattr(WORLD, f"I{name}")(*arguments)
            assert type(request) is MPI.Request
            request.Wait()
            assert request == MPI.REQUEST_NULL
            np.testing.assert_array_equal(out, wanted, name)

    ranks(size, program)


@pytest.mark.parametrize("size", SIZES)
def test_every_operation_can_be_prepared_and_started_again(ranks, size):
    def program():
        for name, arguments, out, wanted in every_operation():
            request = getattr(WORLD, f"{name.capitalize()}_init")(*arguments)
            assert type(request) is MPI.Prequest
            start = out.copy()
            for _ in range(3):
                out[:] = start
                request.Start()
                request.Wait()
                np.testing.assert_array_equal(out, wanted, name)
            request.Free()

    ranks(size, program)


@pytest.mark.parametrize("seed", range(3))
def test_many_at_once_and_among_blocking_ones(ranks, seed):
    def program():
        under_way = []
        for name, arguments, out, wanted in every_operation():
            under_way.append((getattr(WORLD, f"I{name}")(*arguments), out, wanted))
            assert WORLD.allreduce(1) == 5
        order = np.random.default_rng([seed, WORLD.rank]).permutation(len(under_way))
        for place in order:
            request, out, wanted = under_way[place]
            request.Wait()
            np.testing.assert_array_equal(out, wanted)

    ranks(5, program, seed=seed)


@pytest.mark.parametrize("seed", range(3))
def test_ranks_start_persistent_ones_in_any_order(ranks, seed):
    def program():
        own = np.full(2, WORLD.rank)
        outs = [np.zeros(2, "i8") for _ in range(6)]
        prepared = [WORLD.Allreduce_init(own, out, MPI.SUM) for out in outs]
        for turn in range(2):
            own[:] = WORLD.rank + turn
            order = np.random.default_rng([seed, WORLD.rank, turn]).permutation(len(outs))
            for place in order:
                prepared[place].Start()
            MPI.Request.Waitall(prepared)
            for out in outs:
                assert out.tolist() == [10 + 5 * turn] * 2
                out[:] = 0

    ranks(5, program, seed=seed)


def test_a_started_collective_gets_on_while_its_process_waits_for_something_else(ranks):
    def program():
        rank = WORLD.rank
        request = WORLD.Ibarrier()
        if rank == 0:
            # Nobody else gets through the barrier unless this rank's part of it goes on meanwhile.
            assert WORLD.recv(source=1) == "through"
        request.Wait()
        if rank == 1:
            WORLD.send("through", 0)

    ranks(4, program)


def test_testing_lets_it_get_on(ranks):
    def program():
        request = WORLD.Ibarrier()
        while not request.Test():
            pass
        assert request == MPI.REQUEST_NULL
        status = MPI.Status()
        requests = [WORLD.Ibarrier() for _ in range(3)]
        while not MPI.Request.Testall(requests):
            pass
        request = WORLD.Ibarrier()
        while not request.Get_status(status):
            pass
        assert (status.source, status.tag) == (MPI.ANY_SOURCE, MPI.ANY_TAG)
        request.Wait()

    ranks(3, program)


@pytest.mark.parametrize("size", [2, 3])
def test_requests_of_all_kinds_are_waited_for_together(ranks, size):
    def program():
        rank = WORLD.rank
        right, left = (rank + 1) % size, (rank - 1) % size
        total = np.zeros(1, "i8")
        taken = np.zeros(1, "i8")

        def begin():
            return [
                WORLD.Irecv(taken, left),
                WORLD.Iallreduce(np.array([rank]), total),
                WORLD.Isend(np.array([rank]), right),
                WORLD.Ibarrier(),
                MPI.REQUEST_NULL,
            ]

        requests = begin()
        statuses: list[MPI.Status] = []
        MPI.Request.Waitall(requests, statuses)
        assert [statuses[0].source, taken[0], total[0]] == [left, left, sum(range(size))]

        requests = begin()
        seen = {MPI.Request.Waitany(requests) for _ in range(4)}
        assert seen == {0, 1, 2, 3}
        assert MPI.Request.Waitany(requests) == MPI.UNDEFINED

        requests = begin()
        seen = set()
        while (some := MPI.Request.Waitsome(requests)) is not None:
            seen.update(some)
        assert seen == {0, 1, 2, 3}

        requests = begin()
        while not MPI.Request.Testall(requests):
            pass
        assert all(request == MPI.REQUEST_NULL for request in requests)

    ranks(size, program)


def test_errors_surface_at_the_wait(ranks):
    def program():
        told = []
        comm = WORLD.Dup()
        comm.Set_errhandler(MPI.Comm.Create_errhandler(lambda comm, code: told.append(code)))
        given = np.zeros(2 + comm.rank)
        request = comm.Iallreduce(given, given.copy())
        assert not told
        with pytest.raises(MPI.Exception) as caught:
            request.Wait()
        assert caught.value.Get_error_class() == MPI.ERR_TRUNCATE
        assert told == [MPI.ERR_TRUNCATE]
        assert request == MPI.REQUEST_NULL

        requests = [comm.Ibarrier(), comm.Iallreduce(given, given.copy())]
        statuses: list[MPI.Status] = []
        with pytest.raises(MPI.Exception) as caught:
            MPI.Request.Waitall(requests, statuses)
        assert caught.value.Get_error_class() == MPI.ERR_IN_STATUS
        assert [status.error for status in statuses] == [MPI.SUCCESS, MPI.ERR_TRUNCATE]

    ranks(2, program)


def test_an_exception_of_an_operator_surfaces_at_the_wait(ranks):
    def program():
        def refuse(given, result, datatype):
            raise ZeroDivisionError

        op = MPI.Op.Create(refuse, commute=True)
        data = np.zeros(1)
        request = WORLD.Iallreduce(data, data.copy(), op)
        with pytest.raises(ZeroDivisionError):
            request.Wait()

    ranks(2, program)


def test_arguments_are_looked_at_when_the_operation_begins(ranks):
    def program():
        with pytest.raises(MPI.Exception) as caught:
            WORLD.Ibcast(np.zeros(1), 5)
        assert caught.value.Get_error_class() == MPI.ERR_ROOT
        with pytest.raises(ValueError, match="mismatch"):
            WORLD.Iallreduce(np.zeros(1), np.zeros(2))
        request = WORLD.Ibarrier()
        with pytest.raises(MPI.Exception):
            request.Cancel()
        request.Wait()

    ranks(2, program)


def test_starting_what_is_under_way_is_an_error(ranks):
    def program():
        request = WORLD.Barrier_init()
        request.Start()
        with pytest.raises(MPI.Exception) as caught:
            request.Start()
        assert caught.value.Get_error_class() == MPI.ERR_REQUEST
        request.Wait()
        request.Wait()  # inactive: nothing to wait for
        request.Free()

    ranks(2, program)


def test_derived_datatypes_are_packed_anew_at_each_start(ranks):
    def program():
        matrix = np.zeros((3, 4), "i8")
        column = MPI.INT64_T.Create_vector(3, 1, 4).Commit()
        request = WORLD.Bcast_init([matrix, 1, column], 0)
        for turn in range(3):
            if WORLD.rank == 0:
                matrix[:, 0] = turn + 1
            request.Start()
            request.Wait()
            assert matrix[:, 0].tolist() == [turn + 1] * 3
            assert not matrix[:, 1:].any()
        column.Free()

    ranks(2, program)
