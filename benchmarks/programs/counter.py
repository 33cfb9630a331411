"""Every rank counts up a number of the next rank's, atomically, and waits for what it was before.

Usage: counter.py ROUNDS
"""

import sys

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
right = (rank + 1) % size
window = MPI.Win.Allocate(8, 8, comm=comm)
one, before = np.ones(1, dtype="i8"), np.empty(1, dtype="i8")

window.Lock_all()
for step in range(int(sys.argv[1])):
    window.Fetch_and_op(one, before, right)
    window.Flush(right)
    assert before[0] == step
window.Unlock_all()
window.Free()
