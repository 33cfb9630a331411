"""Locks and flushes: exclusion, sharing, lazy locks, and what is done when."""

from __future__ import annotations

import pytest


def test_an_exclusive_lock_makes_a_read_and_a_write_one_step(job):
    lines = job(
        5,
        """
        memory = np.zeros(1, "i8")
        win = MPI.Win.Create(memory, 8, comm=comm)
        value = np.zeros(1, "i8")
        for turn in range(20):
            win.Lock(0)
            win.Get(value, 0)
            win.Flush(0)
            vmpp.compute(1e-5)
            win.Put(value + 1, 0)
            win.Unlock(0)
        comm.Barrier()
        if rank == 0:
            print(memory[0])
        win.Free()
        """,
    )
    assert lines == ["100"]


@pytest.mark.parametrize(("kind", "least"), [("EXCLUSIVE", 0.04), ("SHARED", 0.01)])
def test_a_shared_lock_lets_several_in_and_an_exclusive_one_does_not(job, kind, least):
    lines = job(
        5,
        f"""
        win = MPI.Win.Allocate(8, comm=comm)
        comm.Barrier()
        begin = MPI.Wtime()
        if rank:
            win.Lock(0, MPI.LOCK_{kind})
            vmpp.compute(0.01)
            win.Unlock(0)
        comm.Barrier()
        if rank == 0:
            print(MPI.Wtime() - begin)
        win.Free()
        """,
    )
    assert least <= float(lines[0]) < least + 0.002


def test_a_lock_on_oneself_keeps_others_out(job):
    job(
        2,
        """
        memory = np.zeros(1, "i8")
        win = MPI.Win.Create(memory, 8, comm=comm)
        if rank == 0:
            win.Lock(0)
            comm.Barrier()
            vmpp.compute(0.01)
            assert memory[0] == 0
            memory[0] = 5
            win.Unlock(0)
        else:
            comm.Barrier()
            win.Lock(0)
            win.Accumulate(np.array([2]), 0)
            win.Unlock(0)
        comm.Barrier()
        assert rank or memory[0] == 7
        win.Free()
        """,
    )


def test_lock_all_lets_everybody_access_everybody_and_keeps_exclusive_locks_out(job):
    job(
        4,
        """
        memory = np.zeros(size, "i8")
        win = MPI.Win.Create(memory, 8, comm=comm)
        win.Lock_all()
        for target in range(size):
            win.Put(np.array([rank + 1]), target, rank)
        win.Flush_all()
        comm.Barrier()
        assert memory.tolist() == [1, 2, 3, 4]
        win.Unlock_all()
        comm.Barrier()
        win.Lock(right, MPI.LOCK_EXCLUSIVE)
        win.Put(np.array([-1]), right, 0)
        win.Unlock(right)
        comm.Barrier()
        assert memory[0] == -1
        win.Free()
        """,
    )


def test_locks_are_granted_in_the_order_of_asking(job):
    lines = job(
        4,
        """
        win = MPI.Win.Allocate(8, comm=comm)
        comm.Barrier()
        if rank:
            vmpp.compute(rank * 1e-4)
            win.Lock(0, MPI.LOCK_SHARED if rank == 3 else MPI.LOCK_EXCLUSIVE)
            print(rank, flush=True)
            vmpp.compute(0.01)
            win.Unlock(0)
        win.Free()
        """,
    )
    assert lines == ["1", "2", "3"]


def test_nocheck_asks_for_no_lock(job):
    lines = job(
        2,
        """
        memory = np.zeros(1, "i8")
        win = MPI.Win.Create(memory, 8, comm=comm)
        comm.Barrier()
        if rank == 0:
            for assertion in (0, MPI.MODE_NOCHECK):
                begin = MPI.Wtime()
                win.Lock(1, MPI.LOCK_SHARED, assertion)
                print(MPI.Wtime() - begin > 1e-6)
                win.Accumulate(np.array([1]), 1)
                win.Unlock(1)
                win.Lock_all(assertion)
                win.Accumulate(np.array([1]), 1)
                win.Unlock_all()
        comm.Barrier()
        assert not rank or memory[0] == 4
        win.Lock(right)
        win.Unlock(right)
        win.Free()
        """,
    )
    assert lines == ["True", "False"]


def test_after_a_local_flush_the_buffer_is_the_programs_again(job):
    job(
        2,
        """
        memory = np.zeros(20_000, "i8")
        win = MPI.Win.Create(memory, 8, comm=comm)
        if rank == 0:
            for count in (1, 20_000):
                sent = np.ones(count, "i8")
                win.Lock(1)
                win.Put(sent, 1)
                win.Flush_local(1)
                sent[:] = 2
                win.Accumulate(sent, 1)
                win.Flush_local_all()
                sent[:] = 100
                win.Unlock(1)
        comm.Barrier()
        assert not rank or (memory == 3).all()
        win.Free()
        """,
    )


def test_a_polling_rank_sees_what_arrives(job):
    job(
        2,
        """
        memory = np.zeros(1, "i8")
        win = MPI.Win.Create(memory, 8, comm=comm)
        win.Lock_all()
        if rank == 0:
            while memory[0] == 0:
                win.Sync()
        else:
            vmpp.compute(1e-4)
            win.Put(np.ones(1, "i8"), 0)
        win.Unlock_all()
        win.Free()
        """,
    )


def test_requests_complete_one_by_one(job):
    job(
        3,
        """
        memory = np.arange(4.0) + 10 * rank
        win = MPI.Win.Create(memory, 8, comm=comm)
        win.Lock_all()
        parts = [np.zeros(1) for _ in range(4)]
        requests = [win.Rget(part, right, place) for place, part in enumerate(parts)]
        status = MPI.Status()
        order = set()
        while (place := MPI.Request.Waitany(requests, status)) != MPI.UNDEFINED:
            order.add(place)
            assert parts[place][0] == 10 * right + place
        assert order == set(range(4))
        comm.Barrier()
        with_message = [
            comm.Irecv(np.zeros(1), left),
            win.Rput(np.full(1000, -1.0)[:1], right, 0),
            win.Raccumulate(np.ones(1), right, 1),
            comm.Isend(np.ones(1), right),
        ]
        MPI.Request.Waitall(with_message)
        win.Flush_all()
        before = np.zeros(1)
        win.Rget_accumulate(np.ones(1), before, right, 1).Wait()
        assert before[0] == 10 * right + 2
        comm.Barrier()
        assert memory[:2].tolist() == [-1, 10 * rank + 3]
        win.Unlock_all()
        win.Free()
        """,
    )


def test_a_lock_that_never_comes_is_a_deadlock_with_its_arguments(start):
    result = start(
        2,
        """
        win = MPI.Win.Allocate(8, comm=comm)
        if rank == 0:
            win.Lock(1)
            comm.Barrier()
            comm.recv(source=1)
        else:
            comm.Barrier()
            win.Lock(1, MPI.LOCK_SHARED)
        """,
    )
    assert "rank 1 in Win.Lock(rank=1, lock_type=2, assertion=0)" in result.failure


def test_a_put_takes_the_kernels_time_only_and_an_atomic_operation_the_programs(job):
    lines = job(
        2,
        """
        win = MPI.Win.Allocate(8, 8, comm=comm)
        for call in (None, win.Put, win.Accumulate):
            comm.Barrier()
            begin = MPI.Wtime()
            if rank == 0:
                vmpp.compute(0.01)
                print(MPI.Wtime() - begin)
            elif call is not None:
                win.Lock(0, MPI.LOCK_SHARED, MPI.MODE_NOCHECK)
                for turn in range(10):
                    call(np.ones(1), 0)
                win.Unlock(0)
        win.Free()
        """,
        machine="paragon",
    )
    alone, put, accumulated = map(float, lines)
    assert alone < put < accumulated


@pytest.mark.parametrize("machine", ["default", "paragon", "asci-red"])
@pytest.mark.parametrize("nbytes", [8, 1_000_000])
def test_a_put_takes_the_way_of_a_message_and_its_acknowledgement(job, machine, nbytes):
    lines = job(
        2,
        f"""
        data = np.zeros({nbytes}, "u1")
        win = MPI.Win.Create(data, comm=comm)
        comm.Barrier()
        begin = MPI.Wtime()
        for turn in range(10):
            if rank == 0:
                comm.Send(data, 1)
                comm.Recv(bytearray(0), 1)
            else:
                comm.Recv(data, 0)
                comm.Send(bytearray(0), 0)
        if rank == 0:
            print(MPI.Wtime() - begin)
            win.Lock(1, MPI.LOCK_SHARED, MPI.MODE_NOCHECK)
            for call in (win.Put, win.Get):
                begin = MPI.Wtime()
                for turn in range(10):
                    call(data, 1)
                    win.Flush(1)
                print(MPI.Wtime() - begin)
            win.Unlock(1)
        win.Free()
        """,
        machine=machine,
    )
    ping_pong, put, get = map(float, lines)
    assert 0.5 * ping_pong < put < 1.05 * ping_pong
    assert 0.5 * ping_pong < get < 1.05 * ping_pong
