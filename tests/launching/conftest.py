"""Jobs on a machine: who waits for whom, who may do what, and what there is to tell of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from vmpp.hooks import hookimpl
from vmpp.machine.plugins import Plugins, Source
from vmpp.service.identity import Credentials

ALICE = Credentials("alice", 1001, 1001, (1001,))
BOB = Credentials("bob", 1002, 1002, (1002,))
ROOT = Credentials("root", 0, 0, (0,))


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a program, which has MPI and ``comm``, and says where it is."""

    def write(text: str, name: str = "program.py") -> Path:
        path = tmp_path / name
        path.write_text(
            "import signal, sys, time\nfrom mpi4py import MPI\n"
            "comm = MPI.COMM_WORLD\nrank = comm.rank\n" + dedent(text)
        )
        return path

    return write


@pytest.fixture(scope="session")
def alice() -> Credentials:
    """A user."""
    return ALICE


@pytest.fixture(scope="session")
def bob() -> Credentials:
    """Another one."""
    return BOB


@pytest.fixture(scope="session")
def root() -> Credentials:
    """The user who may do everything."""
    return ROOT


@pytest.fixture
def queueing() -> Callable[..., Plugins]:
    """Return what adds a stranger's plugin to those that are installed.

    Keywords are queueing policies by name; those called *allocators* and *policies* are such.
    """

    def register(
        allocators: dict[str, Any] | None = None,
        policies: dict[str, Any] | None = None,
        **queueing: Any,
    ) -> Plugins:
        class Stranger:
            @hookimpl
            def vmpp_queueing(self) -> dict[str, Any]:
                return {name: lambda it=it: it for name, it in queueing.items()}

            @hookimpl
            def vmpp_allocators(self) -> dict[str, Any]:
                return {name: lambda places, it=it: it for name, it in (allocators or {}).items()}

            @hookimpl
            def vmpp_policies(self) -> dict[str, Any]:
                return policies or {}

        found = Plugins.installed()
        found.register(Stranger(), Source("stranger", "stranger", "none", ""))
        found.check()
        return found

    return register
