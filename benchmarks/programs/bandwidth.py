"""Messages of 4 MiB from rank 0 to rank 1 and back.

Usage: bandwidth.py ROUNDS
"""

import sys

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank = comm.Get_rank()
message = np.zeros(4 << 20, dtype="u1")

for step in range(int(sys.argv[1])):
    if rank == step % 2:
        comm.Send(message, 1 - rank)
    else:
        comm.Recv(message, 1 - rank)
