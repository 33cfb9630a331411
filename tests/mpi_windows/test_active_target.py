"""Fences, and post with start: what one rank writes is there when the epoch ends."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("ranks", [1, 2, 5])
def test_what_is_put_between_fences_is_there_after_the_second(job, ranks):
    job(
        ranks,
        """
        memory = np.full(size, -1)
        win = MPI.Win.Create(memory, memory.itemsize, comm=comm)
        win.Fence()
        for target in range(size):
            win.Put(np.array([rank]), target, rank)
        win.Fence()
        assert memory.tolist() == list(range(size))
        win.Free()
        """,
    )


@pytest.mark.parametrize("nbytes", [0, 8, 100, 4096, 5000, 300_000])
def test_puts_and_gets_of_any_length(job, nbytes):
    job(
        3,
        f"""
        win = MPI.Win.Allocate({nbytes} + 5, comm=comm)
        sent = np.arange({nbytes}, dtype="u1") + rank
        got = np.zeros({nbytes}, "u1")
        win.Fence()
        win.Put(sent, right, 3)
        win.Fence()
        win.Get(got, right, 3)
        win.Fence()
        assert (got == sent).all()
        here = np.frombuffer(win, "u1")
        assert here[:3].any() == here[3 + {nbytes}:].any() == False
        assert (here[3:3 + {nbytes}] == np.arange({nbytes}, dtype="u1") + left).all()
        win.Free()
        """,
    )


def test_the_target_need_not_take_part(job):
    lines = job(
        2,
        """
        memory = np.zeros(1)
        win = MPI.Win.Create(memory, 8, comm=comm)
        win.Fence()
        begin = MPI.Wtime()
        if rank == 0:
            got = np.zeros(1)
            win.Lock(1)
            win.Put(np.ones(1), 1)
            win.Flush(1)
            win.Accumulate(np.ones(1), 1)
            win.Get(got, 1)
            win.Unlock(1)
            print(MPI.Wtime() - begin < 0.001)
        else:
            vmpp.compute(1.0)
            print(memory[0])
        win.Free()
        """,
    )
    assert lines == ["True", "2.0"]


@pytest.mark.parametrize("mode", ["", "MPI.MODE_NOCHECK"])
def test_post_start_complete_wait(job, mode):
    job(
        4,
        f"""
        memory = np.full(2, -1)
        win = MPI.Win.Create(memory, memory.itemsize, comm=comm)
        group = win.Get_group()
        for turn in range(3):
            if rank == 0:
                comm.Barrier()
                win.Start(group.Excl([0, 3]), {mode or 0})
                for target in (1, 2):
                    win.Put(np.array([10 * turn + target]), target, 1)
                win.Complete()
            else:
                if rank != 3:
                    win.Post(group.Incl([0]), {mode or 0})
                comm.Barrier()
                if rank != 3:
                    assert win.Wait() is True
                    assert memory.tolist() == [-1, 10 * turn + rank]
        win.Free()
        """,
    )


@pytest.mark.parametrize(
    "access", ["win.Put(b'x', 1)", "win.Complete(); win.Start(MPI.GROUP_EMPTY)"]
)
def test_an_access_waits_for_post_and_wait_for_complete(job, access):
    lines = job(
        2,
        f"""
        win = MPI.Win.Allocate(8, comm=comm)
        other = win.Get_group().Incl([1 - rank])
        begin = MPI.Wtime()
        if rank == 0:
            win.Start(other)
            print(round(MPI.Wtime() - begin, 3))
            {access}
            print(round(MPI.Wtime() - begin, 3))
            vmpp.compute(0.2)
            win.Complete()
        else:
            vmpp.compute(0.1)
            win.Post(other)
            win.Wait()
            vmpp.compute(0.5)
            print(round(MPI.Wtime() - begin, 1))
        win.Free()
        """,
    )
    assert lines == ["0.0", "0.1", "0.8" if "Put" in access else "0.6"]


def test_all_may_start_before_they_post(job):
    job(
        4,
        """
        memory = np.zeros(1, "i8")
        win = MPI.Win.Create(memory, 8, comm=comm)
        group = win.Get_group()
        win.Start(group.Incl([right]))
        win.Post(group.Incl([left]))
        win.Put(np.array([rank]), right)
        win.Complete()
        win.Wait()
        assert memory[0] == left
        win.Free()
        """,
    )


def test_a_test_tells_whether_all_have_completed(job):
    job(
        3,
        """
        win = MPI.Win.Allocate(8, comm=comm)
        group = win.Get_group()
        if rank == 0:
            win.Post(group.Excl([0]))
            assert not win.Test()
            comm.Barrier()
            while not win.Test():
                pass
            raises(MPI.ERR_RMA_SYNC, win.Test)
        else:
            win.Start(group.Incl([0]))
            comm.Barrier()
            win.Put(bytes([rank]), 0, rank)
            win.Complete()
        win.Free()
        """,
    )


def test_a_rank_is_origin_and_target_at_once(job):
    job(
        4,
        """
        memory = np.full(1, -1)
        win = MPI.Win.Create(memory, 8, comm=comm)
        group = win.Get_group()
        win.Post(group.Incl([left]))
        win.Start(group.Incl([right]))
        win.Put(np.array([rank]), right)
        win.Complete()
        win.Wait()
        assert memory[0] == left
        win.Free()
        """,
    )


def test_epochs_of_different_origins_do_not_mix(job):
    job(
        3,
        """
        memory = np.zeros(3, "i8")
        win = MPI.Win.Create(memory, 8, comm=comm)
        group = win.Get_group()
        if rank == 0:
            for origin in (2, 1):
                win.Post(group.Incl([origin]))
                win.Wait()
                assert memory[origin] == origin and memory[0] == 0
        else:
            win.Start(group.Incl([0]))
            win.Put(np.array([rank]), 0, rank)
            win.Complete()
        win.Free()
        """,
    )


def test_a_wait_in_vain_is_a_deadlock_with_its_call(start):
    result = start(
        2,
        """
        win = MPI.Win.Allocate(8, comm=comm)
        if rank == 0:
            win.Post(win.Get_group())
            win.Wait()
        else:
            comm.Barrier()
        """,
    )
    assert result.status != 0
    assert "in Win.Wait()" in result.failure
