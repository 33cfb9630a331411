"""Rank 1 raises an exception."""

from mpi4py import MPI

if MPI.COMM_WORLD.rank == 1:
    raise ValueError("no such number")
MPI.COMM_WORLD.Barrier()
