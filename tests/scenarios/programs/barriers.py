"""Computes a millisecond and meets the others, so many times, and says how long that took."""

import sys

from mpi4py import MPI

import vmpp

comm = MPI.COMM_WORLD
times = int(sys.argv[1])
comm.Barrier()
began = MPI.Wtime()
for _ in range(times):
    vmpp.compute(1e-3)
    comm.Barrier()
if comm.rank == 0:
    print(f"{times} barriers of {comm.size} ranks: {(MPI.Wtime() - began) * 1e3:.3f} ms")
