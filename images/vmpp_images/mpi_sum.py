"""Pi as a global sum: the area under 4 / (1 + x^2), of which each process adds up a part: MPI.

    vmpp run -n 16 mpi-sum [STRIPS]

The same program in NX is nx-sum, in Vertex vertex-sum; all three print the same digits.
"""

import numpy as np
from mpi4py import MPI

from vmpp_images.options import one_count

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
strips = one_count("mpi-sum", rank, strips=100_000)

x = (np.arange(rank, strips, size) + 0.5) / strips
part = np.array([np.sum(4.0 / (1.0 + x * x)) / strips])
area = np.empty(1)
comm.Allreduce(part, area, op=MPI.SUM)
if rank == 0:
    print(f"pi is about {float(area[0])!r}, {abs(area[0] - np.pi):.1e} off")
