"""Rank 1 computes for 1 ms, while rank 0 sends it a hundred messages."""

from mpi4py import MPI

import vmpp

comm = MPI.COMM_WORLD
if comm.rank == 0:
    vmpp.compute(0.0001)
    MPI.Request.Waitall([comm.Isend(b"news", dest=1) for _ in range(100)])
else:
    began = MPI.Wtime()
    vmpp.compute(0.001)
    print(f"computing 1 ms took {(MPI.Wtime() - began) * 1e6:.0f} us")
    for _ in range(100):
        comm.Recv(bytearray(4), source=0)
