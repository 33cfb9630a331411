"""Windows of which a process fails: errors in place of waits, and locks that come back."""

from __future__ import annotations

import pytest

CRASH = 0.5
"""When a node crashes, in seconds; 10 ms later everybody is told."""

BEGIN = """
        import time

        def after():
            time.sleep(max(1 - MPI.Wtime(), 0))
"""


@pytest.fixture
def survive(start):
    """Run a program on so many ranks, of which one is lost; all others must succeed."""

    def run(ranks: int, lost: int, text: str) -> list[str]:
        faults = [f"node {lost} crash at {CRASH} s"]
        result = start(ranks, BEGIN + text, faults=faults, keep_going=True)
        assert (result.failure, result.status) == (None, 0)
        assert result.statuses[lost] == 137
        return sorted(result.stdout.decode().splitlines())

    return run


@pytest.mark.parametrize("told", [True, False])
def test_accesses_to_a_lost_rank_end_with_an_error(survive, told):
    survive(
        3,
        2,
        f"""
        win = MPI.Win.Allocate(80, 8, comm=comm)
        if rank == 2:
            time.sleep(9)
        time.sleep((0.6 if {told} else 0.505) - MPI.Wtime())
        one, got, column = np.ones(1), np.zeros(1), MPI.DOUBLE.Create_vector(5, 1, -2).Commit()
        win.Lock_all(MPI.MODE_NOCHECK)
        for call in (win.Put, win.Get, win.Accumulate):
            call(one, 2)
            raises(MPI.ERR_PROC_FAILED, win.Flush, 2)
        win.Put(np.ones(5), 2, (9, 1, column))
        win.Fetch_and_op(one, got, 2)
        raises(MPI.ERR_PROC_FAILED, win.Flush_all)
        win.Flush_all()
        raises(MPI.ERR_PROC_FAILED, win.Rget(np.zeros(10), 2).Wait)
        win.Rput(np.ones(10), 2).Wait()
        raises(MPI.ERR_PROC_FAILED, win.Unlock_all)
        raises(MPI.ERR_PROC_FAILED, win.Lock, 2)
        win.Lock(1 - rank)
        win.Put(one, 1 - rank)
        win.Unlock(1 - rank)
        after()
        raises(MPI.ERR_PROC_FAILED, win.Fence)
        raises(MPI.ERR_PROC_FAILED, win.Free)
        assert win == MPI.WIN_NULL
        """,
    )


def test_a_lock_that_a_lost_rank_held_or_asked_for_comes_back(survive):
    lines = survive(
        4,
        1,
        """
        win = MPI.Win.Allocate(8, 8, comm=comm)
        if rank == 1:
            win.Lock(0)
            time.sleep(9)
        time.sleep(0.01 * rank)
        if rank:
            win.Lock(0)
            print(rank, 0.5 < MPI.Wtime() < 0.6)
            win.Unlock(0)
        after()
        """,
    )
    assert lines == ["2 True", "3 True"]


def test_posts_and_completes_that_never_come(survive):
    survive(
        3,
        2,
        """
        win = MPI.Win.Allocate(8, 8, comm=comm)
        group = win.Get_group()
        if rank == 2:
            time.sleep(9)
        elif rank == 1:
            win.Post(group.Incl([0, 2]))
            raises(MPI.ERR_PROC_FAILED, win.Wait)
        else:
            win.Start(group.Incl([1, 2]))
            win.Put(np.ones(1), 1)
            raises(MPI.ERR_PROC_FAILED, win.Put, np.ones(1), 2)
            raises(MPI.ERR_PROC_FAILED, win.Complete)
        raises(MPI.ERR_RMA_SYNC, win.Complete)
        raises(MPI.ERR_RMA_SYNC, win.Wait)
        """,
    )


def test_who_waits_at_a_fence_learns_of_it(survive):
    survive(
        4,
        3,
        """
        win = MPI.Win.Allocate(8, 8, comm=comm)
        told = []
        win.Set_errhandler(MPI.Win.Create_errhandler(lambda win, code: told.append(code)))
        if rank == 3:
            time.sleep(9)
        raises(MPI.ERR_PROC_FAILED, win.Fence)
        assert set(told) == {MPI.ERR_PROC_FAILED}
        alive = comm.Shrink()
        again = MPI.Win.Allocate(8, 8, comm=alive)
        again.Fence()
        again.Put(np.array([alive.rank]), (alive.rank + 1) % alive.size)
        again.Fence()
        assert np.frombuffer(again, "i8")[0] == (alive.rank - 1) % alive.size
        again.Free()
        """,
    )
