"""Nodes that run functions which call Vertex, without a machine around them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import msgspec
import pytest

import vmpp
from vmpp.kernel import Process
from vmpp.machine.description import MachineDescription
from vmpp.machine.tables import VertexTable
from vmpp_vertex._node import Node
from vmpp_vertex._setup import Setup


@pytest.fixture(scope="session")
def nodes(wired) -> Callable[..., dict[int, Any]]:
    """Return what runs a function on so many nodes, or one on each, and returns their results.

    A node that waits for ever has no result.
    """

    def run(
        size: int, *programs: Callable[[], Any], buffer: int = 1 << 20, send: int = 0
    ) -> dict[int, Any]:
        description = msgspec.structs.replace(
            MachineDescription(), vertex=VertexTable(buffer=buffer, send=send)
        )
        setup = Setup(description)
        machine = wired(size)
        for process in machine.processes:
            process.libraries["vertex"] = Node(process, setup)

        def runs(program: Callable[[], Any]) -> Callable[[Process], Any]:
            return lambda _: program()

        each = programs if len(programs) > 1 else programs * size
        return machine.run(*map(runs, each))

    return run


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., vmpp.Result]:
    """Return what runs the text of a program on ranks of a machine."""

    def on_ranks(text: str, nprocs: int, description: str = "", **options: Any) -> vmpp.Result:
        program = tmp_path / "program.py"
        program.write_text("from vertex import *\n" + dedent(text))
        if description:
            file = tmp_path / "small.toml"
            file.write_text(description)
            options["machine"] = file
        return vmpp.run(program, nprocs=nprocs, **options)

    return on_ranks
