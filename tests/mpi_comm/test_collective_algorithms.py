"""Collective operations give what a plain computation over all ranks' input gives.

Sizes are on both sides of each power of two, and counts on both sides of each threshold, which the
tests set low.
"""

from __future__ import annotations

import itertools
from functools import reduce

import numpy as np
import pytest

from vmpp_mpi import MPI

SIZES = [*range(1, 18), 23, 31, 37]
SMALL = [1, 2, 3, 4, 5, 7, 8]
LOW = {
    "bcast_short": 64,
    "bcast_long": 256,
    "bcast_ranks": 3,
    "gather_short": 32,
    "allgather_short": 512,
    "allgather_bruck": 256,
    "alltoall_short": 16,
    "alltoall_ranks": 3,
    "reduce_short": 64,
    "allreduce_short": 64,
    "reduce_scatter_short": 256,
    "object_short": 64,
}
COUNTS = [0, 1, 7, 9, 33, 301]


def numbers(rank: int, count: int, seed: int = 0) -> np.ndarray:
    """Return small whole numbers, different for each rank."""
    return np.random.default_rng([rank, count, seed]).integers(0, 1000, count, dtype="i8")


def affine(x, y):
    """Compose maps z -> a z + b modulo a prime, x first: associative, not commutative."""
    return (y[0] * x[0]) % 10007, (y[0] * x[1] + y[1]) % 10007


def compose(given, result, datatype):
    x = np.frombuffer(given, "i8").reshape(-1, 2)
    y = np.frombuffer(result, "i8").reshape(-1, 2)
    y[:] = [affine(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]


COMPOSE = MPI.Op.Create(compose, commute=False)
PAIRS = MPI.INT64_T


def maps(rank: int, count: int) -> np.ndarray:
    """Return pairs of numbers that `compose` takes."""
    return np.random.default_rng([rank, count]).integers(1, 10007, (count, 2), dtype="i8")


def composed(ranks, count: int) -> np.ndarray:
    """Return the composition of the maps of *ranks*."""
    columns = zip(*(maps(rank, count).tolist() for rank in ranks), strict=True)
    return np.array([reduce(affine, column) for column in columns], "i8").reshape(-1, 2)


def every_case(sizes=SIZES, counts=COUNTS):
    return list(itertools.product(sizes, counts))


@pytest.mark.parametrize("size", SIZES)
def test_nobody_leaves_a_barrier_before_all_have_come(ranks, size):
    came: list[int] = []

    def program():
        came.append(MPI.COMM_WORLD.rank)
        MPI.COMM_WORLD.Barrier()
        assert len(came) == size

    ranks(size, program)


@pytest.mark.parametrize(("size", "count"), every_case())
def test_bcast(ranks, size, count):
    def program():
        comm = MPI.COMM_WORLD
        for root in range(size) if size in SMALL else (0, size // 2, size - 1):
            data = numbers(root, count) if comm.rank == root else np.zeros(count, "i8")
            comm.Bcast(data, root)
            np.testing.assert_array_equal(data, numbers(root, count))

    ranks(size, program, **LOW)


@pytest.mark.parametrize(("size", "count"), every_case())
def test_gather_and_scatter(ranks, size, count):
    whole = np.concatenate([numbers(rank, count) for rank in range(size)])

    def program():
        comm = MPI.COMM_WORLD
        own = numbers(comm.rank, count)
        for root in range(size) if size in SMALL else (0, size // 2, size - 1):
            gathered = np.zeros(size * count, "i8") if comm.rank == root else None
            comm.Gather(own, gathered, root)
            if comm.rank == root:
                np.testing.assert_array_equal(gathered, whole)
            back = np.zeros(count, "i8")
            comm.Scatter(gathered, back, root)
            np.testing.assert_array_equal(back, own)

    ranks(size, program, **LOW)


@pytest.mark.parametrize(("size", "count"), every_case())
def test_allgather(ranks, size, count):
    whole = np.concatenate([numbers(rank, count) for rank in range(size)])

    def program():
        comm = MPI.COMM_WORLD
        found = np.zeros(size * count, "i8")
        comm.Allgather(numbers(comm.rank, count), found)
        np.testing.assert_array_equal(found, whole)
        found[: comm.rank * count] = found[(comm.rank + 1) * count :] = -1
        comm.Allgather(MPI.IN_PLACE, found)
        np.testing.assert_array_equal(found, whole)

    ranks(size, program, **LOW)


@pytest.mark.parametrize(("size", "count"), every_case(counts=[0, 1, 2, 3, 40, 200]))
def test_alltoall(ranks, size, count):
    def program():
        comm = MPI.COMM_WORLD
        given = np.concatenate([numbers(comm.rank, count, peer) for peer in range(size)])
        wanted = np.concatenate([numbers(peer, count, comm.rank) for peer in range(size)])
        found = np.zeros(size * count, "i8")
        comm.Alltoall(given, found)
        np.testing.assert_array_equal(found, wanted)
        comm.Alltoall(MPI.IN_PLACE, given)
        np.testing.assert_array_equal(given, wanted)

    ranks(size, program, **LOW)


def length_of(sender: int, receiver: int, scale: int) -> int:
    """Return how much *sender* has for *receiver*: nothing, for some."""
    return (sender * 7 + receiver * 3) % 5 * scale


@pytest.mark.parametrize(("size", "scale"), every_case(counts=[0, 1, 60]))
def test_blocks_of_different_lengths(ranks, size, scale):
    def program():
        comm = MPI.COMM_WORLD
        rank = comm.rank
        lengths = [length_of(peer, 0, scale) for peer in range(size)]
        own = numbers(rank, lengths[rank])
        # The blocks lie in reverse order, with gaps between them.
        displs = np.cumsum([0, *(length + 2 for length in reversed(lengths))])[:size][::-1]
        room = sum(lengths) + 2 * size
        found = np.full(room, -1, "i8")
        comm.Allgatherv(own, [found, lengths, displs, MPI.INT64_T])
        wanted = np.full(room, -1, "i8")
        for peer, displ in enumerate(displs):
            wanted[displ : displ + lengths[peer]] = numbers(peer, lengths[peer])
        np.testing.assert_array_equal(found, wanted)

        for root in {0, size - 1}:
            found = np.full(room, -1, "i8")
            comm.Gatherv(own, [found, lengths, displs, MPI.INT64_T], root)
            if rank == root:
                np.testing.assert_array_equal(found, wanted)
            back = np.zeros_like(own)
            comm.Scatterv([wanted, lengths, displs, MPI.INT64_T], back, root)
            np.testing.assert_array_equal(back, own)

    ranks(size, program, **LOW)


@pytest.mark.parametrize(("size", "scale"), every_case(counts=[0, 1, 60]))
def test_alltoallv(ranks, size, scale):
    def program():
        comm = MPI.COMM_WORLD
        rank = comm.rank
        sends = [length_of(rank, peer, scale) for peer in range(size)]
        receives = [length_of(peer, rank, scale) for peer in range(size)]
        given = np.concatenate([numbers(rank, n, peer) for peer, n in enumerate(sends)])
        wanted = np.concatenate([numbers(peer, n, rank) for peer, n in enumerate(receives)])
        found = np.zeros(sum(receives), "i8")
        comm.Alltoallv([given, sends], [found, receives])
        np.testing.assert_array_equal(found, wanted)

        types = [MPI.INT64_T] * size
        found[:] = 0
        comm.Alltoallw(
            [given, (sends, np.cumsum([0, *sends])[:size] * 8), types],
            [found, (receives, np.cumsum([0, *receives])[:size] * 8), types],
        )
        np.testing.assert_array_equal(found, wanted)

    ranks(size, program, **LOW)


@pytest.mark.parametrize(("size", "count"), every_case())
def test_reductions(ranks, size, count):
    vectors = [numbers(rank, count) for rank in range(size)]
    total = sum(vectors)

    def program():
        comm = MPI.COMM_WORLD
        own = numbers(comm.rank, count)
        found = np.zeros(count, "i8")
        comm.Allreduce(own, found)
        np.testing.assert_array_equal(found, total)
        for root in range(size) if size in SMALL else (0, size // 2, size - 1):
            into = np.zeros(count, "i8") if comm.rank == root else None
            comm.Reduce(own, into, MPI.SUM, root)
            if comm.rank == root:
                np.testing.assert_array_equal(into, total)
        comm.Scan(own, found)
        np.testing.assert_array_equal(found, sum(vectors[: comm.rank + 1]))
        found[:] = -1
        comm.Exscan(own, found)
        np.testing.assert_array_equal(found, sum(vectors[: comm.rank]) if comm.rank else -1)
        np.testing.assert_array_equal(own, vectors[comm.rank])  # no input is changed

    ranks(size, program, **LOW)


@pytest.mark.parametrize(("size", "count"), every_case(counts=[1, 3, 9, 40]))
def test_reductions_that_must_keep_the_order_of_ranks(ranks, size, count):
    whole = composed(range(size), count)

    def program():
        comm = MPI.COMM_WORLD
        own = maps(comm.rank, count)
        found = np.zeros_like(own)
        comm.Allreduce(own, found, COMPOSE)
        np.testing.assert_array_equal(found, whole)
        for root in range(size) if size in SMALL else (0, size // 2, size - 1):
            into = np.zeros_like(own) if comm.rank == root else None
            comm.Reduce(own, into, COMPOSE, root)
            if comm.rank == root:
                np.testing.assert_array_equal(into, whole)
        comm.Scan(own, found, COMPOSE)
        np.testing.assert_array_equal(found, composed(range(comm.rank + 1), count))
        comm.Exscan(own, found, COMPOSE)
        if comm.rank:
            np.testing.assert_array_equal(found, composed(range(comm.rank), count))

    ranks(size, program, **LOW)


@pytest.mark.parametrize(("size", "count"), every_case(counts=[0, 1, 3, 50]))
@pytest.mark.parametrize("op", ["sum", "compose"])
def test_reduce_scatter(ranks, size, count, op):
    def program():
        comm = MPI.COMM_WORLD
        rank = comm.rank
        if op == "sum":
            given = numbers(rank, 2 * size * count)
            whole = sum(numbers(peer, 2 * size * count) for peer in range(size))
            function = MPI.SUM
        else:
            given = maps(rank, size * count).ravel()
            whole = composed(range(size), size * count).ravel()
            function = COMPOSE
        found = np.zeros(2 * count, "i8")
        comm.Reduce_scatter_block(given, found, function)
        np.testing.assert_array_equal(found, whole[rank * 2 * count : (rank + 1) * 2 * count])

        # All but the last rank's neighbour give one pair to the last rank.
        counts = [2 * count] * size
        if size > 1 and count:
            counts[0], counts[-1] = 0, 4 * count
        bounds = np.cumsum([0, *counts])
        found = np.zeros(counts[rank], "i8")
        comm.Reduce_scatter(given, found, counts, function)
        np.testing.assert_array_equal(found, whole[bounds[rank] : bounds[rank + 1]])

        found = np.zeros(counts[rank], "i8")
        comm.Reduce_scatter(given, found, op=function)
        np.testing.assert_array_equal(found, whole[bounds[rank] : bounds[rank + 1]])

        comm.Reduce_scatter_block(MPI.IN_PLACE, given, function)
        np.testing.assert_array_equal(
            given[: 2 * count], whole[rank * 2 * count : (rank + 1) * 2 * count]
        )

    ranks(size, program, **LOW)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("length", [0, 5, 70, 3000])
def test_objects(ranks, size, length):
    def thing(rank, peer=0):
        # Every third rank's is long.
        return {"rank": rank, "peer": peer, "text": "x" * (length if rank % 3 == 1 else 3)}

    def program():
        comm = MPI.COMM_WORLD
        rank = comm.rank
        everything = [thing(peer) for peer in range(size)]
        for root in range(size) if size in SMALL else (0, 1, size - 1):
            assert comm.bcast(thing(root) if rank == root else None, root) == thing(root)
            assert comm.gather(thing(rank), root) == (everything if rank == root else None)
            assert comm.scatter(everything if rank == root else None, root) == thing(rank)
        assert comm.allgather(thing(rank)) == everything
        given = [thing(rank, peer) for peer in range(size)]
        assert comm.alltoall(given) == [thing(peer, rank) for peer in range(size)]

    ranks(size, program, **LOW)


@pytest.mark.parametrize("size", SIZES)
def test_reductions_of_objects_keep_the_order_of_ranks(ranks, size):
    def program():
        comm = MPI.COMM_WORLD
        own = [comm.rank]
        assert comm.allreduce(own) == list(range(size))
        for root in range(size) if size in SMALL else (0, 1, size - 1):
            found = comm.reduce(own, root=root)
            assert found == (list(range(size)) if comm.rank == root else None)
        assert comm.scan(own) == list(range(comm.rank + 1))
        assert comm.exscan(own) == (list(range(comm.rank)) if comm.rank else None)
        assert comm.allreduce(comm.rank, max) == size - 1
        assert own == [comm.rank]

    ranks(size, program)


@pytest.mark.parametrize("size", [1, 4, 6])
def test_an_operator_may_change_its_operands(ranks, size):
    def append(x, y):
        x.extend(y)
        y.append("used")
        return x

    def program():
        comm = MPI.COMM_WORLD
        own = [comm.rank]
        wanted = list(range(size))
        assert [x for x in comm.allreduce(own, append) if x != "used"] == wanted
        assert [x for x in comm.scan(own, append) if x != "used"] == wanted[: comm.rank + 1]
        assert own == [comm.rank]

    ranks(size, program)


@pytest.mark.parametrize("size", [1, 3, 4, 8, 9])
def test_messages_that_wait_for_their_receivers_do_not_deadlock(ranks, size):
    def program():
        comm = MPI.COMM_WORLD
        own = numbers(comm.rank, 500)
        found = np.zeros(500 * size, "i8")
        comm.Allgather(own, found)
        comm.Alltoall(found.copy(), found)
        comm.Allreduce(MPI.IN_PLACE, own)
        comm.Scan(MPI.IN_PLACE, own)
        comm.Reduce_scatter_block(found, own)
        comm.bcast("x" * 5000)
        comm.alltoall(["x" * 5000] * size)
        comm.scan("x" * 5000)

    ranks(size, program, eager=0)
    ranks(size, program, eager=0, **LOW)


@pytest.mark.parametrize("seed", range(5))
def test_results_do_not_depend_on_who_runs_first(ranks, seed):
    def program():
        comm = MPI.COMM_WORLD
        for root in range(6):
            comm.bcast(root, root)
            comm.Barrier()
            assert comm.allreduce(1) == 6
            assert comm.gather(comm.rank, root) in (None, list(range(6)))

    ranks(6, program, seed=seed)
