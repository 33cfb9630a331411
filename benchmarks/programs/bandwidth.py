"""Messages of 4 MiB from rank 0 to rank 1 and back, in turn out of and into several blocks.

Usage: bandwidth.py ROUNDS
"""

import sys

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank = comm.Get_rank()
# More blocks than a processor's caches hold, so that the bytes come from memory.
blocks = np.zeros((8, 4 << 17), dtype="i8")

for step in range(int(sys.argv[1])):
    block = blocks[step % len(blocks)]
    if rank == step % 2:
        block[-1] = step
        comm.Send(block, 1 - rank)
    else:
        comm.Recv(block, 1 - rank)
        assert block[-1] == step
