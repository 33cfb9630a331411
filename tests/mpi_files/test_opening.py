"""Files are opened by all ranks of a communicator, in the modes that go together, and closed."""

from __future__ import annotations

import os

import pytest


def test_all_ranks_have_one_file(run, tmp_path):
    run("""
        file = new()
        assert file.amode == NEW
        assert (file.group_size, file.group_rank) == (size, rank)
        group = file.Get_group()
        assert MPI.Group.Compare(group, comm.Get_group()) == MPI.IDENT
        file.Write_at(rank, b"%d" % rank)
        file.Close()
        assert file == MPI.FILE_NULL
        assert not file
    """)
    assert (tmp_path / "file").read_bytes() == b"012"


def test_a_file_may_be_of_some_ranks_or_of_one(run, tmp_path):
    run("""
        file = new(name=f"own{rank}", comm=MPI.COMM_SELF)
        file.Write(b"self")
        file.Close()
        half = comm.Split(rank % 2)
        file = new(name=f"half{rank % 2}", comm=half)
        half.Free()  # the file has a communicator of its own
        file.Write_ordered(b"%d" % rank)
        file.Close()
    """)
    assert [(tmp_path / f"own{rank}").read_bytes() for rank in range(3)] == [b"self"] * 3
    assert (tmp_path / "half0").read_bytes() == b"02"
    assert (tmp_path / "half1").read_bytes() == b"1"


def test_a_name_is_a_path_a_string_or_bytes(run, tmp_path):
    run("""
        from pathlib import Path
        for name in (Path("path"), "string", b"bytes"):
            new(name=name).Close()
            refused(MPI.ERR_FILE_EXISTS, new, NEW | MPI.MODE_EXCL, name)
        try:
            new(name=3)
        except TypeError:
            pass
        else:
            raise AssertionError("3 is no name")
    """)
    assert {"path", "string", "bytes"} <= set(os.listdir(tmp_path))


MODES = """
R, W, RW = MPI.MODE_RDONLY, MPI.MODE_WRONLY, MPI.MODE_RDWR
C, X, S = MPI.MODE_CREATE, MPI.MODE_EXCL, MPI.MODE_SEQUENTIAL
"""


def test_modes_that_do_not_go_together_are_refused(run):
    run(
        MODES
        + """
for amode in (0, R | W, R | RW, W | RW, R | C, R | X, RW | S, R | 1 << 20, C):
    refused(MPI.ERR_AMODE, new, amode)
"""
    )


def test_ranks_must_give_the_same_modes(run, tmp_path):
    run("refused(MPI.ERR_NOT_SAME, new, NEW if rank else NEW | MPI.MODE_APPEND)")
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize(
    ("name", "amode", "code"),
    [
        ("nothing", "MPI.MODE_RDONLY", "ERR_NO_SUCH_FILE"),
        ("nothing", "MPI.MODE_RDWR", "ERR_NO_SUCH_FILE"),
        ("no/where", "NEW", "ERR_NO_SUCH_FILE"),
        ("there", "NEW | MPI.MODE_EXCL", "ERR_FILE_EXISTS"),
        ("there/below", "NEW", "ERR_BAD_FILE"),
        (".", "MPI.MODE_RDONLY", "ERR_BAD_FILE"),
        (".", "MPI.MODE_RDWR", "ERR_BAD_FILE"),
        ("x" * 300, "NEW", "ERR_BAD_FILE"),
    ],
)
def test_a_file_that_cannot_be_opened_is_an_error_on_all_ranks(run, tmp_path, name, amode, code):
    (tmp_path / "there").touch()
    run(f"refused(MPI.{code}, new, {amode}, {name!r})")


def test_a_communicator_can_be_used_after_a_failure(run):
    run("""
        for _ in range(3000):  # none of them takes a context
            refused(MPI.ERR_AMODE, new, 0)
        for _ in range(5):
            refused(MPI.ERR_NO_SUCH_FILE, new, MPI.MODE_RDONLY)
        assert comm.allreduce(1) == size
    """)


def test_a_file_is_deleted_on_close_or_by_its_name(run, tmp_path):
    run("""
        import os
        file = new(NEW | MPI.MODE_DELETE_ON_CLOSE)
        assert os.path.exists("file")
        file.Close()
        assert not os.path.exists("file")
        new(name="other").Close()
        if rank == 0:
            MPI.File.Delete("other")
            refused(MPI.ERR_NO_SUCH_FILE, MPI.File.Delete, "other")
    """)
    assert not (tmp_path / "other").exists()


def test_appending_begins_at_the_end(run, tmp_path):
    (tmp_path / "file").write_bytes(b"begun ")
    run("""
        file = new(MPI.MODE_WRONLY | MPI.MODE_APPEND)
        assert file.Get_position() == file.Get_position_shared() == 6
        file.Write_ordered(b"%d" % rank)
        assert file.Get_position() == 6
        file.Close()
    """)
    assert (tmp_path / "file").read_bytes() == b"begun 012"


def test_permissions_are_those_of_the_hint_and_the_mask(run, tmp_path):
    run("""
        import os
        os.umask(0o027)
        new(name="plain").Close()
        new(name="private", info=MPI.Info.Create({"file_perm": "600"})).Close()
    """)
    assert (tmp_path / "plain").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600


def test_the_size_is_set_and_told(run, tmp_path):
    run("""
        file = new()
        assert file.size == 0
        file.Set_size(10)
        assert file.Get_size() == 10
        file.Preallocate(5)
        assert file.size == 10
        file.Preallocate(20)
        assert file.size == 20
        file.Set_size(3)
        assert file.size == 3
        refused(MPI.ERR_ARG, file.Set_size, -1)
        refused(MPI.ERR_ARG, file.Preallocate, -1)
        refused(MPI.ERR_NOT_SAME, file.Set_size, rank)
        assert file.size == 3
        file.Close()
    """)
    assert (tmp_path / "file").stat().st_size == 3


def test_hints_are_taken_note_of_and_told(run):
    run("""
        given = {"cb_nodes": "2", "cb_buffer_size": "1000", "romio_cb_write": "disable",
                 "striping_unit": "4096", "access_style": "read_once,sequential",
                 "of_no_meaning": "1"}
        file = new(info=MPI.Info.Create(given))
        info = file.Get_info()
        for key, value in given.items():
            assert info.get(key) == (None if key == "of_no_meaning" else value)
        assert info["romio_cb_read"] == "automatic"
        file.Set_info(MPI.Info.Create({"cb_nodes": "many", "cb_buffer_size": "0",
                                       "romio_cb_read": "perhaps", "file_perm": "rw",
                                       "collective_buffering": "maybe"}))
        assert dict(file.info) == dict(info)  # what makes no sense changes nothing
        file.info = MPI.Info.Create({"collective_buffering": "true"})
        assert file.info["romio_cb_read"] == file.info["romio_cb_write"] == "enable"
        file.Set_info(MPI.INFO_NULL)
        file.Close()
    """)


def test_handles_are_like_all_others(run):
    run("""
        import pickle

        class Mine(MPI.File):
            pass

        file = Mine.Open(comm, "file", NEW)
        assert type(file) is Mine
        other = MPI.File(file)
        assert other == file
        assert MPI.File.fromhandle(file.handle) == file == MPI.File.f2py(file.py2f())
        try:
            pickle.dumps(file)
        except ValueError:
            pass
        else:
            raise AssertionError("a file was pickled")
        assert pickle.loads(pickle.dumps(MPI.FILE_NULL)) is MPI.FILE_NULL
        file.free()
        file.free()
        assert not file
        assert MPI.File() == MPI.FILE_NULL
        refused(MPI.ERR_FILE, MPI.FILE_NULL.Get_size)
        refused(MPI.ERR_FILE, MPI.FILE_NULL.Write, b"")
    """)


def test_devices_are_files_too(run):
    run("""
        file = MPI.File.Open(comm, "/dev/null", MPI.MODE_RDWR)
        file.Write_all(b"gone")
        buffer, status = bytearray(4), MPI.Status()
        file.Read_at(0, buffer, status)
        assert status.Get_count(MPI.BYTE) == 0
        file.Close()
    """)


def test_any_number_of_ranks_have_one_file_of_the_host_open(run):
    run(
        """
        import os
        before = comm.allreduce(len(os.listdir("/proc/self/fd")), MPI.MAX)
        file = new()
        comm.Barrier()
        assert len(os.listdir("/proc/self/fd")) <= before + 2
        comm.Barrier()
        file.Close()
        """,
        16,
    )


def test_a_communicator_of_two_groups_has_no_files(run):
    run("""
        half = comm.Split(rank % 2)
        inter = half.Create_intercomm(0, comm, 1 - rank % 2)
        refused(MPI.ERR_COMM, new, comm=inter)
    """)


def test_ranks_of_several_jobs_have_one_file(run, tmp_path):
    run("""
        import sys

        parent = MPI.Comm.Get_parent()
        if parent == MPI.COMM_NULL:
            inter = comm.Spawn(sys.executable, [__file__], maxprocs=2)
        else:
            inter = parent
        both = inter.Merge(parent != MPI.COMM_NULL)
        file = new(comm=both)
        file.Write_ordered(b"%d" % both.rank)
        got = bytearray(both.size)
        file.Read_at_all(0, got)
        assert got == b"01234"
        file.Close()
        inter.Disconnect()
    """)
    assert (tmp_path / "file").read_bytes() == b"01234"
