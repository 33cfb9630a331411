"""Machines with noise, and programs that measure it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import msgspec
import pytest

import vmpp
from vmpp.machine.description import MachineDescription, decode
from vmpp.machine.tables import NodeTable


@pytest.fixture
def machine() -> Callable[..., MachineDescription]:
    """Return what makes the machine `default` with a profile, and with sources as in a file."""

    def make(noise: str = "silent", sources: str = "", **node: Any) -> MachineDescription:
        described = decode(sources, "test.toml")
        return msgspec.structs.replace(described, node=NodeTable(noise=noise, **node))

    return make


@pytest.fixture
def measure(tmp_path: Path) -> Callable[..., list[int]]:
    """Return what runs a program on a machine; it prints whole numbers, of which these are all."""

    def run(text: str, described: MachineDescription, nprocs: int = 1, seed: int = 0) -> list[int]:
        path = tmp_path / "program.py"
        path.write_text(
            "import time, vmpp\nfrom mpi4py import MPI\ncomm = MPI.COMM_WORLD\n" + dedent(text)
        )
        result = vmpp.run(path, nprocs=nprocs, machine=described, seed=seed)
        assert result.status == 0, result.failure
        return [int(word) for word in result.stdout.split()]

    return run
