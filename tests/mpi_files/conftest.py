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


def new(amode=NEW, name="file", info=MPI.INFO_NULL, comm=comm):
    return MPI.File.Open(comm, name, amode, info)


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


def _run(folder: Path, text: str, nprocs: int, arguments: Sequence[str]) -> str:
    path = folder / "program.py"
    path.write_text(PRELUDE + dedent(text))
    result = vmpp.run(path, arguments, nprocs=nprocs, cwd=folder)
    assert result.status == 0, f"{result.failure}\n{result.stderr.decode()}"
    return result.stdout.decode()


@pytest.fixture(scope="session")
def fresh() -> Callable[..., bytes]:
    """Return what runs a program in a new folder, and returns what is in ``file`` afterwards."""

    def start(text: str, nprocs: int, *arguments: str) -> bytes:
        with TemporaryDirectory() as folder:
            _run(Path(folder), text, nprocs, arguments)
            return (Path(folder) / "file").read_bytes()

    return start


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., str]:
    """Return what runs the text of a program in a folder of its own, and returns its output.

    A rank in which something is not as the program asserts fails the test.
    """

    def start(text: str, nprocs: int = 3, *arguments: str) -> str:
        return _run(tmp_path, text, nprocs, arguments)

    return start
