"""Mistakes of a program are errors of the right class, through the window's error handler."""

from __future__ import annotations

import pytest

ALLOCATED = """
        win = MPI.Win.Allocate(80, 8, comm=comm)
        group = win.Get_group()
        one, got = np.ones(1), np.zeros(1)
"""

OUTSIDE = """
        for call in (win.Put, win.Get, win.Accumulate, win.Rput, win.Rget, win.Raccumulate):
            raises(MPI.ERR_RMA_SYNC, call, one, 0)
        for call in (win.Get_accumulate, win.Rget_accumulate, win.Fetch_and_op):
            raises(MPI.ERR_RMA_SYNC, call, one, got, 0)
        whole = np.ones(1, "i8")
        raises(MPI.ERR_RMA_SYNC, win.Compare_and_swap, whole, whole, whole.copy(), 0)
        raises(MPI.ERR_RMA_SYNC, win.Put, None, MPI.PROC_NULL)
"""


@pytest.mark.parametrize(
    "before",
    ["", "win.Fence(); win.Fence(MPI.MODE_NOSUCCEED)", "win.Lock(0); win.Unlock(0)", "win.Fence();"
     "win.Lock_all(); win.Unlock_all()"],
)  # fmt: skip
def test_nothing_is_accessed_outside_of_an_epoch(job, before):
    job(1, ALLOCATED + f"        {before}\n" + OUTSIDE + "        win.Free()")


@pytest.mark.parametrize(
    ("within", "call"),
    [
        ("", "win.Complete()"),
        ("", "win.Wait()"),
        ("", "win.Test()"),
        ("", "win.Unlock(0)"),
        ("", "win.Unlock_all()"),
        ("", "win.Flush(0)"),
        ("", "win.Flush_all()"),
        ("", "win.Flush_local(0)"),
        ("", "win.Flush_local_all()"),
        ("win.Fence()", "win.Flush(0)"),
        ("win.Fence()", "win.Rput(one, 0)"),
        ("win.Fence(); win.Put(one, 0)", "win.Lock(0)"),
        ("win.Fence(); win.Put(one, 0)", "win.Lock_all()"),
        ("win.Fence(); win.Put(one, 0)", "win.Start(MPI.GROUP_EMPTY)"),
        ("win.Fence(); win.Put(one, 0)", "win.Post(MPI.GROUP_EMPTY)"),
        ("win.Lock(0)", "win.Lock(0)"),
        ("win.Lock(0)", "win.Lock_all()"),
        ("win.Lock(0)", "win.Fence()"),
        ("win.Lock(0)", "win.Start(MPI.GROUP_EMPTY)"),
        ("win.Lock(0)", "win.Unlock(1)"),
        ("win.Lock(0)", "win.Put(one, 1)"),
        ("win.Lock(0)", "win.Flush(1)"),
        ("win.Lock(0)", "win.Unlock_all()"),
        ("win.Lock(0)", "win.Free()"),
        ("win.Lock_all()", "win.Lock_all()"),
        ("win.Lock_all()", "win.Lock(0)"),
        ("win.Lock_all()", "win.Unlock(0)"),
        ("win.Lock_all()", "win.Fence()"),
        ("win.Start(MPI.GROUP_EMPTY)", "win.Start(MPI.GROUP_EMPTY)"),
        ("win.Start(MPI.GROUP_EMPTY)", "win.Lock(0)"),
        ("win.Start(MPI.GROUP_EMPTY)", "win.Fence()"),
        ("win.Start(MPI.GROUP_EMPTY)", "win.Put(one, 0)"),
        ("win.Start(MPI.GROUP_EMPTY)", "win.Free()"),
        ("win.Post(MPI.GROUP_EMPTY)", "win.Post(MPI.GROUP_EMPTY)"),
        ("win.Post(MPI.GROUP_EMPTY)", "win.Fence()"),
        ("win.Post(MPI.GROUP_EMPTY)", "win.Free()"),
    ],
)
def test_calls_at_the_wrong_time(job, within, call):
    ends = {"win.Lock(0)": "win.Unlock(0)", "win.Lock_all()": "win.Unlock_all()",
            "win.Start(MPI.GROUP_EMPTY)": "win.Complete()",
            "win.Post(MPI.GROUP_EMPTY)": "win.Wait()"}  # fmt: skip
    job(
        2,
        ALLOCATED
        + f"""
        {within}
        raises(MPI.ERR_RMA_SYNC, lambda: {call})
        {ends.get(within, "win.Fence()")}
        win.Free()
        """,
    )


@pytest.mark.parametrize(
    ("error", "call"),
    [
        ("RANK", "win.Put(one, 2)"),
        ("RANK", "win.Get(got, -7)"),
        ("RANK", "win.Fetch_and_op(one, got, 5)"),
        ("RANK", "win.Flush(2)"),
        ("DISP", "win.Put(one, 1, -1)"),
        ("DISP", "win.Fetch_and_op(one, got, 1, -1)"),
        ("RMA_RANGE", "win.Put(one, 1, 10)"),
        ("RMA_RANGE", "win.Get(np.zeros(11), 1)"),
        ("RMA_RANGE", "win.Accumulate(np.zeros(2), 1, 9)"),
        ("RMA_RANGE", "win.Fetch_and_op(one, got, 1, 10)"),
        (
            "RMA_RANGE",
            "win.Put(np.ones(2), 1, (0, 1, MPI.DOUBLE.Create_vector(2, 1, 20).Commit()))",
        ),
        (
            "RMA_RANGE",
            "win.Put(np.ones(2), 1, (0, 1, MPI.DOUBLE.Create_vector(2, 1, -2).Commit()))",
        ),
        ("COUNT", "win.Put(one, 1, (0, -1))"),
        ("TYPE", "win.Put(one, 1, (0, 2))"),
        ("TYPE", "win.Put(one, 1, (0, 1, MPI.DOUBLE.Create_vector(1, 1, 2)))"),
        ("TYPE", "win.Accumulate(one, 1, (0, 1, MPI.INT64_T))"),
        ("TYPE", "win.Compare_and_swap(one, one, got, 1)"),
        ("OP", "win.Accumulate(one, 1, op=MPI.BAND)"),
        ("OP", "win.Accumulate(one, 1, op=MPI.NO_OP)"),
        ("OP", "win.Accumulate(one, 1, op=MPI.Op.Create(lambda *_: None))"),
        ("OP", "win.Get_accumulate(one, got, 1, op=MPI.MAXLOC)"),
    ],
)
def test_arguments_that_are_wrong(job, error, call):
    job(
        2,
        ALLOCATED
        + f"""
        win.Lock_all()
        raises(MPI.ERR_{error}, lambda: {call})
        win.Unlock_all()
        assert not np.frombuffer(win, "f8").any()
        win.Free()
        """,
    )


@pytest.mark.parametrize(
    ("error", "call"),
    [
        ("ASSERT", "win.Fence(MPI.MODE_NOCHECK)"),
        ("ASSERT", "win.Lock(0, MPI.LOCK_SHARED, MPI.MODE_NOPUT)"),
        ("ASSERT", "win.Lock_all(1)"),
        ("ASSERT", "win.Post(group, MPI.MODE_NOSUCCEED)"),
        ("ASSERT", "win.Start(group, MPI.MODE_NOSTORE)"),
        ("LOCKTYPE", "win.Lock(0, 99)"),
        ("RANK", "win.Lock(2)"),
        ("GROUP", "win.Start(MPI.GROUP_NULL)"),
        ("DISP", "MPI.Win.Create(bytearray(8), 0)"),
        ("DISP", "MPI.Win.Allocate(8, -1)"),
        ("SIZE", "MPI.Win.Allocate(-8)"),
        ("SIZE", "MPI.Win.Allocate_shared(-8)"),
        ("COMM", "MPI.Win.Create(bytearray(8), comm=MPI.COMM_NULL)"),
        ("RMA_SHARED", "MPI.Win.Allocate_shared(8, comm=comm)"),
        ("RMA_FLAVOR", "win.Attach(bytearray(8))"),
        ("RMA_FLAVOR", "win.Detach(bytearray(8))"),
        ("KEYVAL", "win.Get_attr(123456)"),
        ("WIN", "MPI.Win().Fence()"),
        ("WIN", "MPI.WIN_NULL.Free()"),
        ("WIN", "MPI.WIN_NULL.tomemory()"),
    ],
)
def test_other_calls_with_wrong_arguments(job, error, call):
    job(2, ALLOCATED + f"        raises(MPI.ERR_{error}, lambda: {call})\n        win.Free()")


def test_a_group_of_others_is_refused(job):
    job(
        2,
        """
        win = MPI.Win.Allocate(8, comm=MPI.COMM_SELF)
        raises(MPI.ERR_GROUP, win.Post, comm.Get_group())
        win.Free()
        """,
    )


def test_a_window_needs_a_communicator_of_one_group(job):
    job(
        2,
        """
        both = MPI.COMM_SELF.Create_intercomm(0, comm, 1 - rank)
        raises(MPI.ERR_COMM, lambda: MPI.Win.Allocate(8, comm=both))
        both.Free()
        """,
    )


def test_a_freed_window_can_be_used_no_more(job):
    job(
        2,
        """
        win = MPI.Win.Allocate(8, comm=comm)
        other = MPI.Win(win)
        assert other == win and other is not win
        win.Free()
        assert win == MPI.WIN_NULL and other != MPI.WIN_NULL
        for call in (other.Fence, other.Free, other.tomemory, other.Lock_all, other.Get_group):
            raises(MPI.ERR_WIN, call)
        """,
    )


def test_the_error_handler_of_the_window_is_told(job):
    job(
        1,
        """
        win = MPI.Win.Allocate(8)
        told = []
        win.Set_errhandler(MPI.Win.Create_errhandler(lambda *about: told.append(about)))
        raises(MPI.ERR_RMA_SYNC, win.Unlock, 0)
        raises(MPI.ERR_RANK, win.Lock, 7)
        assert told == [(win, MPI.ERR_RMA_SYNC), (win, MPI.ERR_RANK)]
        win.Call_errhandler(MPI.ERR_OTHER)
        assert told[2:] == [(win, MPI.ERR_OTHER)]
        win.Free()
        """,
    )


def test_a_fatal_handler_ends_the_job(start):
    result = start(
        2,
        """
        win = MPI.Win.Allocate(8, comm=comm)
        win.Set_errhandler(MPI.ERRORS_ARE_FATAL)
        if rank:
            win.Unlock(0)
        comm.Barrier()
        """,
    )
    assert result.status != 0
    assert b"RMA_SYNC" in result.stderr


def test_an_error_at_a_fence_leaves_nobody_behind(job):
    job(
        2,
        """
        win = MPI.Win.Create_dynamic(comm=comm)
        win.Fence()
        if rank == 0:
            win.Accumulate(np.ones(1), 1, 12345)
            raises(MPI.ERR_RMA_RANGE, win.Fence)
        else:
            win.Fence()
        win.Fence()
        win.Free()
        """,
    )


def test_a_target_that_has_ended_is_an_error(job):
    job(
        2,
        """
        win = MPI.Win.Allocate(8, comm=comm)
        if rank == 0:
            vmpp.compute(0.1)
            raises(MPI.ERR_PROC_FAILED, win.Lock, 1)
            win.Lock_all(MPI.MODE_NOCHECK)
            for call in (win.Put, win.Get, win.Accumulate):
                call(np.ones(1), 1)
                raises(MPI.ERR_PROC_FAILED, win.Flush, 1)
            raises(MPI.ERR_PROC_FAILED, win.Rget(np.ones(1), 1).Wait)
        """,
    )
