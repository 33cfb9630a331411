"""Computes for so many milliseconds, and says when."""

import sys

from mpi4py import MPI

import vmpp

comm = MPI.COMM_WORLD
vmpp.compute(float(sys.argv[1]) * 1e-3)
comm.Barrier()
if comm.rank == 0:
    print(f"{comm.size} ranks have worked for {sys.argv[1]} ms")
