"""Ranks that meet for ever."""

from mpi4py import MPI

while True:
    MPI.COMM_WORLD.Barrier()
