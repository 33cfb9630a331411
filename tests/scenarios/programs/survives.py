"""Goes on with the ranks that are left, when one is lost."""

from mpi4py import MPI

import vmpp

comm = MPI.COMM_WORLD
comm.Set_errhandler(MPI.ERRORS_RETURN)
try:
    vmpp.compute(5e-3)
    comm.Barrier()
except MPI.Exception:
    comm.Revoke()
    comm = comm.Shrink()
print(f"rank {comm.rank} of {comm.size} goes on")
