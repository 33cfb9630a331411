"""What runs jobs together on one machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

import vmpp
from vmpp.machine.plugins import Plugins

from .sharing import FREE, Run, Task, program, strobers


@pytest.fixture
def share(tmp_path: Path) -> Callable[..., Run]:
    """Return what runs jobs together on one machine, under one policy."""

    def run(
        tasks: Iterable[Task],
        policy: str = "gang:1ms",
        *,
        nodes: int = 4,
        machine: str = FREE,
        watch: Callable[[Any], object] = lambda machine: None,
        faults: Sequence[str] = (),
        plugins: Plugins | None = None,
    ) -> Run:
        (tmp_path / "machine.toml").write_text(machine)
        done = Run()

        async def main() -> None:
            async with vmpp.boot(tmp_path / "machine.toml", nodes=nodes, plugins=plugins) as booted:
                for fault in faults:
                    booted.inject(fault)
                watch(booted)
                with booted.standing_still():
                    jobs = [
                        await booted.launch(
                            program(tmp_path, number, task.text),
                            task.size,
                            nodes=task.nodes or range(task.size),
                            policy=policy,
                            keep_going=task.keep_going,
                        )
                        for number, task in enumerate(tasks)
                    ]
                done.results = [await job.wait() for job in jobs]
                done.starts = [job.record.start or 0 for job in jobs]
                done.ends = [job.record.end or 0 for job in jobs]
                done.left = booted.engine.left(100)
                found = strobers(booted)
                done.strobes = sum(strober.messages for strober in found)
                done.still_due = any(strober.due is not None for strober in found)

        trio.run(main)
        return done

    return run
