"""Programs that use parallel files, run on a machine of a few ranks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
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


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., str]:
    """Return what runs the text of a program in a folder of its own, and returns its output.

    A rank in which something is not as the program asserts fails the test.
    """

    def start(text: str, nprocs: int = 3, *arguments: str) -> str:
        path = tmp_path / "program.py"
        path.write_text(PRELUDE + dedent(text))
        result = vmpp.run(path, list(arguments), nprocs=nprocs, cwd=str(tmp_path))
        assert result.status == 0, f"{result.failure}\n{result.stderr.decode()}"
        return result.stdout.decode()

    return start
