"""A ring of 8-byte messages: every rank sends to the right and receives from the left.

Usage: ring.py ROUNDS
"""

import sys

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
right, left = (rank + 1) % size, (rank - 1) % size
sent = np.array([rank], dtype="i8")
received = np.empty(1, dtype="i8")

for _ in range(int(sys.argv[1])):
    comm.Send(sent, right, 7)
    comm.Recv(received, left, 7)
    assert received[0] == left
