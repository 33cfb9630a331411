"""What runs several jobs on the same nodes of one machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import trio

import vmpp
from vmpp.machine.job import Job
from vmpp.machine.machine import Machine

PREAMBLE = """
import signal, sys, time
import vmpp
from mpi4py import MPI
comm = MPI.COMM_WORLD
rank = comm.rank
"""


@pytest.fixture
def shared(tmp_path: Path) -> Callable[..., list[vmpp.Result]]:
    """Return what runs programs as jobs on the first nodes, all from one instant on."""

    def run(
        *texts: str,
        policy: str = "rr:100us",
        size: int = 2,
        priorities: Sequence[int] = (),
        machine: str = "default",
        meanwhile: Callable[[Machine, list[Job]], Any] = lambda machine, jobs: None,
        **options: Any,
    ) -> list[vmpp.Result]:
        description = tmp_path / "machine.toml"
        found: list[vmpp.Result] = []

        async def main() -> None:
            described = described_as(machine, len(texts))
            async with vmpp.boot(described, nodes=size, **options) as booted:
                with booted.standing_still():
                    jobs = []
                    for number, text in enumerate(texts):
                        path = tmp_path / f"program{number}.py"
                        path.write_text(PREAMBLE + dedent(text))
                        priority = priorities[number] if priorities else 0
                        jobs.append(
                            await booted.launch(path, size, policy=policy, priority=priority)
                        )
                    meanwhile(booted, jobs)
                found.extend([await job.wait() for job in jobs])
                for thread in booted.threads.values():
                    assert list(thread.processes) == [0]
                    assert thread.kernel.node.memory.used == 0

        def described_as(name: str, level: int) -> Path:
            text = "" if name == "default" else Path(name).read_text()
            description.write_text(f"{text}\n[pct]\nlevel = {level}\n")
            return description

        trio.run(main)
        return found

    return run
