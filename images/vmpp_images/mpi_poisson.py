"""How a membrane sags: Poisson's equation by conjugate gradients, with messages in MPI.

    vmpp run -n 16 mpi-poisson [POINTS]

The same program in NX is nx-poisson, in Vertex vertex-poisson; on as many nodes, all three print
the same digits.
"""

import numpy as np
from mpi4py import MPI

from vmpp_images.options import one_count
from vmpp_images.poisson import Field, solve

UP, DOWN = 1, 2

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
above = rank - 1 if rank > 0 else MPI.PROC_NULL
below = rank + 1 if rank < size - 1 else MPI.PROC_NULL


def exchange(rows: Field) -> None:
    """Swap rows with the neighbours; at an end there is none, and nothing happens."""
    comm.Sendrecv(rows[1], above, UP, rows[-1], below, UP)
    comm.Sendrecv(rows[-2], below, DOWN, rows[0], above, DOWN)


def total(value: float) -> float:
    """Return the sum over all processes."""
    box = np.array([value])
    comm.Allreduce(MPI.IN_PLACE, box, op=MPI.SUM)
    return float(box[0])


points = one_count("mpi-poisson", rank, points=64)
solution = solve(points, rank, size, exchange, total)
if rank == 0:
    print(solution)
