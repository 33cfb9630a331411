"""Programs with active messages, as users write them, run through the public face."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import vmpp
from vmpp.machine.result import Result


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """Run a program with active messages, which has ``me`` and ``n``; it must not fail."""

    def run_it(text: str, nprocs: int = 2, fails: bool = False, **options: Any) -> Result:
        path = tmp_path / "program.py"
        path.write_text("import am\nme, n = am.rank(), am.size()\n" + dedent(text))
        result = vmpp.run(path, nprocs=nprocs, **options)
        if not fails:
            assert result.status == 0, f"{result.failure}\n{result.stderr.decode()}"
        return result

    return run_it


@pytest.fixture
def lines(run: Callable[..., Result]) -> Callable[..., list[str]]:
    """Run a program, and return what it prints, in lines in order."""

    def run_it(text: str, nprocs: int = 2, **options: Any) -> list[str]:
        return sorted(run(text, nprocs, **options).stdout.decode().splitlines())

    return run_it
