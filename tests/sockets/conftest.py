"""Programs with sockets, run through the public face on a small machine."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import vmpp

PRELUDE = """\
import errno, os, random, socket, struct, sys, threading, time
from mpi4py import MPI
comm = MPI.COMM_WORLD
rank, size = comm.rank, comm.size
told = []
tell = told.append

def raised(function, *args):
    try:
        function(*args)
    except OSError as error:
        return type(error).__name__, errno.errorcode.get(error.errno)
    return None

def meet(server=0, client=1):
    "Return the end of a connection between two ranks."
    if rank == server:
        with socket.create_server(("", 0)) as listener:
            comm.send((socket.gethostname(), listener.getsockname()[1]), client)
            return listener.accept()[0]
    if rank == client:
        return socket.create_connection(comm.recv(None, server))
"""


@pytest.fixture
def launch(tmp_path: Path) -> Callable[..., vmpp.Result]:
    """Return what runs a program, given as text, and returns what came of it."""

    def run(text: str, nprocs: int = 2, **options: Any) -> vmpp.Result:
        path = tmp_path / "program.py"
        path.write_text(PRELUDE + dedent(text))
        return vmpp.run(path, nprocs=nprocs, **options)

    return run


@pytest.fixture
def told(launch: Callable[..., vmpp.Result]) -> Callable[..., list[Any]]:
    """Return what runs a program which calls ``tell``: what its ranks have told, in order."""

    def run(text: str, nprocs: int = 2, **options: Any) -> list[Any]:
        result = launch(dedent(text) + "\nprint([rank, told])\n", nprocs, **options)
        assert (result.failure, result.status, result.stderr) == (None, 0, b"")
        lines = result.stdout.decode().splitlines()
        return [own for _, own in sorted(map(ast.literal_eval, lines))]

    return run
