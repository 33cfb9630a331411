"""Fixed time quantum: how much work gets done in each of many intervals of the same length.

Intervals end at multiples of their length after the first one's beginning, whenever the work in
progress happens to end: one that is overrun leaves less time to the next. So samples are taken at
even times, and their spectrum shows what recurs (Sottile and Minnich, 'Analysis of microbenchmarks
for performance tuning of clusters', Cluster 2004). ``fwq`` does it wrong.

    mpiexec -n 4 python ftq.py -n 8192
    vmpp run -n 4 --noise linux-100hz ftq -n 8192
    vmpp noise report ftq_0.dat -o ftq.png
"""

from __future__ import annotations

import time
from collections.abc import Callable

from mpi4py import MPI

from vmpp_images.sampling import Recording, Sample, clock_cost, options, worker


def measure(samples: int, interval: int, work: Callable[[int], object]) -> list[Sample]:
    """Return when each sample began and how many units of work it took in.

    Args:
        interval: in nanoseconds.
    """
    clock = time.perf_counter_ns
    base = (clock() // interval + 1) * interval
    while clock() < base:
        work(1)
    taken = []
    begun = clock()
    for number in range(1, samples + 1):
        end = base + number * interval
        count, now = 0, begun
        while now < end:
            work(1)
            count += 1
            now = clock()
        taken.append((begun - base, count))
        begun = now
    return taken


def main() -> None:
    """Measure, and write a file for each rank."""
    given = options(str(__doc__).partition("\n")[0], "ftq").parse_args()
    interval = 1_000_000_000 // given.frequency
    unit = interval / given.units / 1e9 - clock_cost()
    MPI.COMM_WORLD.Barrier()
    taken = measure(given.samples, interval, worker(max(unit, 0)))
    counts = [count for _, count in taken]
    comments = (
        "ftq: nanoseconds, units of work",
        f"Frequency {given.frequency}",
        f"Total count {sum(counts)}",
        f"Max possible work {len(counts) * max(counts)}",
        f"Fraction {sum(counts) / (len(counts) * max(counts, default=1) or 1):.6f}",
    )
    Recording(comments, taken).write(given.outname, stdout=given.stdout)


if __name__ == "__main__":
    main()
