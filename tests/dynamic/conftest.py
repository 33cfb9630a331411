"""Programs that start others, or meet them, run in this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import vmpp

START = """\
import sys
import time
from mpi4py import MPI
comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
parent = MPI.Comm.Get_parent()

def look_up(service):
    while True:
        try:
            return MPI.Lookup_name(service)
        except MPI.Exception as error:
            assert error.Get_error_class() == MPI.ERR_NAME
            time.sleep(1e-3)
"""


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a program, which has MPI, its world and its parent."""

    def write(text: str, name: str = "program.py") -> Path:
        path = tmp_path / name
        path.write_text(START + dedent(text))
        return path

    return write


@pytest.fixture
def together() -> Callable[..., Any]:
    """Return what launches jobs on a machine, none of which goes beyond its first ``input()``
    before all have been launched, and waits for their ends."""

    async def launch(machine: vmpp.machine.boot.Machine, *jobs: Any) -> list[vmpp.Result]:
        launched, writers = [], []
        with ExitStack() as files:
            for path, nprocs, *args in jobs:
                reader, writer = os.pipe()
                writers.append(writer)
                file = files.enter_context(os.fdopen(reader, "rb"))
                launched.append(await machine.launch(path, nprocs, args, stdin=file))
            for writer in writers:
                os.write(writer, b"go\n")
                os.close(writer)
            return [await job.wait() for job in launched]

    return launch


@pytest.fixture
def run(program: Callable[..., Path], tmp_path: Path) -> Callable[..., Any]:
    """Return what runs a program, in its folder, and returns the result."""

    def start(text: str, nprocs: int = 1, **options: Any) -> vmpp.Result:
        return vmpp.run(program(text), nprocs=nprocs, cwd=tmp_path, **options)

    return start


@pytest.fixture
def lines(run: Callable[..., Any]) -> Callable[..., list[str]]:
    """Return what runs a program that must succeed, and returns its lines, sorted."""

    def start(text: str, nprocs: int = 1, **options: Any) -> list[str]:
        result = run(text, nprocs, **options)
        assert (result.failure, result.status, result.stderr) == (None, 0, b"")
        return sorted(result.stdout.decode().splitlines())

    return start
