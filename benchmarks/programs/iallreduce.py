"""The sum of one number of every rank, begun and waited for, again and again.

Usage: iallreduce.py ROUNDS
"""

import sys

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
mine = np.array([comm.Get_rank()], dtype="f8")
total = np.empty(1)
expected = comm.Get_size() * (comm.Get_size() - 1) / 2

for _ in range(int(sys.argv[1])):
    comm.Iallreduce(mine, total).Wait()
    assert total[0] == expected
