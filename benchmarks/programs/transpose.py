"""An exchange of 1 KiB between the two halves of a matrix, over long paths that cross.

The rank in row i, column j of a square of ranks swaps with the one in row j, column i.

Usage: transpose.py ROUNDS
"""

import sys
from math import isqrt

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
side = isqrt(comm.Get_size())
row, column = divmod(comm.Get_rank(), side)
partner = column * side + row
sent = np.full(128, comm.Get_rank(), dtype="f8")
received = np.empty(128)

for _ in range(int(sys.argv[1])):
    comm.Sendrecv(sent, partner, 7, received, partner, 7)
    assert received[-1] == partner
