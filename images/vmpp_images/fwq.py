"""Fixed work quantum: how long the same piece of work takes, time and again. A defective benchmark.

One sample begins where the last has ended, so noise shifts all that come after it: samples are not
taken at even times, as what computes a spectrum takes for granted. What recurs is smeared or shows
at wrong frequencies, and however long the CPU is away, that is one sample among thousands. Sottile
and Minnich (Cluster 2004) have the whole argument; ``ftq`` does it right.

    vmpp run -n 4 --noise linux-100hz fwq -n 8192
    vmpp noise report fwq_0.dat -o fwq.png
"""

from __future__ import annotations

import time
from collections.abc import Callable

from mpi4py import MPI

from vmpp_images.sampling import Recording, Sample, clock_cost, options, worker


def measure(samples: int, units: int, work: Callable[[int], object]) -> list[Sample]:
    """Return when each sample began, and how long its work took, in nanoseconds."""
    clock = time.perf_counter_ns
    taken = []
    base = begun = clock()
    for _ in range(samples):
        work(units)
        now = clock()
        taken.append((begun - base, now - begun))
        begun = now
    return taken


def main() -> None:
    """Measure, and write a file for each rank."""
    given = options(str(__doc__).partition("\n")[0], "fwq").parse_args()
    interval = 1_000_000_000 // given.frequency
    unit = (interval / 1e9 - clock_cost()) / given.units
    MPI.COMM_WORLD.Barrier()
    taken = measure(given.samples, given.units, worker(max(unit, 0)))
    times = [took for _, took in taken]
    comments = (
        "fwq: nanoseconds, nanoseconds",
        f"Frequency {given.frequency}",
        f"Total time {sum(times)}",
        f"Least possible time {len(times) * min(times)}",
        f"Fraction {len(times) * min(times) / sum(times):.6f}",
    )
    Recording(comments, taken).write(given.outname, stdout=given.stdout)


if __name__ == "__main__":
    main()
