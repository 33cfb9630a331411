"""Programs as users write them, run through the public face: Python's and the shell's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

from vmpp.hooks import hookimpl
from vmpp.machine.plugins import Plugins, Source

COMMAND = Path(sys.executable).with_name("vmpp")
"""The command as a user has it."""


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a program, which has MPI and ``comm``, and says where it is."""

    def write(text: str, name: str = "program.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            "from mpi4py import MPI\ncomm = MPI.COMM_WORLD\nrank = comm.rank\n" + dedent(text)
        )
        return path

    return write


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what runs ``vmpp`` with the given arguments in the folder of the programs."""

    def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
        options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            **{key: value for key, value in options.items() if value is not None},
        )

    return run


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return what starts ``vmpp`` with the given arguments and pipes for its standard streams."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            with suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()


def strangers_plugin(**offers: object) -> SimpleNamespace:
    """Return a plugin module with these hooks, which no distribution knows of."""
    module = SimpleNamespace(__name__="strangers_plugin")
    for name, offered in offers.items():
        setattr(module, name, _hook(name, offered))
    return module


def _hook(name: str, offered: object) -> object:
    def hook() -> object:
        return offered

    hook.__name__ = name
    return hookimpl(hook)


@pytest.fixture
def plugins() -> Callable[..., Plugins]:
    """Return what adds a stranger's plugin to those that are installed."""

    def register(**offers: object) -> Plugins:
        found = Plugins.installed()
        found.register(
            strangers_plugin(**offers), Source("stranger", "strangers_plugin", "none", "")
        )
        found.check()
        return found

    return register
