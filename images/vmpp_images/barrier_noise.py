"""What noise costs a program whose ranks compute and wait for each other, by their number.

Ranks compute for some time, then meet at a barrier; one that noise delays delays all. For each
number of ranks that is a power of two, and for all, it prints the mean time of such a phase and
what multiple of the time computing that is. With ``--expect`` it prints what the theory has, for
phases that begin anywhere; see `vmpp_images.noise_theory`.

    mpiexec -n 64 python barrier_noise.py
    vmpp run -n 64 --noise ferreira-10hz barrier-noise --expect 100ms:2500us --gap 7
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

from mpi4py import MPI

import vmpp
from vmpp.quantities import duration
from vmpp_images.noise_theory import expected
from vmpp_images.options import Options, above_zero, count, from_zero


def phase(comm: MPI.Comm, phases: int, length: float, gap: float) -> float:
    """Return the mean time of a phase, in seconds.

    Args:
        gap: seconds from the beginning of one phase to that of the next; 0: they follow each other.
    """
    comm.Barrier()
    began = comm.bcast(MPI.Wtime() + 0.001)
    took = 0.0
    for number in range(phases):
        begin = began + number * gap if gap or not number else MPI.Wtime()
        time.sleep(max(0.0, begin - MPI.Wtime()))
        compute(length)
        comm.Barrier()
        took += MPI.Wtime() - begin
    return took / phases


def compute(seconds: float) -> None:
    """Compute; on a real machine that is a loop."""
    try:
        vmpp.compute(seconds)
    except RuntimeError:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass


def sizes(ranks: int) -> Iterator[int]:
    """Yield the powers of two below *ranks*, and that."""
    size = 1
    while size < ranks:
        yield size
        size *= 2
    yield ranks


def _period_and_duration(text: str) -> tuple[float, float]:
    period, _, event = text.partition(":")
    try:
        found = duration(period) / 1e12, duration(event) / 1e12
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: write it as 100ms:2500us; {error}") from None
    if not found[0]:
        raise argparse.ArgumentTypeError(f"{text!r}: the period is 0")
    return found


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = Options("barrier-noise", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--length", type=above_zero, default=1, metavar="MS",
                        help="of computing in a phase (default: %(default)s)")  # fmt: skip
    parser.add_argument("--phases", type=count, default=200, metavar="N",
                        help="(default: %(default)s)")  # fmt: skip
    parser.add_argument("--gap", type=from_zero, default=0, metavar="MS",
                        help="from a phase's beginning to the next's; 0: they follow")  # fmt: skip
    parser.add_argument("--expect", type=_period_and_duration, metavar="PERIOD:DURATION",
                        help="print what the theory has for such noise")  # fmt: skip
    return parser.parse_args()


def main() -> None:
    """Measure, and print a table."""
    given = arguments()
    world = MPI.COMM_WORLD
    length = given.length / 1000
    if world.rank == 0:
        print(f"{'ranks':>7}{'phase (us)':>14}{'slowdown':>10}", end="")
        print(f"{'expected':>10}{'hit':>9}" if given.expect else "")
    for size in sizes(world.size):
        comm = world.Split(0 if world.rank < size else 1)
        took = phase(comm, given.phases, length, given.gap / 1000) if world.rank < size else 0.0
        comm.Free()
        world.Barrier()
        if world.rank == 0:
            print(f"{size:7,}{took * 1e6:14,.1f}{took / length:10.4f}", end="")
            if given.expect:
                hit, delay = expected(size, length, *given.expect)
                print(f"{1 + delay / length:10.4f}{hit:9.2%}", end="")
            print()


if __name__ == "__main__":
    main()
