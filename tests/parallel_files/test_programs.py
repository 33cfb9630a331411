"""Programs on striped files: what works on files works there, straight and in libraries."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import vmpp

MACHINE = """
title = "four I/O nodes with stripe units of a page"
[topology]
kind = "mesh2d"
dims = [4, 4]
[service]
nodes = 1
io_nodes = 4
crash_detection = "10 ms"
[io]
stripe_unit = "4 KiB"
"""

PRELUDE = """
import errno, gzip, os, pickle, shutil, sys, tarfile, tempfile, threading, time, zipfile
import numpy as np
from vmpp.engine import current_process

data = np.random.default_rng(1).integers(0, 256, 100_001, dtype=np.uint8)
octets = data.tobytes()
files = current_process().files


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def failure(function, *args):
    try:
        function(*args)
    except OSError as error:
        return error.errno
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., vmpp.Result]:
    """Return what runs the text of a program on a machine with four I/O nodes."""
    machine = tmp_path / "machine.toml"
    machine.write_text(MACHINE)

    def start(text: str, nprocs: int = 1, **options: Any) -> vmpp.Result:
        path = tmp_path / "program.py"
        path.write_text(PRELUDE + dedent(text))
        result = vmpp.run(path, nprocs=nprocs, cwd=tmp_path, machine=machine, **options)
        assert result.status == 0, f"{result.failure}\n{result.stderr.decode()}"
        return result

    return start


def test_libraries_use_them_as_any_files(run):
    run("""
        os.mkdir("/pfs/w")
        os.chdir("/pfs/w")
        with open("plain", "wb") as file:
            file.write(octets)
        assert contents("plain") == octets and os.path.getsize("plain") == len(octets)
        shutil.copy("plain", "copy")
        assert contents("copy") == octets
        np.save("array.npy", data)
        np.savez("arrays.npz", one=data, other=data[::2])
        assert (np.load("array.npy") == data).all()
        assert (np.load("arrays.npz")["other"] == data[::2]).all()
        np.savetxt("table.txt", data[:100].reshape(10, 10))
        assert (np.loadtxt("table.txt") == data[:100].reshape(10, 10)).all()
        with open("pickled", "wb") as file:
            pickle.dump({"a": data}, file, protocol=5)
        with open("pickled", "rb") as file:
            assert (pickle.load(file)["a"] == data).all()
        with gzip.open("packed.gz", "wb") as file:
            file.write(octets)
        assert gzip.open("packed.gz").read() == octets
        with zipfile.ZipFile("some.zip", "w") as archive:
            archive.write("plain")
        assert zipfile.ZipFile("some.zip").read("plain") == octets
        with tarfile.open("some.tar", "w") as archive:
            archive.add("plain")
        with open("lines", "w") as file:
            for number in range(3000):
                print("line", number, file=file)
        with open("lines", "a") as file:
            file.write("end\\n")
        with open("lines") as file:
            lines = file.readlines()
        assert (lines[2999], lines[3000], len(lines)) == ("line 2999\\n", "end\\n", 3001)
        with tempfile.TemporaryFile(dir=".") as file:
            file.write(octets)
            file.seek(0)
            assert file.read() == octets
        shutil.copytree(".", "/pfs/twin")
        shutil.move("/pfs/twin/plain", "/pfs/moved")
        assert contents("/pfs/moved") == octets
        shutil.rmtree("/pfs/twin")
        assert sorted(os.listdir("/pfs")) == ["moved", "w"]
    """)


def test_descriptors_do_what_they_do_elsewhere(run):
    run("""
        with open("/pfs/a", "wb") as file:
            file.write(octets)
        with open("/pfs/a", "r+b") as file:
            file.seek(4094)
            file.write(b"hello")
            file.seek(4092)
            assert file.read(9) == octets[4092:4094] + b"hello" + octets[4099:4101]
            file.truncate(9000)
            assert file.seek(0, os.SEEK_END) == 9000
            file.seek(20_000)
            file.write(b"z")
            file.flush()
            os.fsync(file.fileno())
        assert contents("/pfs/a")[9000:] == bytes(11_000) + b"z"
        fd = os.open("/pfs/a", os.O_RDWR)
        rooms = bytearray(10), bytearray(20)
        assert os.readv(fd, rooms) == 30 and b"".join(rooms) == octets[:30]
        assert os.preadv(fd, rooms, 100) == 30 and b"".join(rooms) == octets[100:130]
        assert os.preadv(fd, rooms[:1], 19_995) == 6 and rooms[0][:6] == bytes(5) + b"z"
        assert os.pwritev(fd, [b"12", b"345"], 30) == 5 and os.lseek(fd, 0, os.SEEK_CUR) == 30
        assert os.writev(fd, [b"ab", b""]) == 2
        other = os.dup(fd)
        os.close(fd)
        assert os.read(other, 3) == b"345"
        os.ftruncate(other, 10)
        assert (os.fstat(other).st_size, os.read(other, 9)) == (10, b"")
        os.posix_fallocate(other, 0, 50)
        assert os.pread(other, 100, 5) == octets[5:10] + bytes(40)
        assert os.lseek(other, 5, os.SEEK_HOLE) == 50
        assert failure(os.lseek, other, 60, os.SEEK_DATA) == errno.ENXIO
        assert failure(os.pread, other, 1, -1) == errno.EINVAL
        assert failure(os.pwrite, os.open("/pfs/a", os.O_RDONLY), b"x", 0) == errno.EBADF
        assert failure(os.read, os.open("/pfs/a", os.O_WRONLY), 1) == errno.EBADF
        with open("/pfs/raw", "wb", buffering=0) as file:
            assert file.write(octets) == len(octets)
        room = np.zeros(len(data) + 9, np.uint8)
        with open("/pfs/raw", "rb", buffering=0) as file:
            assert file.readinto(room) == len(data)
        assert (room[:-9] == data).all() and not room[-9:].any()
    """)


def test_a_forgotten_file_is_written_when_the_process_ends(run):
    assert run("""
        file = open("/pfs/forgotten", "wb")
        file.write(octets[:50_000])
        os.lseek(file.fileno(), 0, os.SEEK_CUR)
        loop = [file]
        loop.append(loop)
        del file, loop
        sys.stdout.write("done")
    """).stdout == b"done"  # fmt: skip


def test_ranks_write_parts_and_read_those_of_others(run):
    run("""
        from mpi4py import MPI
        comm = MPI.COMM_WORLD
        rank, size = comm.rank, comm.size
        fd = os.open("/pfs/shared", os.O_RDWR | os.O_CREAT)
        comm.Barrier()
        mine = octets[: 10_000 + rank]
        starts = np.cumsum([0] + [10_000 + n for n in range(size)]).tolist()
        os.pwrite(fd, mine, starts[rank])
        comm.Barrier()
        peer = (rank + 1) % size
        assert os.pread(fd, 10_000 + peer, starts[peer]) == octets[: 10_000 + peer]
        assert os.fstat(fd).st_size == starts[size]
        comm.Barrier()
        if rank == 0:
            os.ftruncate(fd, 0)
        comm.Barrier()
        os.pwrite(fd, b"%d" % rank * 5, 5 * rank)
        comm.Barrier()
        assert contents("/pfs/shared") == b"".join(b"%d" % n * 5 for n in range(size))
    """, nprocs=5)  # fmt: skip


def test_what_ranks_append_never_overlaps(run):
    run("""
        from mpi4py import MPI
        comm = MPI.COMM_WORLD
        with open("/pfs/log", "ab", buffering=0) as file:
            for number in range(5):
                file.write(b"%d:%d;" % (comm.rank, number) + b"-" * 3000 + b"\\n")
        comm.Barrier()
        lines = contents("/pfs/log").splitlines()
        heads = sorted(line.partition(b";")[0] for line in lines)
        assert heads == sorted(b"%d:%d" % (r, n) for r in range(comm.size) for n in range(5))
        assert all(line.count(b"-") == 3000 for line in lines)
    """, nprocs=4)  # fmt: skip


def test_a_transfer_costs_no_time_of_a_process_that_computes_meanwhile(run):
    run("""
        fd = os.open("/pfs/a", os.O_RDWR | os.O_CREAT)
        os.pwrite(fd, octets, 0)
        begin = time.perf_counter()
        room = np.empty_like(data)
        files.begin_read(fd, room, 0).wait()
        took = time.perf_counter() - begin
        assert (room == data).all()
        room[:] = 0
        reading = files.begin_read(fd, room, 0)
        current_process().compute(int(5 * took * 1e12))
        begin = time.perf_counter()
        assert reading.wait() == len(data)
        assert (room == data).all() and time.perf_counter() - begin < took / 10
    """)


def test_threads_go_on_while_one_waits_for_a_transfer(run):
    run("""
        fd = os.open("/pfs/a", os.O_RDWR | os.O_CREAT)
        order = []

        def write():
            files.begin_write(fd, octets).wait()
            order.append("written")

        thread = threading.Thread(target=write)
        thread.start()
        order.append("meanwhile")
        thread.join()
        assert order == ["meanwhile", "written"]
        assert contents("/pfs/a") == octets
    """)


@pytest.mark.parametrize("mode", ["message-coprocessor", "virtual-node"])
def test_files_are_the_same_in_every_mode_of_a_nodes_cpus(run, mode):
    run("""
        from mpi4py import MPI
        path = f"/pfs/{MPI.COMM_WORLD.rank}"
        with open(path, "wb") as file:
            file.write(octets)
        assert contents(path) == octets
        with open(path, "r+b") as file:
            file.seek(50_000)
            file.write(b"x")
        assert contents(path) == octets[:50_000] + b"x" + octets[50_001:]
    """, nprocs=2, policies={"mode": mode})  # fmt: skip


def test_a_co_routine_leaves_them_to_its_process(run):
    run("""
        import coprocessor
        fd = os.open("/pfs/a", os.O_RDWR | os.O_CREAT)
        os.pwrite(fd, octets, 0)
        refused = []

        def read():
            try:
                os.pread(fd, 10, 0)
            except RuntimeError as error:
                refused.append(str(error))

        coprocessor.wait(coprocessor.start(read))
        assert len(refused) == 1 and "co-routine" in refused[0], refused
        assert os.pread(fd, 10, 0) == octets[:10]
    """, policies={"mode": "compute-coprocessor"})  # fmt: skip


def test_hints_say_how_a_file_is_made_as_far_as_the_machine_can(run):
    run("""
        from mpi4py import MPI
        comm = MPI.COMM_WORLD
        hints = {"striping_factor": "2", "striping_unit": "8192", "start_iodevice": "3"}
        mode = MPI.MODE_RDWR | MPI.MODE_CREATE | MPI.MODE_EXCL
        file = MPI.File.Open(comm, "/pfs/f", mode, MPI.Info.Create(hints))
        told = file.Get_info()
        assert {key: told.Get(key) for key in hints} == hints
        assert told.Get("cb_nodes") == "2"
        file.Set_info(MPI.Info.Create({"striping_unit": "1", "cb_nodes": "1"}))
        assert file.Get_info().Get("striping_unit") == "8192"
        assert file.Get_info().Get("cb_nodes") == "1"
        file.Write_at_all(comm.rank * len(data), data)
        file.Close()
        assert contents("/pfs/f") == octets * comm.size
        try:
            MPI.File.Open(comm, "/pfs/f", mode, MPI.Info.Create(hints))
        except MPI.Exception as error:
            assert error.Get_error_class() == MPI.ERR_FILE_EXISTS
        else:
            raise AssertionError
        for number, (given, found) in enumerate([
            ({"striping_factor": "99", "striping_unit": "17"}, ("4", "4096")),
            ({"striping_factor": "99", "striping_unit": "8192"}, ("4", "8192")),
            ({"striping_factor": "3", "striping_unit": "17"}, ("3", "4096")),
            ({"striping_factor": "3", "start_iodevice": "9"}, ("3", "4096")),
        ]):
            name, odd = f"/pfs/odd{number}", MPI.Info.Create(given)
            file = MPI.File.Open(comm, name, MPI.MODE_WRONLY | MPI.MODE_CREATE, odd)
            told = file.Get_info()
            assert (told.Get("striping_factor"), told.Get("striping_unit")) == found
            file.Close()
            same = MPI.File.Open(comm, name, MPI.MODE_WRONLY | MPI.MODE_CREATE,
                                 MPI.Info.Create({"striping_factor": "1"}))
            assert same.Get_info().Get("striping_factor") == found[0]
            same.Close()
    """, nprocs=3)  # fmt: skip


def test_collective_accesses_take_several_buffers(run):
    run("""
        from mpi4py import MPI
        comm = MPI.COMM_WORLD
        rank, size = comm.rank, comm.size
        hints = MPI.Info.Create({"cb_buffer_size": "5000", "cb_nodes": "2"})
        file = MPI.File.Open(comm, "/pfs/f", MPI.MODE_RDWR | MPI.MODE_CREATE, hints)
        # Pieces of 1,000 bytes of the ranks in turn, after a gap of 100 bytes that nobody writes.
        turns = MPI.BYTE.Create_vector(20, 1000, 1000 * size).Commit()
        file.Set_view(100 + 1000 * rank, MPI.BYTE, turns)
        mine = data[rank * 20_000 :][:20_000]
        file.Write_all(mine)
        file.Seek(0)
        again = np.zeros(20_000, np.uint8)
        file.Read_all(again)
        assert (again == mine).all()
        if rank == 0:
            whole = np.frombuffer(contents("/pfs/f"), np.uint8)
            assert len(whole) == 100 + 20_000 * size and not whole[:100].any()
            parts = whole[100:].reshape(20, size, 1000)
            assert (parts == data[: 20_000 * size].reshape(size, 20, 1000).swapaxes(0, 1)).all()
        comm.Barrier()
        file.Set_size(100 + 1000 * size * 7 + 500)
        again[:] = 0
        status = MPI.Status()
        file.Read_at_all(0, again, status)
        there = 7000 + (500 if rank == 0 else 0)
        assert status.Get_count(MPI.BYTE) == there and (again[:there] == mine[:there]).all()
        assert not again[there:].any()
        file.Close()
    """, nprocs=4)  # fmt: skip


def test_an_io_node_that_has_crashed_is_an_error_and_no_hang(run):
    result = run("""
        from mpi4py import MPI
        comm = MPI.COMM_WORLD
        names = ["/pfs/all"]
        hints = {"striping_factor": "1"}
        for first in range(4):
            one = MPI.Info.Create({**hints, "start_iodevice": str(first)})
            names.append(f"/pfs/{first}")
            MPI.File.Open(comm, names[-1], MPI.MODE_WRONLY | MPI.MODE_CREATE, one).Close()
        if comm.rank == 0:
            for name in names:
                with open(name, "wb" if name == "/pfs/all" else "r+b") as file:
                    file.write(octets)
        comm.Barrier()
        fds = [os.open(name, os.O_RDWR) for name in names]
        time.sleep(1 - time.time() % 1)
        time.sleep(0.0001)
        begin = time.perf_counter()
        found = [failure(os.pread, fd, 10**6, 0) for fd in fds]
        took = time.perf_counter() - begin
        assert found == [errno.EIO, None, None, errno.EIO, None], found
        assert 0.0095 < took < 0.05, took
        begin = time.perf_counter()
        assert failure(os.pwrite, fds[0], octets, 0) == errno.EIO
        assert time.perf_counter() - begin < 0.005
        assert failure(os.fsync, fds[0]) == errno.EIO
        file = MPI.File.Open(comm, names[0], MPI.MODE_RDWR)
        try:
            file.Read_at_all(0, np.empty(10**5, np.uint8))
        except MPI.Exception as error:
            assert error.Get_error_class() == MPI.ERR_IO
        else:
            raise AssertionError
        print("survived")
    """, nprocs=2, faults=["node 14 crash at 1 s"])  # fmt: skip
    assert result.stdout == b"survived\n" * 2


def test_a_run_on_striped_files_repeats_to_the_last_bit(run, tmp_path):
    text = """
        from mpi4py import MPI
        comm = MPI.COMM_WORLD
        file = MPI.File.Open(comm, "/pfs/f", MPI.MODE_RDWR | MPI.MODE_CREATE)
        file.Iwrite_at(comm.rank * 5000, data[:5000]).Wait()
        file.Write_shared(data[:10])
        file.Close()
    """
    digests = {run(text, nprocs=3).digest for _ in range(2)}
    assert len(digests) == 1
    assert not os.path.exists(tmp_path / "pfs")


def test_a_write_that_fails_leaves_the_file_as_long_as_it_was(run):
    result = run(
        """
        fd = os.open("/pfs/f", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.write(fd, b"head")
        end = os.open("/pfs/f", os.O_RDWR)
        transfer = files.begin_write(end, octets, 10)
        transfer.cancel()
        time.sleep(0.0015 - time.time() % 1)
        assert failure(os.write, fd, octets) == errno.EIO
        assert failure(os.pwrite, end, octets, 10) == errno.EIO
        assert os.fstat(end).st_size == 4
        time.sleep(0.0035 - time.time() % 1)
        os.ftruncate(end, 50_000)
        assert os.pread(end, 50_000, 0) == b"head".ljust(50_000, b"\\0")
        """,
        faults=["server pfs1 stop at 1 ms", "server pfs1 start at 3 ms"],
    )
    assert result.status == 0, result.stderr
