"""Hello, world."""

from mpi4py import MPI

comm = MPI.COMM_WORLD
print(
    f"Hello, World! I am process {comm.Get_rank()} of {comm.Get_size()} "
    f"on {MPI.Get_processor_name()}."
)
