"""Barriers.

Usage: barrier.py ROUNDS
"""

import sys

from mpi4py import MPI

comm = MPI.COMM_WORLD
for _ in range(int(sys.argv[1])):
    comm.Barrier()
