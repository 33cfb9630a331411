"""Programs with windows, run on a machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import vmpp

HEADER = """
import sys
import numpy as np
import vmpp
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
right, left = (rank + 1) % size, (rank - 1) % size


def raises(error, call, *args, **options):
    try:
        call(*args, **options)
    except MPI.Exception as raised:
        assert raised.Get_error_class() == error, raised
    else:
        raise AssertionError("nothing was raised")
"""


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Any]:
    """Return what runs a program on so many ranks, and returns the result."""

    def run(ranks: int, text: str, **options: Any) -> Any:
        path = tmp_path / "program.py"
        path.write_text(HEADER + dedent(text))
        return vmpp.run(path, nprocs=ranks, **options)

    return run


@pytest.fixture
def job(start: Callable[..., Any]) -> Callable[..., list[str]]:
    """Return what runs a program, which must succeed, and returns the lines that it prints."""

    def run(ranks: int, text: str, **options: Any) -> list[str]:
        result = start(ranks, text, **options)
        assert result.status == 0, result.failure
        lines: list[str] = result.stdout.decode().splitlines()
        return lines

    return run
