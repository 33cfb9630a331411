"""Every algorithm of every collective gives what a plain computation over all ranks' input gives.

For any number of ranks: on both sides of each power of two, odd, even and prime; for lengths that
are nothing, odd, shorter than there are ranks, and longer than a message that goes at once.
"""

from __future__ import annotations

import itertools
from functools import cache, reduce

import numpy as np
import pytest

from vmpp_collectives import FAMILIES
from vmpp_mpi import MPI

SIZES = [*range(1, 18), 19, 23, 31, 37]
SMALL = [1, 2, 3, 4, 5, 7, 8]
COUNTS = [0, 1, 7, 301]


def every_algorithm(*operations, sizes=SIZES):
    """Return cases of an operation, one of its algorithms and a number of ranks."""
    return [
        pytest.param(operation, algorithm, size, id=f"{operation}={algorithm}-{size}")
        for operation in operations
        for algorithm in FAMILIES[operation].algorithms
        for size in sizes
    ]


def some_roots(size):
    return range(size) if size in SMALL else (0, size // 2)


def frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@cache
def numbers(rank: int, count: int, seed: int = 0) -> np.ndarray:
    """Return small whole numbers, different for each rank."""
    return frozen(np.random.default_rng([rank, count, seed]).integers(0, 1000, count, dtype="i8"))


@cache
def gathered_numbers(size: int, count: int) -> np.ndarray:
    """Return the numbers of all ranks."""
    return frozen(np.concatenate([numbers(rank, count) for rank in range(size)]))


def affine(x, y):
    """Compose maps z -> a z + b modulo a prime, x first: associative, not commutative."""
    return (y[0] * x[0]) % 10007, (y[0] * x[1] + y[1]) % 10007


def compose(given, result, datatype):
    x = np.frombuffer(given, "i8").reshape(-1, 2)
    y = np.frombuffer(result, "i8").reshape(-1, 2)
    y[:] = [affine(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]


COMPOSE = MPI.Op.Create(compose, commute=False)
PAIR = MPI.INT64_T.Create_contiguous(2).Commit()
"""The element that `compose` takes."""


@cache
def maps(rank: int, count: int) -> np.ndarray:
    """Return pairs of numbers that `compose` takes."""
    return frozen(np.random.default_rng([rank, count]).integers(1, 10007, (count, 2), dtype="i8"))


@cache
def composed(ranks, count: int) -> np.ndarray:
    """Return the composition of the maps of *ranks*."""
    columns = zip(*(maps(rank, count).tolist() for rank in ranks), strict=True)
    return frozen(np.array([reduce(affine, column) for column in columns], "i8").reshape(-1, 2))


@cache
def summed(ranks, count: int) -> np.ndarray:
    """Return the sum of the numbers of *ranks*."""
    return frozen(sum((numbers(rank, count) for rank in ranks), np.zeros(count, "i8")))


CASE = ("operation", "algorithm", "size")


@pytest.mark.parametrize(CASE, every_algorithm("barrier"))
@pytest.mark.parametrize("seed", range(2))
def test_nobody_leaves_a_barrier_before_all_have_come(ranks, operation, algorithm, size, seed):
    came: list[int] = []

    def program():
        came.append(MPI.COMM_WORLD.rank)
        MPI.COMM_WORLD.Barrier()
        assert len(came) == size

    ranks(size, program, seed=seed, coll={operation: algorithm})


@pytest.mark.parametrize(CASE, every_algorithm("bcast"))
def test_bcast(ranks, operation, algorithm, size):
    def program():
        comm = MPI.COMM_WORLD
        for root, count in itertools.product(some_roots(size), COUNTS):
            data = numbers(root, count).copy() if comm.rank == root else np.zeros(count, "i8")
            comm.Bcast(data, root)
            np.testing.assert_array_equal(data, numbers(root, count))

    ranks(size, program, coll={operation: algorithm})


@pytest.mark.parametrize(CASE, every_algorithm("gather", "scatter"))
def test_gather_and_scatter(ranks, operation, algorithm, size):
    def program():
        comm = MPI.COMM_WORLD
        for root, count in itertools.product(some_roots(size), COUNTS):
            own = numbers(comm.rank, count)
            whole = gathered_numbers(size, count)
            gathered = np.zeros(size * count, "i8") if comm.rank == root else None
            comm.Gather(own, gathered, root)
            if comm.rank == root:
                np.testing.assert_array_equal(gathered, whole)
            back = np.zeros(count, "i8")
            comm.Scatter(gathered, back, root)
            np.testing.assert_array_equal(back, own)

    ranks(size, program, coll={operation: algorithm})


@pytest.mark.parametrize(CASE, every_algorithm("allgather"))
def test_allgather(ranks, operation, algorithm, size):
    def program():
        comm = MPI.COMM_WORLD
        for count in COUNTS:
            whole = gathered_numbers(size, count)
            found = np.zeros(size * count, "i8")
            comm.Allgather(numbers(comm.rank, count), found)
            np.testing.assert_array_equal(found, whole)
            found[: comm.rank * count] = found[(comm.rank + 1) * count :] = -1
            comm.Allgather(MPI.IN_PLACE, found)
            np.testing.assert_array_equal(found, whole)

    ranks(size, program, coll={operation: algorithm})


@pytest.mark.parametrize(CASE, every_algorithm("alltoall"))
def test_alltoall(ranks, operation, algorithm, size):
    def program():
        comm = MPI.COMM_WORLD
        for count in (0, 1, 3, 40):
            given = np.concatenate([numbers(comm.rank, count, peer) for peer in range(size)])
            wanted = np.concatenate([numbers(peer, count, comm.rank) for peer in range(size)])
            found = np.zeros(size * count, "i8")
            comm.Alltoall(given, found)
            np.testing.assert_array_equal(found, wanted)
            comm.Alltoall(MPI.IN_PLACE, given)
            np.testing.assert_array_equal(given, wanted)

    ranks(size, program, coll={operation: algorithm})


def length_of(sender: int, receiver: int, scale: int) -> int:
    """Return how much *sender* has for *receiver*: nothing, for some."""
    return (sender * 7 + receiver * 3) % 5 * scale


@pytest.mark.parametrize(CASE, every_algorithm("allgatherv", "gatherv", "scatterv"))
def test_blocks_of_different_lengths(ranks, operation, algorithm, size):
    def blocks(scale):
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

    def program():
        for scale in (0, 1, 60):
            blocks(scale)

    ranks(size, program, coll={operation: algorithm})


@pytest.mark.parametrize(CASE, every_algorithm("alltoallv", "alltoallw"))
def test_complete_exchange_of_blocks_of_different_lengths(ranks, operation, algorithm, size):
    def exchange(scale):
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

    def program():
        for scale in (0, 1, 60):
            exchange(scale)

    ranks(size, program, coll={operation: algorithm})


@pytest.mark.parametrize("sums", [True, False], ids=["sum", "compose"])
@pytest.mark.parametrize(CASE, every_algorithm("allreduce", "scan", "exscan"))
def test_reductions_of_all(ranks, operation, algorithm, size, sums):
    own_of, whole_of, op = (numbers, summed, MPI.SUM) if sums else (maps, composed, COMPOSE)
    kind = MPI.INT64_T if sums else PAIR

    def program():
        comm = MPI.COMM_WORLD
        for count in (0, 1, 3, 9, 40, 301) if sums else (1, 3, 9):
            own = own_of(comm.rank, count)
            found = np.zeros_like(own)
            if operation == "allreduce":
                comm.Allreduce([own, kind], [found, kind], op)
                wanted = whole_of(range(size), count)
            elif operation == "scan":
                comm.Scan([own, kind], [found, kind], op)
                wanted = whole_of(range(comm.rank + 1), count)
            else:
                found[:] = -1
                comm.Exscan([own, kind], [found, kind], op)
                wanted = whole_of(range(comm.rank), count) if comm.rank else np.full_like(own, -1)
            np.testing.assert_array_equal(found, wanted)
            np.testing.assert_array_equal(own, own_of(comm.rank, count))  # no input is changed

    ranks(size, program, coll={operation: algorithm})


@pytest.mark.parametrize("sums", [True, False], ids=["sum", "compose"])
@pytest.mark.parametrize(CASE, every_algorithm("reduce"))
def test_reductions_to_one(ranks, operation, algorithm, size, sums):
    own_of, whole_of, op = (numbers, summed, MPI.SUM) if sums else (maps, composed, COMPOSE)
    kind = MPI.INT64_T if sums else PAIR

    def program():
        comm = MPI.COMM_WORLD
        for root, count in itertools.product(some_roots(size), (0, 1, 9, 301) if sums else (1, 9)):
            own = own_of(comm.rank, count)
            into = np.zeros_like(own) if comm.rank == root else None
            comm.Reduce([own, kind], into if into is None else [into, kind], op, root)
            if comm.rank == root:
                np.testing.assert_array_equal(into, whole_of(range(size), count))
            np.testing.assert_array_equal(own, own_of(comm.rank, count))

    ranks(size, program, coll={operation: algorithm})


@pytest.mark.parametrize("sums", [True, False], ids=["sum", "compose"])
@pytest.mark.parametrize(CASE, every_algorithm("reduce_scatter", "reduce_scatter_block"))
def test_reduce_scatter(ranks, operation, algorithm, size, sums):
    def reduce_scatter(count):
        comm = MPI.COMM_WORLD
        rank = comm.rank
        if sums:
            given = numbers(rank, 2 * size * count).copy()
            whole = summed(range(size), 2 * size * count)
            function = MPI.SUM
        else:
            given = maps(rank, size * count).ravel().copy()
            whole = composed(range(size), size * count).ravel()
            function = COMPOSE
        if operation == "reduce_scatter_block":
            found = np.zeros(2 * count, "i8")
            comm.Reduce_scatter_block(given, found, function)
            own = slice(rank * 2 * count, (rank + 1) * 2 * count)
            np.testing.assert_array_equal(found, whole[own])
            comm.Reduce_scatter_block(MPI.IN_PLACE, given, function)
            np.testing.assert_array_equal(given[: 2 * count], whole[own])
            return

        # The first rank gives its elements to the last.
        counts = [2 * count] * size
        if size > 1 and count:
            counts[0], counts[-1] = 0, 4 * count
        bounds = np.cumsum([0, *counts])
        for given_counts in (counts, None):
            found = np.zeros(counts[rank], "i8")
            comm.Reduce_scatter(given, found, given_counts, function)
            np.testing.assert_array_equal(found, whole[bounds[rank] : bounds[rank + 1]])

    def program():
        for count in (0, 1, 3, 50) if sums else (1, 3):
            reduce_scatter(count)

    ranks(size, program, coll={operation: algorithm})


@pytest.mark.parametrize(CASE, every_algorithm(*FAMILIES, sizes=[1, 3, 4, 6]))
def test_messages_that_wait_for_their_receivers_do_not_deadlock(ranks, operation, algorithm, size):
    def program():
        comm = MPI.COMM_WORLD
        counts = [50] * size
        own = numbers(comm.rank, 50).copy()
        found = np.zeros(50 * size, "i8")
        comm.Barrier()
        comm.Bcast(own, size - 1)
        comm.Gather(own, found if comm.rank == 0 else None)
        comm.Scatter(found if comm.rank == 0 else None, own)
        comm.Gatherv(own, [found, counts] if comm.rank == 0 else None)
        comm.Scatterv([found, counts] if comm.rank == 0 else None, own)
        comm.Allgather(own, found)
        comm.Allgatherv(own, [found, counts])
        comm.Alltoall(found.copy(), found)
        comm.Alltoallv([found.copy(), counts], [found, counts])
        types, places = [MPI.INT64_T] * size, [400 * peer for peer in range(size)]
        comm.Alltoallw([found.copy(), (counts, places), types], [found, (counts, places), types])
        comm.Reduce(own.copy(), own if comm.rank == 0 else None)
        comm.Allreduce(MPI.IN_PLACE, own)
        comm.Scan(MPI.IN_PLACE, own)
        comm.Exscan(MPI.IN_PLACE, own)
        comm.Reduce_scatter_block(found, own)
        comm.Reduce_scatter(found, own, counts)

    ranks(size, program, eager=0, coll={operation: algorithm})


@pytest.mark.parametrize("radix", [2, 3, 5, 16])
@pytest.mark.parametrize("size", SIZES)
def test_trees_of_any_radix(ranks, size, radix):
    def program():
        comm = MPI.COMM_WORLD
        root = size // 2
        data = numbers(root, 9).copy() if comm.rank == root else np.zeros(9, "i8")
        comm.Bcast(data, root)
        np.testing.assert_array_equal(data, numbers(root, 9))
        found = np.zeros(9 * size, "i8") if comm.rank == root else None
        comm.Gather(numbers(comm.rank, 9), found, root)
        comm.Scatter(found, data, root)
        np.testing.assert_array_equal(data, numbers(comm.rank, 9))
        into = np.zeros((9, 2), "i8") if comm.rank == root else None
        target = None if into is None else [into, PAIR]
        comm.Reduce([maps(comm.rank, 9), PAIR], target, COMPOSE, root)
        if comm.rank == root:
            np.testing.assert_array_equal(into, composed(range(size), 9))

    rules = [{"algorithm": "k-nomial", "radix": radix}]
    operations = ("bcast", "gather", "scatter", "reduce")
    ranks(size, program, coll=dict.fromkeys(operations, rules))


@pytest.mark.parametrize("segment", [2, 16, 24, 10_000])
@pytest.mark.parametrize("algorithm", ["chain", "binary"])
def test_pipelines_of_segments_of_any_length(ranks, algorithm, segment):
    def program():
        comm = MPI.COMM_WORLD
        data = numbers(2, 33) if comm.rank == 2 else np.zeros(33, "i8")
        comm.Bcast(data, 2)
        np.testing.assert_array_equal(data, numbers(2, 33))
        into = np.zeros((9, 2), "i8") if comm.rank == 2 else None
        target = None if into is None else [into, PAIR]
        comm.Reduce([maps(comm.rank, 9), PAIR], target, COMPOSE, 2)
        if comm.rank == 2:
            np.testing.assert_array_equal(into, composed(range(5), 9))

    coll = {"bcast": [{"algorithm": algorithm, "segment": segment}]}
    if algorithm == "chain":
        coll["reduce"] = coll["bcast"]
    ranks(5, program, coll=coll)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("length", [0, 5, 3000, 20_000])
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

    ranks(size, program)


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
def test_objects_that_wait_for_their_receivers_do_not_deadlock(ranks, size):
    def program():
        comm = MPI.COMM_WORLD
        comm.bcast("x" * 5000)
        comm.alltoall(["x" * 5000] * size)
        comm.allgather("x" * 5000)
        comm.scan("x" * 5000)

    ranks(size, program, eager=0)


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
