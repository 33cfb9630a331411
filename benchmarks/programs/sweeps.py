"""Computes for so many seconds in all, in grains of 10 ms, and passes a message on after each."""

import sys

import numpy as np
from mpi4py import MPI

import vmpp

GRAIN = 0.010

comm = MPI.COMM_WORLD
there, back = (comm.rank + 1) % comm.size, (comm.rank - 1) % comm.size
out, into = np.zeros(128), np.empty(128)
for _ in range(round(float(sys.argv[1]) / GRAIN)):
    vmpp.compute(GRAIN)
    comm.Sendrecv(out, there, recvbuf=into, source=back)
