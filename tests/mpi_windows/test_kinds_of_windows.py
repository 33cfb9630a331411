"""Windows of every kind: their memory, attributes, names, hints; and handles to them."""

from __future__ import annotations

import pytest

MAKE = {
    "CREATE": "MPI.Win.Create(bytearray(24), 4, comm=comm)",
    "ALLOCATE": "MPI.Win.Allocate(24, 4, comm=comm)",
    "SHARED": "MPI.Win.Allocate_shared(24, 4, comm=comm.Split_type(MPI.COMM_TYPE_SHARED))",
    "DYNAMIC": "MPI.Win.Create_dynamic(comm=comm)",
}


@pytest.mark.parametrize("kind", MAKE)
def test_attributes_that_every_window_has(job, kind):
    job(
        2,
        f"""
        win = {MAKE[kind]}
        memory = win.tomemory()
        dynamic = "{kind}" == "DYNAMIC"
        assert win.attrs == (MPI.Get_address(memory), len(memory), 1 if dynamic else 4)
        assert len(memory) == (0 if dynamic else 24)
        assert (win.attrs[0] == 0) == dynamic
        keys = (MPI.WIN_BASE, MPI.WIN_SIZE, MPI.WIN_DISP_UNIT)
        assert tuple(map(win.Get_attr, keys)) == win.attrs
        assert win.flavor == win.Get_attr(MPI.WIN_FLAVOR) == MPI.WIN_FLAVOR_{kind}
        assert win.model == win.Get_attr(MPI.WIN_MODEL) == MPI.WIN_UNIFIED
        assert memoryview(win).nbytes == len(memory)
        assert win.group_size == win.group.size and win.group_rank == win.group.rank
        win.Free()
        """,
    )


def test_a_window_exports_its_memory(job):
    job(
        1,
        """
        memory = np.arange(4, dtype="i4")
        win = MPI.Win.Create(memory, 4)
        view = memoryview(win).cast("i")
        assert view.tolist() == [0, 1, 2, 3]
        view[1] = 7
        win.tomemory()[8] = 9
        assert memory.tolist() == [0, 7, 9, 3]
        assert bytes(win) == memory.tobytes()
        win.Free()
        """,
    )


@pytest.mark.parametrize("nothing", ["None", "MPI.BOTTOM", "bytearray()"])
def test_a_rank_may_expose_nothing(job, nothing):
    job(
        3,
        f"""
        win = MPI.Win.Create({nothing} if rank else np.zeros(1), 8, comm=comm)
        win.Fence()
        win.Accumulate(np.ones(1), 0)
        if size > 1:
            raises(MPI.ERR_RMA_RANGE, win.Put, np.ones(1), 1)
        win.Put(b"", 1)
        win.Fence()
        if rank == 0:
            assert np.frombuffer(win)[0] == size
        win.Free()
        """,
    )


def test_each_rank_has_a_displacement_unit_of_its_own(job):
    job(
        3,
        """
        win = MPI.Win.Allocate(24, rank + 1, comm=comm)
        win.Fence()
        for target in range(size):
            win.Put(bytes([rank + 1]), target, rank)
        win.Fence()
        memory = bytes(win)
        assert [memory[place * (rank + 1)] for place in range(size)] == [1, 2, 3]
        win.Free()
        """,
    )


def test_many_windows_are_kept_apart_and_their_places_used_again(job):
    job(
        2,
        """
        kept = MPI.Win.Allocate(8, 8, comm=comm)
        for turn in range(5):
            windows = [MPI.Win.Allocate(8, 8, comm=comm) for _ in range(6)]
            for number, win in enumerate([kept, *windows]):
                win.Fence()
                win.Put(np.array([100 * turn + number]), right)
            for number, win in enumerate([kept, *windows]):
                win.Fence()
                assert np.frombuffer(win, "i8")[0] == 100 * turn + number
            for place in (3, 0, 3, 1, 0, 0):
                windows.pop(place).Free()
        kept.Free()
        """,
    )


def test_windows_of_parts_of_the_ranks(job):
    job(
        4,
        """
        half = comm.Split(rank % 2, -rank)
        win = MPI.Win.Allocate(8 * half.size, 8, comm=half)
        half.Free()
        assert win.group.Translate_ranks(None, comm.group) == [rank % 2 + 2, rank % 2]
        win.Lock_all()
        for target in range(win.group_size):
            win.Put(np.array([rank]), target, win.group_rank)
        win.Unlock_all()
        comm.Barrier()
        assert np.frombuffer(win, "i8").tolist() == [rank % 2 + 2, rank % 2]
        win.Free()
        """,
    )


def test_shared_memory_of_the_ranks_of_a_node(job):
    job(
        2,
        """
        node = comm.Split_type(MPI.COMM_TYPE_SHARED)
        win = MPI.Win.Allocate_shared(16, 2, comm=node)
        for asked in (node.rank, MPI.PROC_NULL):
            memory, unit = win.Shared_query(asked)
            assert (memory.address, len(memory), unit) == win.attrs
        memory[3] = 5
        assert win.tomemory()[3] == 5
        win.Free()
        far = MPI.Win.Allocate(16, 4, comm=comm)
        assert len(far.Shared_query(rank)[0]) == 16 and len(far.Shared_query(right)[0]) == 0
        far.Free()
        node.Free()
        """,
    )


class TestDynamic:
    def test_memory_is_found_by_its_address_at_the_target(self, job):
        job(
            3,
            """
            win = MPI.Win.Create_dynamic(comm=comm)
            first, second = np.zeros(10, "i8"), np.zeros(100_000, "i8")
            win.Attach(first)
            win.Attach(second)
            addresses = comm.allgather((MPI.Get_address(first), MPI.Get_address(second)))
            near, far = addresses[right]
            win.Lock(right)
            win.Put(np.full(2, rank), right, near + 16)
            win.Put(np.arange(100_000), right, far)
            win.Accumulate(np.ones(3, "i8"), right, near + 8)
            got, before = np.zeros(50_000, "i8"), np.zeros(1, "i8")
            win.Flush(right)
            win.Get(got, right, far + 8 * 25_000)
            win.Fetch_and_op(np.ones(1, "i8"), before, right, far + 80)
            win.Unlock(right)
            assert (got == np.arange(25_000, 75_000)).all() and before[0] == 10
            comm.Barrier()
            assert first.tolist() == [0, 1, left + 1, left + 1, 0, 0, 0, 0, 0, 0]
            assert second[10] == 11 and (second[11:] == np.arange(11, 100_000)).all()
            win.Detach(first)
            win.Detach(second)
            win.Free()
            """,
        )

    def test_scattered_memory_may_lie_in_several_regions(self, job):
        job(
            2,
            """
            win = MPI.Win.Create_dynamic(comm=comm)
            parts = [np.zeros(3, "i8") for _ in range(7)]
            for part in parts:
                win.Attach(part)
            places = comm.allgather([MPI.Get_address(part) for part in parts])[right]
            everywhere = MPI.INT64_T.Create_hindexed([3] * 7, places).Commit()
            sent, got = np.arange(21) + 100 * rank, np.zeros(21, "i8")
            win.Lock_all()
            win.Put(sent, right, (0, 1, everywhere))
            win.Flush_all()
            comm.Barrier()
            assert np.concatenate(parts).tolist() == (np.arange(21) + 100 * left).tolist()
            win.Get(got, right, (0, 1, everywhere))
            win.Flush_all()
            assert (got == sent).all()
            win.Accumulate(sent, right, (0, 1, everywhere))
            win.Unlock_all()
            comm.Barrier()
            assert np.concatenate(parts).tolist() == (2 * np.arange(21) + 200 * left).tolist()
            win.Free()
            """,
        )

    @pytest.mark.parametrize(
        "call",
        [
            "win.Put(np.ones(2), right, there)",
            "win.Get(np.ones(2), right, there)",
            "win.Put(np.ones(1), right, 8)",
            "(win.Accumulate(np.ones(2), right, there), win.Flush(right))",
            "(win.Fetch_and_op(np.ones(1), np.ones(1), right, there + 8), win.Flush(right))",
        ],
    )
    def test_memory_that_is_not_attached(self, job, call):
        job(
            2,
            f"""
            win = MPI.Win.Create_dynamic(comm=comm)
            memory = np.zeros(3)
            win.Attach(memory[1:2])
            there = comm.allgather(MPI.Get_address(memory[1:]))[right]
            win.Lock_all()
            raises(MPI.ERR_RMA_RANGE, lambda: {call})
            win.Put(np.ones(1), right, there)
            win.Unlock_all()
            comm.Barrier()
            assert memory.tolist() == [0, 1, 0]
            win.Free()
            """,
        )

    def test_attaching_and_detaching_what_cannot_be(self, job):
        job(
            1,
            """
            win = MPI.Win.Create_dynamic()
            memory = np.zeros(8)
            win.Attach(memory[2:6])
            for part in (memory, memory[:3], memory[5:], memory[3:5]):
                raises(MPI.ERR_RMA_ATTACH, win.Attach, part)
            raises(MPI.ERR_RMA_ATTACH, win.Detach, memory)
            win.Attach(memory[:2])
            win.Detach(memory[2:6])
            raises(MPI.ERR_RMA_ATTACH, win.Detach, memory[2:6])
            win.Attach(memory[2:])
            win.Free()
            """,
        )


def test_names_hints_and_attributes_of_ones_own(job):
    job(
        1,
        """
        win = MPI.Win.Allocate(8, info=MPI.Info.Create({"no_locks": "true"}))
        assert win.name == "" and MPI.WIN_NULL.name == "MPI_WIN_NULL"
        win.name = "halo"
        assert win.Get_name() == "halo"
        assert win.info.items() == [("no_locks", "true")]
        win.info = MPI.Info.Create({"same_size": "true"})
        assert win.Get_info().items() == [("same_size", "true")]
        deleted = []
        handle = MPI.Win(win)
        key = MPI.Win.Create_keyval(
            delete_fn=lambda obj, key, value: deleted.append((obj == handle, key, value))
        )
        assert win.Get_attr(key) is None
        win.Set_attr(key, "first")
        win.Set_attr(key, "second")
        assert win.Get_attr(key) == "second" and deleted == [(True, key, "first")]
        win.Free()
        assert deleted[1:] == [(True, key, "second")]
        """,
    )


def test_handles(job):
    job(
        1,
        """
        import copy, pickle, weakref

        class Mine(MPI.Win):
            pass

        win = Mine.Allocate(8)
        assert type(win) is Mine and win and win != MPI.WIN_NULL
        assert MPI.Win.fromhandle(win.handle) == win == MPI.Win.f2py(win.py2f())
        for call in (hash, len, iter, pickle.dumps, copy.copy, copy.deepcopy):
            try:
                call(win)
            except (TypeError, ValueError):
                pass
            else:
                raise AssertionError(call)
        assert weakref.ref(win)() is win
        assert not hasattr(win, "shape") and not hasattr(win, "__dlpack__")
        assert pickle.loads(pickle.dumps(MPI.WIN_NULL)) is MPI.WIN_NULL
        assert copy.deepcopy(MPI.WIN_NULL) is MPI.WIN_NULL
        win.free()
        win.free()
        assert not win
        """,
    )


def test_the_checker_tells_of_a_window_that_is_never_freed(start):
    program = """
        win = MPI.Win.Allocate(8, comm=comm)
        win.Fence()
        MPI.Win.Allocate(8, comm=comm).Free()
        """
    result = start(2, program, tools=("check",))
    (report,) = result.reports
    assert report.text.count("a window is never freed") == 1
    assert "win = MPI.Win.Allocate(8, comm=comm)" in report.text


@pytest.mark.parametrize("machine", ["default", "paragon", "asci-red"])
def test_runs_repeat_to_the_last_picosecond(start, machine):
    program = """
        win = MPI.Win.Allocate(8, 8, comm=comm)
        got = np.zeros(1, "i8")
        for turn in range(5):
            win.Lock(0, MPI.LOCK_SHARED if turn % 2 else MPI.LOCK_EXCLUSIVE)
            win.Fetch_and_op(np.ones(1, "i8"), got, 0)
            win.Unlock(0)
            print(got)
        win.Fence()
        win.Put(got, right)
        win.Fence()
        win.Free()
        """
    first, second = (start(4, program, machine=machine) for _ in range(2))
    assert first.status == 0
    assert (first.digest, first.virtual_time) == (second.digest, second.virtual_time)


def test_processes_that_were_spawned_share_a_window_with_those_that_did_it(job):
    lines = job(
        1,
        """
        parent = MPI.Comm.Get_parent()
        other = parent or MPI.COMM_SELF.Spawn(sys.executable, [__file__], 2)
        both = other.Merge(bool(parent))
        memory = np.zeros(both.size, "i8")
        win = MPI.Win.Create(memory, 8, comm=both)
        win.Fence()
        for target in range(both.size):
            win.Put(np.array([both.rank + 1]), target, both.rank)
        win.Fence()
        assert memory.tolist() == [1, 2, 3]
        win.Lock_all()
        win.Accumulate(np.ones(3, "i8"), 0)
        win.Unlock_all()
        both.Barrier()
        if both.rank == 0:
            print(*memory)
        win.Free()
        both.Free()
        other.Disconnect()
        """,
    )
    assert lines == ["4 5 6"]
