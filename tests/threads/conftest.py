"""Programs with threads, run through the public face on a small machine."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import vmpp

PRELUDE = """\
import queue, threading, time
import _thread
from concurrent.futures import ThreadPoolExecutor
told = []
tell = told.append
def now():
    "Virtual time in milliseconds: what reading clocks and calling servers takes is less than one."
    return int(time.monotonic() * 1000)
def started(*functions, **options):
    threads = [threading.Thread(target=each, **options) for each in functions]
    for thread in threads:
        thread.start()
    return threads
def joined(*functions):
    for thread in started(*functions):
        thread.join()
"""


@pytest.fixture
def launch(tmp_path: Path) -> Callable[..., vmpp.Result]:
    """Return what runs a program, given as text, and returns what came of it."""

    def run(text: str, nprocs: int = 1, **options: Any) -> vmpp.Result:
        path = tmp_path / "program.py"
        path.write_text(PRELUDE + dedent(text))
        return vmpp.run(path, nprocs=nprocs, **options)

    return run


@pytest.fixture
def told(launch: Callable[..., vmpp.Result]) -> Callable[..., list[Any]]:
    """Return what runs a program which calls ``tell``, and returns what it has told."""

    def run(text: str, **options: Any) -> list[Any]:
        result = launch(dedent(text) + "\nprint(told)\n", **options)
        assert result.failure is None, result.failure
        assert result.status == 0, result.stderr.decode()
        found: list[Any] = ast.literal_eval(result.stdout.decode())
        return found

    return run
