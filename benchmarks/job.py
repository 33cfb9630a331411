"""One job on a machine of its own, in a process of its own, and what it cost.

python -m benchmarks.job PROGRAM RANKS MACHINE ROUNDS [ARGUMENTS]
"""

from __future__ import annotations

import json
import resource
import sys

import vmpp


def cost(program: str, ranks: int, machine: str, rounds: int, *arguments: str) -> dict[str, float]:
    """Run a job and return CPU seconds of its run, messages of the machine, and peak memory."""
    result = vmpp.run(program, [str(rounds), *arguments], nprocs=ranks, machine=machine)
    if result.status:
        sys.stderr.buffer.write(result.stderr)
        raise SystemExit(result.failure or f"{program} ended with status {result.status}")
    return {
        "cpu_s": next(phase.cpu_s for phase in result.phases if phase.name == "run"),
        "messages": result.counters["messages"],
        "virtual_s": result.virtual_time,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


if __name__ == "__main__":
    print(
        json.dumps(
            cost(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), *sys.argv[5:])
        )
    )
