"""Programs in NX, as users write them, run through the public face."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import vmpp
from vmpp.machine.result import Result

BEGIN = "from nx import *\nme, n = mynode(), numnodes()\n"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """Run a program in NX, which has ``me`` and ``n``, on so many nodes; it must not fail.

    Options are keys of ``[nx]``, as texts, and those of `vmpp.run` that are named below.
    """

    def run_it(
        text: str, nprocs: int = 2, fails: bool = False, begin: str = BEGIN, **options: Any
    ) -> Result:
        settings = {
            f"nx.{name}": options.pop(name)
            for name in [*options]
            if name not in {"faults", "machine", "policies"}
        }
        path = tmp_path / "program.py"
        path.write_text(begin + dedent(text))
        result = vmpp.run(path, nprocs=nprocs, settings=settings, **options)
        if not fails:
            assert result.status == 0, f"{result.failure}\n{result.stderr.decode()}"
        return result

    return run_it
