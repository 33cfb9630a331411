"""Halo exchange against distance: how latency and bandwidth go down the further neighbours are.

Every process exchanges messages with two others, so many ranks above and below its own, round the
end: first short ones, for the time of one exchange, then long ones, for what each process sends in
a second. All do so at once. On a network whose links are shared, and with ranks where their
numbers suggest, bandwidth falls with the number of messages that go over one link.

    vmpp run -n 64 --topology ring --network-timing fair neighbours
    mpiexec -n 64 python neighbours.py

On a machine that is not a virtual one nobody knows of distances in links.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from mpi4py import MPI

from vmpp_images.options import Options, count


def exchange(comm: MPI.Comm, stride: int, nbytes: int, rounds: int) -> float:
    """Return how long one exchange with the ranks *stride* above and below takes at most."""
    above, below = (comm.rank + stride) % comm.size, (comm.rank - stride) % comm.size
    out, into = np.zeros(nbytes, np.uint8), np.empty((2, nbytes), np.uint8)
    comm.Barrier()
    began = MPI.Wtime()
    for _ in range(rounds):
        requests = [
            comm.Irecv(into[0], below, 0),
            comm.Irecv(into[1], above, 1),
            comm.Isend(out, above, 0),
            comm.Isend(out, below, 1),
        ]
        MPI.Request.Waitall(requests)
    return float(comm.allreduce((MPI.Wtime() - began) / rounds, MPI.MAX))


def distances() -> Callable[[int, int], int] | None:
    """Return what gives the number of links between two ranks; None if nobody knows."""
    try:
        import vmpp  # noqa: PLC0415 - elsewhere there is none

        found: Callable[[int, int], int] = vmpp.node_map().distance
    except (ImportError, RuntimeError):
        return None
    return found


def hops(size: int, stride: int, distance: Callable[[int, int], int] | None) -> str:
    """Return how many links are between partners, on average and at the most, in columns."""
    if distance is None:
        return f"{'':>8} {'':>5}"
    found = [distance(rank, (rank + stride) % size) for rank in range(size)]
    return f"{sum(found) / size:>8.2f} {max(found):>5}"


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = Options(prog="neighbours", description="Measure halo exchange.")
    parser.add_argument("--strides", type=count, nargs="+", metavar="N",
                        help="how far partners are in rank; by default 1, 2, 4 ...")  # fmt: skip
    parser.add_argument("--short", type=count, default=8, metavar="N", help="bytes, for latency")
    parser.add_argument("--long", type=count, default=1 << 18, metavar="N",
                        help="bytes, for bandwidth")  # fmt: skip
    parser.add_argument("--rounds", type=count, default=10, metavar="N",
                        help="how often all exchange, for a mean")  # fmt: skip
    return parser.parse_args(arguments)


def main() -> None:
    """Measure, and have rank 0 print a table."""
    chosen = options()
    comm = MPI.COMM_WORLD
    if comm.size < 2:
        raise SystemExit("neighbours: take at least two processes")
    strides = chosen.strides or [1 << power for power in range((comm.size - 1).bit_length())]
    distance = distances()
    if comm.rank == 0:
        print(
            f"{comm.size} processes, {chosen.short} and {chosen.long} bytes to each of two others"
        )
        print(f"{'stride':>6} {'links':>8} {'most':>5} {'exchange':>14} {'a process sends':>17}")
    for stride in strides:
        latency = exchange(comm, stride, chosen.short, chosen.rounds)
        took = exchange(comm, stride, chosen.long, chosen.rounds)
        if comm.rank == 0:
            sends = 2 * chosen.long / took / 1e6
            far = hops(comm.size, stride, distance)
            print(f"{stride:>6} {far} {latency * 1e6:>11.3f} us {sends:>12.2f} MB/s")


if __name__ == "__main__":
    main()
