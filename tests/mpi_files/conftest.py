"""Programs that use parallel files, run on a machine of a few ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

import pytest

import vmpp

PRELUDE = """
import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
NEW = MPI.MODE_RDWR | MPI.MODE_CREATE
FILE = "file"


def new(amode=NEW, name=None, info=MPI.INFO_NULL, comm=comm):
    return MPI.File.Open(comm, FILE if name is None else name, amode, info)


def refused(code, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except MPI.Exception as error:
        found = error.Get_error_class()
        assert found == code, MPI.Get_error_string(found)
    else:
        raise AssertionError(f"{function} was not refused")


def same(found, expected):
    np.testing.assert_array_equal(found, expected)

"""


EPILOGUE = """
comm.Barrier()
if rank == 0 and os.path.exists(FILE):
    shutil.copyfile(FILE, "file")
"""

MACHINE = """
title = "four I/O nodes with stripe units of a page"
[topology]
kind = "mesh2d"
dims = [4, 4]
[service]
nodes = 1
io_nodes = 4
[io]
stripe_unit = "4 KiB"
"""


def _run(folder: Path, text: str, nprocs: int, arguments: Sequence[str], striped: bool) -> str:
    path, machine = folder / "program.py", "default"
    text = dedent(text)
    if striped:
        (folder / "machine.toml").write_text(MACHINE)
        machine = str(folder / "machine.toml")
        text = f"import os, shutil\nFILE = '/pfs/file'\n{text}{EPILOGUE}"
    path.write_text(PRELUDE + text)
    result = vmpp.run(path, arguments, nprocs=nprocs, cwd=folder, machine=machine)
    assert result.status == 0, f"{result.failure}\n{result.stderr.decode()}"
    return result.stdout.decode()


@pytest.fixture(scope="session")
def fresh(request: pytest.FixtureRequest) -> Callable[..., bytes]:
    """Return what runs a program in a new folder, and returns what is in ``file`` afterwards.

    Its parameter may be ``striped``: that is a striped file then.
    """
    striped = getattr(request, "param", "") == "striped"

    def start(text: str, nprocs: int, *arguments: str) -> bytes:
        with TemporaryDirectory() as folder:
            _run(Path(folder), text, nprocs, arguments, striped)
            return (Path(folder) / "file").read_bytes()

    return start


@pytest.fixture
def run(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., str]:
    """Return what runs the text of a program in a folder of its own, and returns its output.

    A rank in which something is not as the program asserts fails the test. The parameter may be
    ``striped``: its file is a striped one then, and copied to the folder at the end.
    """
    striped = getattr(request, "param", "") == "striped"

    def start(text: str, nprocs: int = 3, *arguments: str) -> str:
        return _run(tmp_path, text, nprocs, arguments, striped)

    return start
