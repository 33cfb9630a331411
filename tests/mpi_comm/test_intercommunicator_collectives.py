"""Collectives between two groups: one group's data comes out in the other."""

from __future__ import annotations

import numpy as np
import pytest

from vmpp_mpi import MPI

WORLD = MPI.COMM_WORLD
SIZES = [(1, 1), (1, 2), (2, 1), (3, 2), (2, 5), (4, 4)]
I8 = MPI.INT64_T


@pytest.fixture
def groups(ranks):
    """Run a function on two groups of so many ranks, with the communicator between them."""

    def run(sizes, program, **options):
        low, high = sizes

        def both():
            upper = WORLD.rank >= low
            local = WORLD.Split(upper)
            comm = local.Create_intercomm(0, WORLD, 0 if upper else low)
            result = program(comm, int(upper))
            local.Free()
            comm.Free()
            return result

        return ranks(low + high, both, **options)

    return run


def rooted(comm, side, giving_side):
    """Yield (root argument, giving rank, whether this rank gives) for each rank of one side."""
    count = comm.size if side == giving_side else comm.remote_size
    for giver in range(count):
        if side != giving_side:
            yield giver, giver, False
        else:
            mine = comm.rank == giver
            yield MPI.ROOT if mine else MPI.PROC_NULL, giver, mine


def numbers(side, rank, count):
    return np.arange(count, dtype="i8") + 1000 * rank + 100_000 * side


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("count", [0, 1, 300])
def test_one_rank_and_the_other_group(groups, sizes, count):
    def program(comm, side):
        for root_side in (0, 1):
            far = 1 - root_side
            for root, rank, mine in rooted(comm, side, root_side):
                outside = side == far
                # From the root to the other group.
                data = numbers(root_side, rank, count) if mine else np.zeros(count, "i8")
                comm.Bcast(data if mine or outside else None, root)
                if outside:
                    np.testing.assert_array_equal(data, numbers(root_side, rank, count))
                reach = comm.remote_size
                whole = numbers(root_side, rank, count * reach) if mine else None
                part = np.zeros(count, "i8") if outside else None
                comm.Scatter(whole, part, root)
                if outside:
                    wanted = numbers(root_side, rank, count * comm.size)
                    mine_of = slice(count * comm.rank, count * (comm.rank + 1))
                    np.testing.assert_array_equal(part, wanted[mine_of])
                # From the other group to the root.
                own = numbers(side, comm.rank, count) if outside else None
                into = np.zeros(count * reach, "i8") if mine else None
                comm.Gather(own, into, root)
                blocks = [numbers(far, peer, count) for peer in range(reach)]
                if mine:
                    np.testing.assert_array_equal(into, np.concatenate(blocks))
                total = np.zeros(count, "i8") if mine else None
                comm.Reduce(own, total, MPI.SUM, root)
                if mine:
                    np.testing.assert_array_equal(total, sum(blocks))

    groups(sizes, program)


@pytest.mark.parametrize("sizes", SIZES)
def test_one_rank_and_blocks_of_different_lengths(groups, sizes):
    def program(comm, side):
        for root_side in (0, 1):
            for root, _, mine in rooted(comm, side, root_side):
                outside = side != root_side
                lengths = [3 * (peer % 3) for peer in range(comm.remote_size)]
                own = numbers(side, comm.rank, 3 * (comm.rank % 3)) if outside else None
                into = np.zeros(sum(lengths), "i8") if mine else None
                comm.Gatherv(own, [into, lengths] if mine else None, root)
                if mine:
                    blocks = [numbers(1 - side, p, length) for p, length in enumerate(lengths)]
                    np.testing.assert_array_equal(into, np.concatenate(blocks))
                back = np.zeros_like(own) if outside else None
                comm.Scatterv([into, lengths] if mine else None, back, root)
                if outside:
                    np.testing.assert_array_equal(back, own)

    groups(sizes, program)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("count", [0, 1, 300])
def test_all_with_all(groups, sizes, count):
    def program(comm, side):
        size, reach = comm.size, comm.remote_size
        other = 1 - side
        # The sides send blocks of different lengths.
        mine, theirs = count * (1 + side), count * (1 + other)
        own = numbers(side, comm.rank, mine)
        there = [numbers(other, peer, theirs) for peer in range(reach)]
        found = np.zeros(theirs * reach, "i8")
        comm.Allgather(own, found)
        np.testing.assert_array_equal(found, np.concatenate(there))
        found[:] = 0
        comm.Allgatherv(own, [found, [theirs] * reach])
        np.testing.assert_array_equal(found, np.concatenate(there))

        given = np.concatenate([own + peer for peer in range(reach)])
        wanted = np.concatenate([block + comm.rank for block in there])
        found[:] = 0
        comm.Alltoall(given, found)
        np.testing.assert_array_equal(found, wanted)
        found[:] = 0
        comm.Alltoallv([given, [mine] * reach], [found, [theirs] * reach])
        np.testing.assert_array_equal(found, wanted)
        found[:] = 0
        comm.Alltoallw(
            [given, [mine] * reach, [8 * mine * p for p in range(reach)], [I8] * reach],
            [found, [theirs] * reach, [8 * theirs * p for p in range(reach)], [I8] * reach],
        )
        np.testing.assert_array_equal(found, wanted)

        vector = numbers(side, comm.rank, count)
        total = sum(numbers(other, peer, count) for peer in range(reach))
        found = np.zeros(count, "i8")
        comm.Allreduce(vector, found)
        np.testing.assert_array_equal(found, total)

        long = numbers(side, comm.rank, count * size * reach)
        total = sum(numbers(other, peer, count * size * reach) for peer in range(reach))
        part = slice(count * reach * comm.rank, count * reach * (comm.rank + 1))
        found = np.zeros(count * reach, "i8")
        comm.Reduce_scatter_block(long, found)
        np.testing.assert_array_equal(found, total[part])
        found[:] = 0
        comm.Reduce_scatter(long, found, [count * reach] * size)
        np.testing.assert_array_equal(found, total[part])
        found[:] = 0
        comm.Reduce_scatter(long, found)
        np.testing.assert_array_equal(found, total[part])
        comm.Barrier()

    groups(sizes, program)


@pytest.mark.parametrize("sizes", SIZES)
def test_objects(groups, sizes):
    def program(comm, side):
        reach = comm.remote_size
        own = [side, comm.rank, "x" * 3000 * (comm.rank % 2)]
        there = [[1 - side, peer, "x" * 3000 * (peer % 2)] for peer in range(reach)]
        for root_side in (0, 1):
            for root, rank, mine in rooted(comm, side, root_side):
                outside = side != root_side
                assert comm.bcast(own, root) == (there[rank] if outside else None)
                assert comm.gather(own, root) == (there if mine else None)
                given = [(rank, peer) for peer in range(reach)] if mine else None
                assert comm.scatter(given, root) == ((rank, comm.rank) if outside else None)
                total = comm.reduce([comm.rank], root=root)
                assert total == (list(range(reach)) if mine else None)
        assert comm.allgather(own) == there
        given = [(side, comm.rank, peer) for peer in range(reach)]
        assert comm.alltoall(given) == [(1 - side, peer, comm.rank) for peer in range(reach)]
        assert comm.allreduce([comm.rank]) == list(range(reach))
        comm.barrier()

    groups(sizes, program)


@pytest.mark.parametrize("sizes", [(1, 2), (3, 2)])
def test_later_and_again(groups, sizes):
    def program(comm, side):
        reach = comm.remote_size
        own, out = numbers(side, comm.rank, 2), np.zeros(2, "i8")
        total = sum(numbers(1 - side, peer, 2) for peer in range(reach))
        barrier = comm.Ibarrier()
        request = comm.Iallreduce(own, out)
        again = comm.Allreduce_init(own, out)
        assert comm.allgather(side) == [1 - side] * reach
        MPI.Request.Waitall([request, barrier])
        np.testing.assert_array_equal(out, total)
        for _ in range(2):
            out[:] = 0
            again.Start()
            again.Wait()
            np.testing.assert_array_equal(out, total)

    groups(sizes, program)


@pytest.mark.parametrize("seed", range(4))
def test_nobody_leaves_a_barrier_before_all_of_both_groups_have_come(groups, seed):
    came: list[int] = []

    def program(comm, side):
        came.append(side)
        comm.Barrier()
        assert len(came) == 5

    groups((3, 2), program, seed=seed)


def test_errors_go_through_the_handler_of_the_communicator(groups):
    def program(comm, side):
        told = []
        comm.Set_errhandler(MPI.Comm.Create_errhandler(lambda comm, code: told.append(code)))
        for root in (2, MPI.ANY_SOURCE):
            with pytest.raises(MPI.Exception) as caught:
                comm.Bcast(np.zeros(1), root)
            assert caught.value.Get_error_class() == MPI.ERR_ROOT
        if side == 0:
            comm.Bcast(np.zeros(3), MPI.ROOT)
        else:
            with pytest.raises(MPI.Exception) as caught:
                comm.Bcast(np.zeros(2), 0)
            assert caught.value.Get_error_class() == MPI.ERR_TRUNCATE
        assert told == [MPI.ERR_ROOT] * 2 + [MPI.ERR_TRUNCATE] * side

    groups((1, 1), program)
