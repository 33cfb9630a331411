"""Whole programs on a whole machine: what they do with files goes through the file server."""

from __future__ import annotations

import os
from textwrap import dedent

import pytest
import trio

import vmpp
from vmpp.machine.run import run
from vmpp.process import Program


@pytest.fixture
def script(tmp_path):
    """Return what writes a program and says where it is."""

    def write(text):
        path = tmp_path / "program.py"
        path.write_text("from vmpp.engine import current_process\n" + dedent(text))
        return path

    return write


def test_three_ranks_work_in_directories_of_their_own(script, tmp_path):
    program = script("""
        import glob, os, pathlib, shutil, sys, tempfile
        import numpy as np
        from PIL import Image

        rank = current_process().rank
        os.mkdir(f"d{rank}")
        os.chdir(f"d{rank}")
        np.save("a.npy", np.full(5, rank))
        Image.new("L", (4, 4), rank).save("a.png")
        np.savetxt("a.txt", np.load("a.npy"))
        with tempfile.NamedTemporaryFile("w", dir=".") as f:
            f.write("x")
        shutil.copy("a.txt", "b.txt")
        with Image.open("a.png") as picture:
            shade = picture.getpixel((0, 0))
        print(rank, os.path.basename(os.getcwd()), shade, np.loadtxt("b.txt").sum(), flush=True)
        print(sorted(glob.glob("*")), file=sys.stderr)
        pathlib.Path("done").touch()
    """)
    home, before = os.getcwd(), set(os.listdir("/proc/self/fd"))
    result = run(program, nprocs=3, cwd=tmp_path)
    assert result.failure is None
    assert sorted(result.stdout.decode().splitlines()) == [
        f"{rank} d{rank} {rank} {5.0 * rank}" for rank in range(3)
    ]
    assert result.stderr.decode().splitlines() == ["['a.npy', 'a.png', 'a.txt', 'b.txt']"] * 3
    assert all((tmp_path / f"d{rank}" / "done").exists() for rank in range(3))
    assert os.getcwd() == home
    assert set(os.listdir("/proc/self/fd")) == before


def test_input_is_asked_for_and_read_by_rank_0(script):
    program = script("""
        import sys
        if current_process().rank == 0:
            print("hello", input("name? "))
        else:
            try:
                input()
            except EOFError:
                print("nothing", file=sys.stderr)
    """)
    result = run(program, nprocs=3, stdin=b"Ann\n")
    assert result.stdout == b"name? hello Ann\n"
    assert result.stderr == b"nothing\n" * 2


def test_the_digest_does_not_depend_on_the_hosts_files(script, tmp_path):
    program = script("""
        import os, tempfile
        with tempfile.TemporaryDirectory(dir=".") as folder:
            with open(os.path.join(folder, "f"), "w") as f:
                f.write("text")
            os.stat(f.name), os.statvfs("."), os.listdir(folder)
    """)
    first = run(program, nprocs=2, cwd=tmp_path)
    for n in range(300):  # so that what is made next has other inode numbers
        (tmp_path / "..").joinpath(f"other{n}").touch()
    assert first.failure is None
    assert run(program, nprocs=2, cwd=tmp_path).digest == first.digest


async def test_a_program_sees_that_the_server_is_gone(script):
    program = script("""
        import errno
        while True:
            try:
                print("hello")
            except OSError as error:
                raise SystemExit(100 + error.errno)
    """)
    async with vmpp.boot() as machine:
        job = await machine.launch(Program.script(program), nprocs=2)
        while not job.stdout:
            await trio.lowlevel.checkpoint()
        machine.stop_server("files")
        await job.wait()
    assert job.record.statuses == [105, 105]
