"""Two jobs that share all nodes of a machine, and what a virtual second of that costs.

python -m benchmarks.sharing PROGRAM RANKS MACHINE 1 POLICY
"""

from __future__ import annotations

import json
import resource
import sys
import time

import trio

import vmpp
from vmpp.engine import SECOND

JOBS = 2


def cost(program: str, ranks: int, machine: str, seconds: int, policy: str) -> dict[str, float]:
    """Return the CPU seconds that so many virtual seconds take, and the peak memory."""
    spent = trio.run(_share, program, ranks, machine, seconds, policy)
    return {
        "cpu_s": spent,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


async def _share(program: str, ranks: int, machine: str, seconds: int, policy: str) -> float:
    """Run both jobs until they end, which takes as long as their programs are told to run."""
    async with vmpp.boot(machine, nodes=ranks) as booted:
        jobs = [
            await booted.launch(program, ranks, [str(seconds / JOBS)], policy=policy)
            for _ in range(JOBS)
        ]
        while any(job.record.start is None for job in jobs):
            await trio.sleep(0)
        began, began_cpu = booted.engine.now, time.process_time()
        results = [await job.wait() for job in jobs]
        spent = time.process_time() - began_cpu
        passed = (booted.engine.now - began) / SECOND
    for result in results:
        if result.status:
            raise SystemExit(result.failure or f"{program} ended with status {result.status}")
    return spent / passed * seconds


if __name__ == "__main__":
    print(
        json.dumps(cost(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5]))
    )
