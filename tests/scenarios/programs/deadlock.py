"""Everybody waits for the left, but rank 0, who waits for everybody."""

from mpi4py import MPI

comm = MPI.COMM_WORLD
if comm.rank == 0:
    comm.Barrier()
else:
    comm.recv(source=comm.rank - 1)
