"""Several threads of a rank that use one window."""

from __future__ import annotations


def test_threads_of_a_rank_wait_each_for_its_own_operations(job):
    lines = job(
        3,
        """
        import threading

        win = MPI.Win.Allocate(8, 8, comm=comm)
        numbers = []

        def count():
            one, got = np.ones(1, "i8"), np.zeros(1, "i8")
            for turn in range(10):
                got[0] = -1
                win.Fetch_and_op(one, got, 0)
                win.Flush(0)
                numbers.append(int(got[0]))

        win.Lock_all()
        threads = [threading.Thread(target=count) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        win.Unlock_all()
        everybody = comm.gather(numbers)
        if rank == 0:
            print(sorted(sum(everybody, [])) == list(range(90)))
        win.Lock(0)
        win.Unlock(0)
        win.Free()
        """,
    )
    assert lines == ["True"]


def test_one_thread_waits_for_a_lock_while_another_goes_on(job):
    job(
        2,
        """
        import threading

        win = MPI.Win.Allocate(8, 8, comm=comm)
        if rank == 0:
            win.Lock(1)
            comm.Barrier()
            comm.recv(source=1)
            win.Put(np.array([7]), 1)
            win.Unlock(1)
        else:
            comm.Barrier()
            seen = []

            def look():
                win.Lock(1, MPI.LOCK_SHARED)
                seen.append(np.frombuffer(win, "i8")[0])
                win.Unlock(1)

            thread = threading.Thread(target=look)
            thread.start()
            assert not seen
            comm.send("go on", 0)
            thread.join()
            assert seen == [7]
        win.Free()
        """,
    )
