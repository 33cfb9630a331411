"""Errors of files go to the file's handler, and a failing file server harms nobody else."""

from __future__ import annotations

import errno
import os
from unittest import mock

import pytest
import trio

import vmpp
from vmpp.process.program import Program
from vmpp_mpi import _errors as errors
from vmpp_mpi._files._trouble import error_class


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOENT, errors.ERR_NO_SUCH_FILE),
        (errno.EEXIST, errors.ERR_FILE_EXISTS),
        (errno.EACCES, errors.ERR_ACCESS),
        (errno.EROFS, errors.ERR_READ_ONLY),
        (errno.ENOSPC, errors.ERR_NO_SPACE),
        (errno.EDQUOT, errors.ERR_QUOTA),
        (errno.ETXTBSY, errors.ERR_FILE_IN_USE),
        (errno.ENOTDIR, errors.ERR_BAD_FILE),
        (errno.EIO, errors.ERR_IO),
        (errno.ENODEV, errors.ERR_IO),
    ],
)
def test_each_error_of_a_system_call_has_a_class(number, code):
    assert error_class(OSError(number, os.strerror(number))) == code


def test_errors_return_unless_the_program_says_otherwise(run):
    run("""
        assert MPI.FILE_NULL.Get_errhandler() == MPI.ERRORS_RETURN
        file = new()
        assert file.Get_errhandler() == MPI.ERRORS_RETURN
        seen = []
        handler = MPI.File.Create_errhandler(lambda *args: seen.append(args))
        file.Set_errhandler(handler)
        assert file.Get_errhandler() == handler
        handler.Free()
        refused(MPI.ERR_ARG, file.Read_at, -1, bytearray(1))
        refused(MPI.ERR_IO, file.Write_all_end, b"")
        refused(MPI.ERR_ARG, file.Set_size, -1)
        file.Call_errhandler(MPI.ERR_OTHER)
        codes = (MPI.ERR_ARG, MPI.ERR_IO, MPI.ERR_ARG, MPI.ERR_OTHER)
        assert seen == [(file, code) for code in codes]
        file.Close()
    """)


def test_an_error_about_no_open_file_names_the_file(run):
    run("""
        for call in (lambda: MPI.File.Open(comm, "nosuch"), lambda: MPI.File.Delete("nosuch")):
            try:
                call()
            except MPI.Exception as error:
                assert "nosuch" in str(error)
            else:
                raise AssertionError
    """)


def test_the_null_files_handler_is_that_of_files_to_come(run):
    run("""
        seen = []
        handler = MPI.File.Create_errhandler(lambda *args: seen.append(args))
        MPI.FILE_NULL.Set_errhandler(handler)
        refused(MPI.ERR_NO_SUCH_FILE, new, MPI.MODE_RDONLY)
        refused(MPI.ERR_NO_SUCH_FILE, MPI.File.Delete, "file")
        refused(MPI.ERR_FILE, MPI.FILE_NULL.Get_size)
        codes = (MPI.ERR_NO_SUCH_FILE, MPI.ERR_NO_SUCH_FILE, MPI.ERR_FILE)
        assert seen == [(MPI.FILE_NULL, code) for code in codes]
        file = new()
        assert file.Get_errhandler() == handler
        file.Close()
    """)


def test_a_fatal_handler_ends_the_job(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("""
from mpi4py import MPI
file = MPI.File.Open(MPI.COMM_WORLD, "f", MPI.MODE_RDWR | MPI.MODE_CREATE)
file.Set_errhandler(MPI.ERRORS_ARE_FATAL)
file.Read_at(-1, bytearray(1))
""")
    result = vmpp.run(path, nprocs=2, cwd=tmp_path)
    assert result.status == errors.ERR_ARG
    assert b"file 'f'" in result.stderr


SERVER_GONE = """
from mpi4py import MPI
import os, time
comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
file = MPI.File.Open(comm, "file", MPI.MODE_RDWR | MPI.MODE_CREATE)
file.Set_atomicity(True)
file.Write_at_all(rank, b"x")
file.Set_atomicity(False)
comm.Barrier()
if rank == 0:
    print("ready", flush=True)
while True:
    # Whatever is under way when the server goes, every call ends.
    try:
        file.Write_at_all(rank, b"x")
    except MPI.Exception as error:
        failed = True
        assert error.Get_error_class() == MPI.ERR_IO
    else:
        failed = False
    if comm.allreduce(failed, MPI.LAND):
        break


def refused(function, *args):
    try:
        function(*args)
    except MPI.Exception as error:
        return error.Get_error_class() == MPI.ERR_IO
    return False


checks = [
    refused(file.Write, b"x"),
    refused(file.Read_at_all, 0, bytearray(1)),
    refused(file.Read_ordered, bytearray(1)),
    refused(file.Get_size),
    refused(file.Set_size, 1),
    refused(file.Seek_shared, 1),
    refused(file.Iread_at_all(0, bytearray(1)).Wait),
    refused(file.Iwrite_shared(b"x").Wait),
    refused(MPI.File.Delete, "file"),
    refused(MPI.File.Open, comm, "file"),
    refused(file.Set_view),
    refused(file.Close),
    not file,
    comm.allreduce(1) == size,
]
os._exit(0 if all(checks) else 1 + checks.index(False))
"""


async def test_without_the_file_server_calls_fail_and_messages_go_on(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(SERVER_GONE)
    async with vmpp.boot() as machine:
        job = await machine.launch(Program.script(str(path), cwd=str(tmp_path)), 3)
        while not job.stdout:
            await trio.lowlevel.checkpoint()
        machine.stop_server("files")
        result = await job.wait()
    assert result.statuses == [0, 0, 0]


async def test_who_waits_for_a_lock_is_told_that_the_server_has_gone(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("""
from mpi4py import MPI
import os
from vmpp.engine import current_process
comm = MPI.COMM_WORLD
file = MPI.File.Open(comm, "file", MPI.MODE_RDWR | MPI.MODE_CREATE)
file.Set_atomicity(True)
if comm.rank == 0:
    # As one that is stopped in an atomic access.
    file._get().store.lock()
    comm.Barrier()
    print("ready", flush=True)
    try:
        while True:
            file.Get_size()
    except MPI.Exception:
        pass
else:
    comm.Barrier()
    try:
        file.Write_at(0, b"x")
    except MPI.Exception as error:
        os._exit(error.Get_error_class())
os._exit(0)
""")
    async with vmpp.boot() as machine:
        job = await machine.launch(Program.script(str(path), cwd=str(tmp_path)), 2)
        while not job.stdout:
            await trio.lowlevel.checkpoint()
        machine.stop_server("files")
        result = await job.wait()
    assert result.statuses == [0, errors.ERR_IO]


@pytest.mark.parametrize("call", ["Write_at", "Write_at_all", "Iwrite_at_all"])
def test_a_full_disk_is_told_to_those_who_write(run, call):
    def full(fd, data, offset):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    text = f"""
        info = MPI.Info.Create({{"romio_cb_write": "enable"}})
        file = new(info=info)
        def write():
            request = file.{call}(rank, b"x")
            if request is not None:
                request.Wait()
        refused(MPI.ERR_NO_SPACE, write)
        assert file.Get_size() == 0
        file.Close()
    """
    with mock.patch("vmpp.service.files.os.pwrite", full):
        run(text)
