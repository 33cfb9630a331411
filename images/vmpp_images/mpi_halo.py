"""Heat in a ring-shaped rod, of which each process has a stretch with a halo of one cell: MPI.

    vmpp run -n 16 mpi-halo [STEPS]

The same program in NX is nx-halo, in Vertex vertex-halo; all three print the same temperature,
on any number of nodes.
"""

import numpy as np
from mpi4py import MPI

from vmpp_images.options import one_count

TO_LEFT, TO_RIGHT = 1, 2

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
right, left = (rank + 1) % size, (rank - 1) % size
steps = one_count("mpi-halo", rank, steps=100)
cells = max(4096, size)
low, high = cells * rank // size, cells * (rank + 1) // size
rod = np.zeros(high - low + 2)
rod[1:-1] = np.arange(low, high) == cells // 2  # one cell is hot

for _ in range(steps):
    requests = [
        comm.Irecv(rod[:1], source=left, tag=TO_RIGHT),
        comm.Irecv(rod[-1:], source=right, tag=TO_LEFT),
        comm.Isend(rod[1:2], dest=left, tag=TO_LEFT),
        comm.Isend(rod[-2:-1], dest=right, tag=TO_RIGHT),
    ]
    MPI.Request.Waitall(requests)
    rod[1:-1] += 0.25 * (rod[:-2] - 2 * rod[1:-1] + rod[2:])

hottest = np.array([rod[1:-1].max()])
comm.Allreduce(MPI.IN_PLACE, hottest, op=MPI.MAX)
if rank == 0:
    print(f"the hottest cell has {float(hottest[0])!r} after {steps} steps")
