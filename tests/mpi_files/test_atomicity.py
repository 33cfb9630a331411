"""Atomic mode: each access is seen whole or not at all, however many requests it takes."""

from __future__ import annotations

import pytest

import vmpp


def test_it_is_told_as_it_was_set(run):
    run("""
        file = new()
        assert file.Get_atomicity() is False
        for flag in (True, False, True):
            file.Set_atomicity(flag)
            assert file.atomicity is flag
        file.atomicity = False
        assert not file.Get_atomicity()
        refused(MPI.ERR_NOT_SAME, file.Set_atomicity, bool(rank))
        file.Close()
    """)


@pytest.mark.parametrize("run", ["", "striped"], indirect=True)
@pytest.mark.parametrize("call", ["Write_at", "Write_at_all", "Iwrite_at"])
def test_overlapping_writes_are_as_if_one_came_after_the_other(run, tmp_path, call):
    run(f"""
        file = new()
        file.Set_atomicity(True)
        # Every second KiB: several requests each.
        gaps = MPI.BYTE.Create_vector(1 << 11, 1 << 10, 1 << 11).Commit()
        file.Set_view(0, MPI.BYTE, gaps)
        request = file.{call}(0, bytes([65 + rank]) * (1 << 21))
        if request is not None:
            request.Wait()
        file.Close()
    """)
    content = (tmp_path / "file").read_bytes()
    assert {content[place] for place in range(0, len(content), 1 << 11)} in ({65}, {66}, {67})


@pytest.mark.parametrize("run", ["", "striped"], indirect=True)
def test_who_reads_meanwhile_sees_all_or_nothing(run):
    run("""
        file = new()
        file.Set_size(3 << 20)
        file.Set_atomicity(True)
        if rank == 0:
            file.Write_at(0, b"x" * (3 << 20))
        else:
            for _ in range(3):
                got = bytearray(3 << 20)
                file.Read_at(0, got)
                assert got.count(b"x") in (0, len(got))
        file.Close()
    """)


def test_an_access_that_fails_gives_the_lock_back(run):
    run("""
        file = new()
        file.Set_atomicity(True)
        MPI.Register_datarep("bad", lambda *_: 1 // 0, None, lambda datatype: 1)
        file.Set_size(1)
        file.Set_view(0, MPI.BYTE, None, "bad")
        refused(MPI.ERR_CONVERSION, file.Read_at, 0, bytearray(1))
        file.Set_view(0)
        file.Write_at_all(rank, b"x")
        file.Close()
    """)


def test_a_rank_whose_node_crashes_gives_the_lock_back(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("""
from mpi4py import MPI
import time
comm = MPI.COMM_WORLD
file = MPI.File.Open(comm, "file", MPI.MODE_RDWR | MPI.MODE_CREATE)
file.Set_atomicity(True)
if comm.rank == 2:
    file._get().store.lock()  # as in the middle of an access
    time.sleep(1000)
time.sleep(0.2)
file.Write_at(comm.rank, b"x")
print(MPI.Wtime() > 0.5)
""")
    result = vmpp.run(
        path, nprocs=4, cwd=tmp_path, faults=["node 2 crash at 0.5 s"], keep_going=True
    )
    assert result.stdout == b"True\n" * 3
