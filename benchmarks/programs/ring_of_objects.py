"""A ring of small objects: every rank sends to the right and receives from the left.

Usage: ring_of_objects.py ROUNDS
"""

import sys

from mpi4py import MPI

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
right, left = (rank + 1) % size, (rank - 1) % size

for step in range(int(sys.argv[1])):
    comm.send((step, rank), right, 7)
    assert comm.recv(source=left, tag=7) == (step, left)
