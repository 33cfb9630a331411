"""Run time of a job that shares its nodes, for the quantum at which they are shared.

Every rank has so much work to do, in grains, and after each grain exchanges a message with its
neighbours on a ring, as sweeps and stencils do. Alone the job takes little longer than its work.
Two copies on the same nodes take twice as long, as far as sharing them costs nothing: at large
quanta they do, at small ones switching from one job to the other eats the time up.

    vmpp run -n 32 quantum
    vmpp compare -n 32 quantum --copies 2 --vary pct=gang:300us,gang:1ms,gang:2ms,gang:10ms
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from mpi4py import MPI

import vmpp
from vmpp_images.options import Options, above_zero, count


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = Options(prog="quantum", description="Measure a job's run time.")
    parser.add_argument(
        "--work", type=above_zero, default=0.2, help="seconds of work of every rank"
    )
    parser.add_argument("--grain", type=above_zero, default=1.0, help="ms between two exchanges")
    parser.add_argument("--nbytes", type=count, default=1024, help="bytes of a message")
    return parser.parse_args(arguments)


def sweep(comm: MPI.Comm, grains: int, grain: float, nbytes: int) -> float:
    """Do *grains* grains of work, of *grain* seconds each; return how long it took."""
    there, back = (comm.rank + 1) % comm.size, (comm.rank - 1) % comm.size
    out, into = np.zeros(nbytes, np.uint8), np.empty(nbytes, np.uint8)
    comm.Barrier()
    began = MPI.Wtime()
    for _ in range(grains):
        vmpp.compute(grain)
        comm.Sendrecv(out, there, recvbuf=into, source=back)
        comm.Sendrecv(out, back, recvbuf=into, source=there)
    comm.Barrier()
    return MPI.Wtime() - began


def main() -> None:
    """Sweep, and have rank 0 say how long it took."""
    chosen = options()
    comm = MPI.COMM_WORLD
    grains = max(1, round(chosen.work / (chosen.grain * 1e-3)))
    took = sweep(comm, grains, chosen.grain * 1e-3, chosen.nbytes)
    if comm.rank == 0:
        work = grains * chosen.grain * 1e-3
        print(f"{work:.6f} s of work took {took:.6f} s: {took / work:.4f} times as long")


if __name__ == "__main__":
    main()
