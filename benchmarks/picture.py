"""A picture of a machine that runs four jobs, and what it costs to see and to draw it.

python -m benchmarks.picture PROGRAM RANKS MACHINE REPETITIONS
"""

from __future__ import annotations

import io
import json
import resource
import sys
import time

import trio
from rich.console import Console

import vmpp
from vmpp_shell.views.showmesh import Showmesh

JOBS = 4


def cost(program: str, ranks: int, machine: str, repetitions: int) -> dict[str, float]:
    """Return the CPU seconds of one picture, the best of several, and the peak memory."""
    spent = trio.run(_pictures, program, ranks, machine, repetitions)
    return {
        "cpu_s": min(spent),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


async def _pictures(program: str, ranks: int, machine: str, repetitions: int) -> list[float]:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system="256")
    async with vmpp.boot(machine, nodes=ranks) as booted:
        for _ in range(JOBS):
            await booted.launch(program, ranks // JOBS)
        while any(job.start is None for job in booted.jobs()):
            await trio.sleep(0.01)
        spent = []
        for _ in range(repetitions):
            begin = time.process_time()
            console.print(Showmesh(booted.nodes(), booted.jobs(), booted.engine.now))
            spent.append(time.process_time() - begin)
        return spent


if __name__ == "__main__":
    print(json.dumps(cost(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))))
