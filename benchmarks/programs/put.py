"""Puts of 4 MiB from rank 0 to rank 1 and back, in turn out of and into several blocks.

Usage: put.py ROUNDS
"""

import sys

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank = comm.Get_rank()
# More blocks than a processor's caches hold, so that the bytes come from memory.
blocks = np.zeros((8, 4 << 17), dtype="i8")
window = MPI.Win.Create(blocks, blocks[0].nbytes, comm=comm)

for step in range(int(sys.argv[1])):
    place = step % len(blocks)
    window.Fence()
    if rank == step % 2:
        blocks[place, -1] = step
        window.Put(blocks[place], 1 - rank, place)
    window.Fence()
    assert blocks[place, -1] == step
window.Free()
