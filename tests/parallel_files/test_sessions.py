"""Striped files of people who are logged in: as any files, with their bytes on I/O nodes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest
import trio

import vmpp
from vmpp.machine.state import State
from vmpp.process import calls
from vmpp.service.client import ServerDownError

MACHINE = """
title = "four I/O nodes"
[topology]
dims = [3, 3]
[service]
io_nodes = {nodes}
crash_detection = "10 ms"
[io]
stripe_unit = "1 KiB"
[disk]
capacity = "16 MiB"
"""


@pytest.fixture
def boot(tmp_path):
    """Return what boots a machine with some I/O nodes, whose console is alice's."""

    def make(state=None, nodes=4):
        path = tmp_path / f"with{nodes}.toml"
        path.write_text(MACHINE.format(nodes=nodes))
        return vmpp.boot(path, state=state or State.ephemeral(user="alice"))

    return make


def data_of(size):
    return bytes((k * 31 + k // 251) % 256 for k in range(size))


async def eio(function, *args):
    with pytest.raises(OSError, match="Input/output error") as caught:
        await function(*args)
    assert caught.value.errno == errno.EIO


async def test_files_are_read_and_written_as_any(boot):
    async with boot() as machine:
        session = await machine.console(exact=True)
        files, data = session.files, data_of(10_000)
        await session.chdir("/pfs")
        await files.write("f", data)
        before = session.now
        assert await files.read("f") == data
        assert session.now > before
        await files.write("f", b"more", append=True)
        async with await files.open("f", "r+") as file:
            assert await file.seek(-6, os.SEEK_END) == 9998
            assert await file.read() == data[-2:] + b"more"
            await file.seek(1024)
            await file.write(b"x" * 1024)
            await files.ask(calls.Fsync(file.handle))
        await files.truncate("f", 3000)
        assert await files.read("f") == data[:1024] + b"x" * 1024 + data[2048:3000]
        await files.write("f", b"")
        assert (await files.stat("f")).size == 0
        await files.unlink("f")
        assert await files.listdir() == []
    assert not any(os.path.exists(machine.io.files.folder / f"io000{n}") for n in range(4))


async def test_files_outlive_the_boot_whatever_io_nodes_it_has(boot, tmp_path):
    state, data = State.at(tmp_path / "state", user="alice"), data_of(5000)
    async with boot(state) as machine:
        session = await machine.console(exact=True)
        await session.files.write("/pfs/f", data)
        await session.files.set_striping("/pfs/one", factor=1, first=1)
        await session.files.write("/pfs/one", b"on pfs1")
        handle = await session.files.open("/pfs/gone", "w")
        await handle.write(data)
        await session.files.unlink("/pfs/gone")
    assert sorted(path.name for path in (tmp_path / "state/pfs").glob("io*")) == [
        "io0000", "io0001", "io0002", "io0003",
    ]  # fmt: skip
    async with boot(state, nodes=2) as machine:
        session = await machine.console(exact=True)
        assert await session.files.read("/pfs/one") == b"on pfs1"
        assert (await session.files.stat("/pfs/f")).size == 5000
        await eio(session.files.read, "/pfs/f")
        await eio(session.files.write, "/pfs/f", b"x")
        await session.files.unlink("/pfs/one")
    async with boot(state) as machine:
        session = await machine.console(exact=True)
        assert await session.files.read("/pfs/f") == data
        assert await session.files.listdir("/pfs") == ["f"]
        number = str((await session.files.stat("/pfs/f")).ino)
    assert {path.name for path in (tmp_path / "state/pfs").glob("io*/*")} == {number}


async def test_a_lost_node_fails_those_whose_stripes_it_has_and_nobody_hangs(boot):
    async with boot() as machine:
        session = await machine.console(exact=True)
        files = session.files
        await files.write("/pfs/f", data_of(5000))
        await files.set_striping("/pfs/one", factor=1, first=3)
        await files.write("/pfs/one", b"on pfs3")
        machine.crash(machine.io.servers[1].address.nid)
        crashed = session.now
        await eio(files.read, "/pfs/f")
        assert 0 < session.now - crashed <= 11 * 10**9 + 10**8
        noticed = session.now
        await eio(files.write, "/pfs/f", b"x")
        assert session.now - noticed < 5 * 10**9
        assert (await files.stat("/pfs/f")).size == 5000
        assert await files.read("/pfs/one") == b"on pfs3"
        await files.unlink("/pfs/f")
        await files.write("/pfs/f", data_of(5000))
        assert await files.read("/pfs/f") == data_of(5000)
        assert sorted((await files.striping("/pfs/f")).servers) == [0, 2, 3]
        await files.set_striping("/pfs/two", factor=2, first=1)
        assert (await files.striping("/pfs/two")).servers == (2, 3)


async def test_a_server_that_is_stopped_fails_what_it_is_at(boot):
    async with boot() as machine:
        session = await machine.console(exact=True)
        await session.files.write("/pfs/f", data_of(500_000))
        async with await session.files.open("/pfs/f") as file:
            # The file server has asked it by then, and it has not answered.
            machine.inject("server pfs2 stop in 25 us")
            await eio(file.read, 500_000)
            await eio(session.files.read, "/pfs/f")
        machine.start_server("pfs2")
        assert await session.files.read("/pfs/f") == data_of(500_000)


async def test_what_cannot_be_written_makes_no_file_longer(boot):
    async with boot() as machine:
        files = (await machine.console(exact=True)).files
        await files.write("/pfs/f", b"head")
        machine.inject("server pfs2 stop in 0 us")
        async with await files.open("/pfs/f", "a") as file:
            await eio(file.write, data_of(10_000))
        async with await files.open("/pfs/f", "r+") as file:
            await file.seek(2)
            await eio(file.write, data_of(10_000))
            assert await file.seek(0, os.SEEK_CUR) == 2
        assert (await files.stat("/pfs/f")).size == 4
        machine.start_server("pfs2")
        await files.truncate("/pfs/f", 5000)
        assert await files.read("/pfs/f") == b"head".ljust(5000, b"\0")


async def test_the_file_server_can_be_stopped_while_io_nodes_work_for_it(boot):
    async with boot() as machine:
        session = await machine.console(exact=True)
        async with await session.files.open("/pfs/f", "w+") as file:
            await file.write(b"before")
            began = session.now
            await file.write(data_of(500_000))
            machine.inject(f"server files stop in {(session.now - began) // 2} ps")
            with pytest.raises(ServerDownError):
                await file.write(data_of(500_000))
            machine.start_server("files")
            await file.seek(0)
            assert await file.read(6) == b"before"
            await file.seek(0)
            await file.write(b"after")
        assert (await session.files.read("/pfs/f"))[:6] == b"aftere"
        assert not machine.installation.tree.striped.mover.busy


async def test_an_interrupted_write_is_finished_without_its_writer(boot):
    async with boot() as machine:
        session = await machine.console(exact=True)
        file = await session.files.open("/pfs/f", "w")
        with trio.move_on_after(0) as scope:
            await file.write(data_of(300_000))
        del scope
        await file.close()
        await session.sleep(10**12)
        assert machine.files.open_files == 0
        assert await session.files.read("/pfs/f") in {b"", data_of(300_000)}


async def test_it_takes_the_same_time_every_time(boot, tmp_path):
    program = tmp_path / "host" / "both.py"
    program.parent.mkdir()
    program.write_text(
        "import os\n"
        "fd = os.open('/pfs/f', os.O_RDWR | os.O_CREAT)\n"
        "from mpi4py import MPI\n"
        "rank = MPI.COMM_WORLD.rank\n"
        "os.pwrite(fd, bytes([rank]) * 5000, rank * 5000)\n"
        "MPI.COMM_WORLD.barrier()\n"
        "print(rank, len(os.pread(fd, 30000, 0)), os.fstat(fd).st_size, os.listdir('/pfs'))\n"
    )
    times = []
    for _ in range(2):
        async with vmpp.boot(
            tmp_path / "with4.toml" if times else _written(tmp_path),
            state=State.ephemeral(user="alice"), host=program.parent,
        ) as machine:  # fmt: skip
            session = await machine.console(exact=True)
            job = await session.launch("/host/both.py", 3)
            await session.files.write("/pfs/g", data_of(20_000))
            result = await session.wait(job)
            assert await session.files.read("/pfs/g") == data_of(20_000)
            assert len(await session.files.read("/pfs/f")) == 15_000
            times.append((session.now, result.digest, result.stdout))
    assert times[0] == times[1]
    assert times[0][2].count(b"15000 15000") == 3


def _written(folder):
    path = folder / "with4.toml"
    path.write_text(MACHINE.format(nodes=4))
    return path


async def test_programs_are_loaded_from_there(boot):
    async with boot() as machine:
        session = await machine.console(exact=True)
        await session.files.mkdir("/pfs/lib")
        await session.files.write("/pfs/lib/helper.py", b"NAME = 'striped'\n")
        await session.files.write(
            "/pfs/lib/main.py", b"import helper\nprint(helper.NAME, __file__)\n"
        )
        await session.chdir("/pfs/lib")
        result = await session.wait(await session.launch("main.py", 1))
        assert result.stdout == b"striped /pfs/lib/main.py\n"


async def test_what_the_network_has_lost_fails_when_nothing_else_happens(boot):
    async with boot() as machine:
        session = await machine.console(exact=True)
        await session.files.write("/pfs/f", data_of(5000))
        machine.inject("drop 100% from io to all")
        await eio(session.files.read, "/pfs/f")
        machine.inject("drop off")
        assert await session.files.read("/pfs/f") == data_of(5000)


@pytest.mark.parametrize("uses", [True, False])
def test_a_run_leaves_nothing_behind_and_pays_for_what_it_uses(tmp_path, uses):
    (tmp_path / "temporary").mkdir()
    path = "/pfs/f" if uses else str(tmp_path / "f")
    (tmp_path / "program.py").write_text(f"open({path!r}, 'w').write('text' * 1000)\n")
    code = (
        "import os, sys, tempfile, vmpp\n"
        f"tempfile.tempdir = {str(tmp_path / 'temporary')!r}\n"
        f"assert vmpp.run({str(tmp_path / 'program.py')!r}, nprocs=1).status == 0\n"
        "print(os.listdir(tempfile.tempdir))\n"
        "print('vmpp.service.filesystem.pfs_tree' in sys.modules)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert told == f"[]\n{uses}\n"
