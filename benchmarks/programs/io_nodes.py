"""What all ranks together write to a striped file in a second, and read: each a part of its own.

Usage: io_nodes.py FACTOR MEBIBYTES

It prints bytes a second of the machine's time, written and read.
"""

import sys

import numpy as np
from mpi4py import MPI

factor, size = sys.argv[1], int(sys.argv[2]) << 20
comm = MPI.COMM_WORLD
info = MPI.Info.Create()
info.Set("striping_factor", factor)
path = f"/pfs/over-{factor}"
file = MPI.File.Open(comm, path, MPI.MODE_RDWR | MPI.MODE_CREATE, info)
assert file.Get_info().Get("striping_factor") == factor
block = np.full(size, comm.rank, np.uint8)
rates = []
for access in (file.Write_at, file.Read_at):
    comm.Barrier()
    began = MPI.Wtime()
    access(comm.rank * size, block)
    took = comm.allreduce(MPI.Wtime() - began, MPI.MAX)
    rates.append(comm.size * size / took)
assert (block == comm.rank).all()
file.Close()
if comm.rank == 0:
    print(*rates)
