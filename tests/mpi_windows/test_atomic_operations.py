"""Accumulate and its kin: results, what was there before, contention, order."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("SUM", "7 3 12"),
        ("PROD", "10 -4 35"),
        ("MAX", "5 4 7"),
        ("MIN", "2 -1 5"),
        ("BAND", "0 4 5"),
        ("BOR", "7 -1 7"),
        ("BXOR", "7 -5 2"),
        ("LAND", "1 1 1"),
        ("LOR", "1 1 1"),
        ("LXOR", "0 0 0"),
        ("REPLACE", "2 -1 7"),
    ],
)
def test_every_predefined_operation(job, op, expected):
    lines = job(
        2,
        f"""
        memory = np.array([5, 4, 5])
        win = MPI.Win.Create(memory, 8, comm=comm)
        if rank == 0:
            before = np.zeros(3, "i8")
            win.Lock(1)
            win.Get_accumulate(np.array([2, -1, 7]), before, 1, op=MPI.{op})
            win.Flush(1)
            assert before.tolist() == [5, 4, 5]
            win.Accumulate(memory, 1, op=MPI.REPLACE)
            win.Accumulate(np.array([2, -1, 7]), 1, op=MPI.{op})
            win.Unlock(1)
        comm.Barrier()
        if rank == 1:
            print(*memory)
        win.Free()
        """,
    )
    assert lines == [expected]


@pytest.mark.parametrize("op", ["MINLOC", "MAXLOC"])
@pytest.mark.parametrize("datatype", ["SHORT_INT", "INT_INT", "DOUBLE_INT"])
def test_pairs_of_value_and_index(job, op, datatype):
    job(
        4,
        f"""
        value = {{"SHORT_INT": "i2", "INT_INT": "i4", "DOUBLE_INT": "f8"}}["{datatype}"]
        pair = np.dtype([("value", value), ("index", "i4")], align=True)
        datatype = MPI.{datatype}
        assert pair.itemsize == datatype.extent
        memory = np.array([(2, 9), (50, 9)], pair)
        win = MPI.Win.Create(memory, pair.itemsize, comm=comm)
        win.Fence()
        mine = np.array([(rank, rank), (10 * rank, rank)], pair)
        win.Accumulate([mine, 2, datatype], 1, op=MPI.{op})
        win.Fence()
        if rank == 1:
            expected = [(0, 0), (0, 0)] if "{op}" == "MINLOC" else [(3, 3), (50, 9)]
            assert memory.tolist() == expected, memory
        win.Free()
        """,
    )


def test_no_operation_fetches_and_leaves_everything(job):
    job(
        3,
        """
        memory = np.arange(4.0) + rank
        win = MPI.Win.Create(memory, 8, comm=comm)
        got = np.zeros(4)
        win.Fence()
        win.Get_accumulate(np.full(4, 99.0), got, right, op=MPI.NO_OP)
        win.Fence()
        assert (got == np.arange(4.0) + right).all() and (memory == np.arange(4.0) + rank).all()
        win.Get_accumulate([None, 0, MPI.DOUBLE], got[:2], left, (1, 2, MPI.DOUBLE), MPI.NO_OP)
        win.Fence()
        assert got[:2].tolist() == [left + 1, left + 2]
        win.Free()
        """,
    )


@pytest.mark.parametrize("ranks", [2, 7])
def test_fetch_and_op_gives_every_rank_another_number(job, ranks):
    lines = job(
        ranks,
        """
        win = MPI.Win.Allocate(8 * (rank == 0), 8, comm=comm)
        one, got = np.ones(1, "i8"), np.zeros(1, "i8")
        numbers = []
        win.Lock_all()
        for turn in range(30):
            win.Fetch_and_op(one, got, 0)
            win.Flush(0)
            numbers.append(int(got[0]))
        win.Unlock_all()
        assert numbers == sorted(numbers)
        everybody = comm.gather(numbers)
        if rank == 0:
            print(sorted(sum(everybody, [])) == list(range(30 * size)))
            print(np.frombuffer(win, "i8")[0] == 30 * size)
        win.Free()
        """,
    )
    assert lines == ["True", "True"]


def test_sums_under_contention_are_exact(job):
    job(
        6,
        """
        memory = np.zeros(5, "i8")
        win = MPI.Win.Create(memory, 8, comm=comm)
        win.Fence()
        for turn in range(25):
            for target in range(size):
                win.Accumulate(np.arange(5) * (rank + 1), target)
        win.Fence()
        assert memory.tolist() == [25 * 21 * each for each in range(5)]
        win.Free()
        """,
    )


def test_compare_and_swap_lets_one_win(job):
    lines = job(
        5,
        """
        memory = np.full(2, -1, "i4")
        win = MPI.Win.Create(memory, 4, comm=comm)
        mine, free, got = np.array([rank], "i4"), np.array([-1], "i4"), np.zeros(1, "i4")
        win.Lock(2, MPI.LOCK_SHARED)
        win.Compare_and_swap(mine, free, got, 2, 1)
        win.Unlock(2)
        winners = comm.gather((rank, int(got[0])))
        holder = comm.bcast(int(memory[1]) if rank == 2 else None, 2)
        assert memory[0] == -1
        if rank == 0:
            print([won for won, before in winners if before == -1] == [holder])
            print({before for _, before in winners} == {-1, holder})
        win.Free()
        """,
    )
    assert lines == ["True", "True"]


def test_a_spin_lock_made_of_compare_and_swap(job):
    lines = job(
        4,
        """
        win = MPI.Win.Allocate(16 * (rank == 0), 8, comm=comm)
        taken, free, got = np.ones(1, "i8"), np.zeros(1, "i8"), np.zeros(1, "i8")
        value = np.zeros(1, "i8")
        win.Lock_all()
        for turn in range(5):
            while True:
                win.Compare_and_swap(taken, free, got, 0, 0)
                win.Flush(0)
                if got[0] == 0:
                    break
            win.Get(value, 0, 1)
            win.Flush(0)
            win.Put(value + 1, 0, 1)
            win.Flush(0)
            win.Accumulate(free, 0, 0, MPI.REPLACE)
            win.Flush(0)
        win.Unlock_all()
        comm.Barrier()
        if rank == 0:
            print(*np.frombuffer(win, "i8"))
        win.Free()
        """,
    )
    assert lines == ["0 20"]


def test_operations_of_one_rank_on_one_place_keep_their_order(job):
    job(
        3,
        """
        memory = np.zeros(1, "i8")
        win = MPI.Win.Create(memory, 8, comm=comm)
        got = np.zeros(10, "i8")
        win.Fence()
        if rank == 1:
            for turn in range(10):
                win.Accumulate(np.array([turn]), 0, op=MPI.REPLACE)
                win.Get_accumulate(np.array([100]), got[turn : turn + 1], 0)
        win.Fence()
        if rank == 1:
            assert got.tolist() == list(range(10))
        assert rank or memory[0] == 109
        win.Free()
        """,
    )


@pytest.mark.parametrize("count", [1, 8192, 8193, 50_000])
def test_long_vectors_are_combined_and_fetched_in_pieces(job, count):
    job(
        2,
        f"""
        memory = np.arange({count}.0)
        win = MPI.Win.Create(memory, 8, comm=comm)
        got = np.zeros({count})
        win.Fence()
        win.Accumulate(np.ones({count}), right)
        win.Fence()
        win.Get_accumulate(np.full({count}, 2.0), got, right)
        win.Fence()
        assert (got == np.arange({count}) + 1).all() and (memory == np.arange({count}) + 3).all()
        win.Free()
        """,
    )


def test_no_other_comes_between_the_halves_of_an_atomic_operation(job):
    # Elements of 16 bytes that one rank writes with equal halves are never seen with unequal ones.
    job(
        3,
        """
        memory = np.zeros(1, "c16")
        win = MPI.Win.Create(memory, 16, comm=comm)
        got = np.zeros(1, "c16")
        win.Lock_all()
        for turn in range(20):
            if rank:
                win.Accumulate(np.array([complex(rank, rank)]), 0, op=MPI.REPLACE)
            win.Get_accumulate(got, got, 0, op=MPI.NO_OP)
            win.Flush(0)
            assert got[0].real == got[0].imag
        win.Unlock_all()
        win.Free()
        """,
    )


def test_the_targets_program_is_interrupted_for_as_long_as_the_operation_takes(job):
    lines = job(
        2,
        """
        win = MPI.Win.Allocate(1 << 16, comm=comm)
        win.Fence()
        begin = MPI.Wtime()
        if rank == 0:
            vmpp.compute(0.01)
            print(MPI.Wtime() - begin > 0.01)
        else:
            win.Lock(0)
            win.Accumulate(np.ones(8192), 0)
            win.Unlock(0)
        win.Free()
        """,
        machine="paragon",
    )
    assert lines == ["True"]
