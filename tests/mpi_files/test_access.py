"""Reads and writes in all their forms move the same data, and pointers by as much."""

from __future__ import annotations

import pytest

FORMS = """
def blocking(file, call, *args):
    status = MPI.Status()
    getattr(file, call)(*args, status)
    return status


def waited_for(file, call, *args):
    status = MPI.Status()
    getattr(file, "I" + call[0].lower() + call[1:])(*args).Wait(status)
    return status


def in_two_parts(file, call, *args):
    status = MPI.Status()
    getattr(file, call + "_begin")(*args)
    getattr(file, call + "_end")(args[-1], status)
    return status


def count(status):
    return status.Get_count(MPI.INT)
"""

EITHER = pytest.mark.parametrize("run", ["", "striped"], indirect=True)
"""On a file of the host's, and on one that is striped."""

ALL = [
    ("blocking", ""), ("blocking", "_all"), ("waited_for", ""), ("waited_for", "_all"),
    ("in_two_parts", "_all"),
]  # fmt: skip


@EITHER
@pytest.mark.parametrize(("form", "all_"), ALL)
def test_at_an_offset(run, form, all_):
    run(f"""
{FORMS}
file = new()
file.Set_view(4, MPI.INT)
data = np.arange(5, dtype="i") + 10 * rank
assert count({form}(file, "Write_at{all_}", 5 * rank, data)) == 5
file.Sync()
assert file.Get_size() == 4 + 4 * 5 * size
got = np.full(7, -1, "i")
assert count({form}(file, "Read_at{all_}", 5 * rank + 1, got[:4])) == 4
same(got, [*data[1:], -1, -1, -1])
assert count({form}(file, "Read_at{all_}", 5 * size - 2, got)) == 2
same(got[:2], np.arange(3, 5) + 10 * (size - 1))
same(got[2:], [*data[3:], -1, -1, -1])
assert count({form}(file, "Read_at{all_}", 5 * size + 7, got)) == 0
assert file.Get_position() == file.Get_position_shared() == 0
file.Close()
""")


@pytest.mark.parametrize(("form", "all_"), ALL)
def test_at_the_individual_pointer(run, form, all_):
    run(f"""
{FORMS}
file = new()
file.Set_view(0, MPI.INT)
file.Seek(6 * rank)
for part in range(2):
    assert count({form}(file, "Write{all_}", np.full(3, 10 * rank + part, "i"))) == 3
    assert file.Get_position() == 6 * rank + 3 * (part + 1)
file.Sync()
file.Seek(0)
got = np.empty(6 * size, "i")
assert count({form}(file, "Read{all_}", got)) == 6 * size
same(got, [10 * r + part for r in range(size) for part in (0, 0, 0, 1, 1, 1)])
assert file.Get_position() == 6 * size
assert count({form}(file, "Read{all_}", got)) == 0
file.Close()
""")


@EITHER
@pytest.mark.parametrize("form", ["blocking", "waited_for"])
def test_at_the_shared_pointer_each_gets_room_of_its_own(run, form):
    run(f"""
{FORMS}
file = new()
file.Set_view(0, MPI.INT)
for _ in range(3):
    assert count({form}(file, "Write_shared", np.full(rank + 1, rank, "i"))) == rank + 1
file.Sync()
total = 3 * (1 + 2 + 3)
assert file.Get_position_shared() == total
got = np.empty(total, "i")
file.Read_at(0, got)
# Whoever came first: what one has written lies together.
place, seen = 0, []
while place < total:
    who = got[place]
    same(got[place : place + who + 1], who)
    seen.append(who)
    place += who + 1
assert sorted(seen) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
file.Seek_shared(0)
got = np.empty(2, "i")
{form}(file, "Read_shared", got)
file.Sync()
assert file.Get_position_shared() == 6
file.Close()
""")


@EITHER
@pytest.mark.parametrize("form", ["blocking", "in_two_parts"])
def test_in_the_order_of_the_ranks(run, form):
    run(f"""
{FORMS}
file = new()
file.Set_view(0, MPI.INT)
for part in range(2):
    data = np.full(rank + 1, 10 * rank + part, "i")
    assert count({form}(file, "Write_ordered", data)) == rank + 1
assert file.Get_position_shared() == 12
file.Sync()
got = np.empty(12, "i")
file.Read_at(0, got)
same(got, [0, 10, 10, 20, 20, 20, 1, 11, 11, 21, 21, 21])
file.Seek_shared(-6, MPI.SEEK_END)
got = np.empty(rank + 1, "i")
{form}(file, "Read_ordered", got)
same(got, 10 * rank + 1)
file.Close()
""")


@EITHER
def test_many_requests_are_under_way_at_once(run):
    run("""
        file = new()
        file.Set_view(0, MPI.INT)
        data = [np.full(2, 100 * rank + part, "i") for part in range(4)]
        MPI.Request.Waitall([file.Iwrite_at(8 * rank + 2 * n, part) for n, part in enumerate(data)])
        file.Sync()
        got = [np.empty(2, "i") for _ in range(4)]
        requests = [file.Iread_at(8 * rank + 2 * n, part) for n, part in enumerate(got)]
        requests += [file.Iread_at_all(8 * rank + 2 * n, part) for n, part in enumerate(got)]
        statuses = [MPI.Status() for _ in requests]
        MPI.Request.Waitall(requests, statuses)
        same(got, data)
        assert {status.Get_count(MPI.INT) for status in statuses} == {2}
        file.Close()
    """)


@EITHER
def test_messages_and_accesses_get_on_side_by_side(run):
    run("""
        file = new()
        peer = (rank + 1) % size
        got = bytearray(1)
        requests = [
            comm.Irecv(got, MPI.ANY_SOURCE),
            file.Iwrite_at_all(rank, b"%d" % rank),
            comm.Isend(b"%d" % rank, peer),
        ]
        while requests:
            del requests[MPI.Request.Waitany(requests)]
        assert got == b"%d" % ((rank - 1) % size)
        data = bytearray(size)
        file.Read_at_all(0, data)
        assert data == b"012"
        file.Close()
    """)


@EITHER
def test_memory_with_gaps_is_read_and_written(run):
    run("""
        file = new()
        every_second = MPI.INT.Create_vector(4, 1, 2).Commit()
        data = np.arange(8, dtype="i") + 10 * rank
        file.Write_at_all(16 * rank, [data, 1, every_second])
        got, status = np.full(8, -1, "i"), MPI.Status()
        file.Read_at(16 * rank, [got, 1, every_second], status)
        assert status.Get_count(every_second) == 1
        assert status.Get_elements(every_second) == 4
        same(got[::2], data[::2])
        same(got[1::2], -1)
        file.Set_size(16 * (size - 1) + 8)
        got[:] = -1
        file.Read_at(16 * (size - 1), [got, 1, every_second], status)
        assert status.Get_count(every_second) == MPI.UNDEFINED
        assert status.Get_elements(every_second) == 2
        same(got[1::2], -1)
        same(got[4:], -1)
        file.Close()
    """)


@EITHER
def test_a_large_access_is_several_requests(run, tmp_path):
    run(
        """
        file = new()
        data = np.random.default_rng(rank).bytes(3 << 20)
        file.Write_at(rank * len(data), data)
        file.Sync()
        got = bytearray(len(data))
        file.Read_at(rank * len(data), got)
        assert got == data
        file.Iread_at_all(rank * len(data), got).Wait()
        assert got == data
        file.Close()
    """,
        2,
    )
    assert (tmp_path / "file").stat().st_size == 6 << 20


def test_a_split_access_bars_other_collective_calls(run):
    run("""
        file = new()
        file.Write_at_all_begin(rank, b"x")
        refused(MPI.ERR_IO, file.Write_at_all, 0, b"y")
        refused(MPI.ERR_IO, file.Read_all_begin, bytearray(1))
        refused(MPI.ERR_IO, file.Sync)
        refused(MPI.ERR_IO, file.Close)
        refused(MPI.ERR_IO, file.Write_all_end, b"x")
        file.Write_at(rank, b"z")  # one that is not collective
        file.Write_at_all_end(b"x")
        refused(MPI.ERR_IO, file.Write_at_all_end, b"x")
        file.Close()
    """)


def test_a_file_is_only_for_what_it_was_opened_for(run):
    run("""
        new().Close()
        file = new(MPI.MODE_RDONLY)
        refused(MPI.ERR_READ_ONLY, file.Write, b"x")
        refused(MPI.ERR_READ_ONLY, file.Iwrite_at_all, 0, b"x")
        file.Close()
        file = new(MPI.MODE_WRONLY)
        refused(MPI.ERR_ACCESS, file.Read, bytearray(1))
        refused(MPI.ERR_ACCESS, file.Read_ordered, bytearray(1))
        file.Close()
    """)


def test_a_file_accessed_sequentially_has_the_shared_pointer_only(run, tmp_path):
    run("""
        file = new(MPI.MODE_WRONLY | MPI.MODE_CREATE | MPI.MODE_SEQUENTIAL)
        for call in (file.Get_position, file.Get_position_shared):
            refused(MPI.ERR_UNSUPPORTED_OPERATION, call)
        for call in (file.Seek, file.Seek_shared, file.Get_byte_offset):
            refused(MPI.ERR_UNSUPPORTED_OPERATION, call, 0)
        refused(MPI.ERR_UNSUPPORTED_OPERATION, file.Write, b"x")
        refused(MPI.ERR_UNSUPPORTED_OPERATION, file.Write_at_all, 0, b"x")
        file.Write_ordered(b"%d" % rank)
        refused(MPI.ERR_ARG, file.Set_view, 0, MPI.INT)
        file.Set_view(MPI.DISPLACEMENT_CURRENT, MPI.SHORT)
        assert file.Get_view()[0] == 3
        file.Write_ordered(np.full(1, rank, "h"))
        file.Close()
    """)
    assert (tmp_path / "file").read_bytes() == b"012" + b"\0\0\1\0\2\0"


def test_what_is_no_whole_number_of_elementary_datatypes_is_refused(run):
    run("""
        file = new()
        file.Set_view(0, MPI.INT)
        refused(MPI.ERR_IO, file.Write, b"xyz")
        refused(MPI.ERR_IO, file.Read_at, 0, bytearray(5))
        refused(MPI.ERR_ARG, file.Read_at, -1, bytearray(4))
        assert file.Get_position() == 0
        file.Close()
    """)


def test_pointers_are_moved(run):
    run("""
        file = new()
        file.Set_view(2, MPI.INT)
        file.Set_size(2 + 4 * 5)
        for seek, tell in (
            (file.Seek, file.Get_position), (file.Seek_shared, file.Get_position_shared)
        ):
            for (offset, whence), expected in (
                ((3, MPI.SEEK_SET), 3), ((-1, MPI.SEEK_CUR), 2), ((0, MPI.SEEK_END), 5),
                ((-5, MPI.SEEK_END), 0), ((1, MPI.SEEK_END), 6),
            ):
                seek(offset, whence)
                comm.Barrier()
                assert tell() == expected
                comm.Barrier()
            refused(MPI.ERR_ARG, seek, -1)
            refused(MPI.ERR_ARG, seek, 0, 77)
            assert tell() == 6
        refused(MPI.ERR_NOT_SAME, file.Seek_shared, rank)
        file.Close()
    """)


def test_an_access_takes_virtual_time_and_repeats(run):
    text = """
        file = new()
        before = MPI.Wtime()
        file.Write_at_all(1000 * rank, bytes(1000))
        assert MPI.Wtime() > before
        file.Close()
        if rank == 0:
            print(MPI.Wtime())
    """
    assert run(text) == run(text)


def test_offsets_beyond_all_files_are_refused(run):
    run("""
        file = new()
        file.Set_view(8, MPI.DOUBLE)
        for offset in (1 << 60, 1 << 63, 1 << 200):
            refused(MPI.ERR_ARG, file.Read_at, offset, np.zeros(1))
            refused(MPI.ERR_ARG, file.Iwrite_at, offset, np.zeros(1))
        file.Close()
    """)


@EITHER
def test_what_a_rank_has_written_others_read_after_sync(run):
    run("""
        file = new()
        for turn in range(3):
            if rank == turn % size:
                file.Write_at(turn, b"%d" % turn)
            file.Sync()
            comm.Barrier()
            file.Sync()
            got = bytearray(turn + 1)
            file.Read_at(0, got)
            assert got == b"012"[: turn + 1]
        file.Close()
    """)


def test_the_disk_has_what_was_written_once_for_all_ranks(run, monkeypatch):
    synced = []
    monkeypatch.setattr("vmpp.service.files.os.fsync", synced.append)
    run("""
        file = new()
        file.Sync()
        file.Write_at_all(rank, b"x")
        file.Sync()
        file.Sync()
        file.Close()
        file = new()
        if rank == size - 1:
            file.Write_at(0, b"y")
        file.Close()
        file = new(NEW | MPI.MODE_DELETE_ON_CLOSE)
        file.Write_at_all(rank, b"x")
        file.Close()
    """)
    assert len(synced) == 2


def test_ranks_may_access_places_far_apart(run):
    run("""
        file = new(info=MPI.Info.Create({"romio_cb_write": "enable", "romio_cb_read": "enable"}))
        place = rank << 42
        file.Write_at_all(place, b"%d" % rank)
        got = bytearray(1)
        file.Read_at_all(place, got)
        assert got == b"%d" % rank
        file.Set_size(0)
        file.Close()
    """)
