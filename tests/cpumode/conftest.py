"""Programs on a machine in round numbers, in each CPU mode."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import vmpp
from tests.run.conftest import plugins
from vmpp.machine.result import Result

MACHINE = """
[network]
link_rate = "1 GB/s"
injection_rate = "1 GB/s"
ejection_rate = "1 GB/s"
hop_latency = "0 s"
wire_latency = "1 ms"
header_bytes = 0

[node]
copy_rate = "1 GB/s"

[kernel]
send = "10 us"
receive = "20 us"
match_entry = "0 s"
acknowledge = "1 us"
interrupt = "3 us"
hand_over = "7 us"

[mpi]
send = "0 s"
receive = "0 s"
"""
"""A byte takes a nanosecond, in the network and in memory."""

CLOCK_READ = 0.1
"""What it takes to read a clock, in microseconds."""

__all__ = ["plugins"]

MODES = ("heater", "message-coprocessor", "compute-coprocessor", "virtual-node")


@pytest.fixture
def machine(tmp_path: Path) -> Callable[[str], Path]:
    """Return what writes the machine's file, with more in it, and says where it is."""

    def write(more: str = "") -> Path:
        path = tmp_path / "tiny.toml"
        path.write_text(MACHINE + dedent(more))
        return path

    return write


@pytest.fixture
def run(tmp_path: Path, machine: Callable[[str], Path]) -> Callable[..., Result]:
    """Return what runs a program's text in a mode; it has ``comm``, ``rank`` and ``clock``."""

    def call(mode: str, nprocs: int, text: str, **options: Any) -> Result:
        path = tmp_path / "program.py"
        path.write_text(
            "from mpi4py import MPI\nimport vmpp\n"
            "comm = MPI.COMM_WORLD\nrank = comm.rank\n"
            "def clock():\n    return round(MPI.Wtime() * 1e6, 3)\n" + dedent(text)
        )
        if "machine" not in options:
            options["machine"] = machine("")
        return vmpp.run(path, nprocs=nprocs, policies={"mode": mode}, **options)

    return call


@pytest.fixture
def printed(run: Callable[..., Result]) -> Callable[..., list[str]]:
    """Return what runs a program, and returns the lines that it prints, sorted."""

    def call(mode: str, nprocs: int, text: str, **options: Any) -> list[str]:
        result = run(mode, nprocs, text, **options)
        assert (result.status, result.failure) == (0, None)
        return sorted(result.stdout.decode().splitlines())

    return call
