"""Each rank writes a line into a file of its own."""

from mpi4py import MPI

rank = MPI.COMM_WORLD.rank
with open(f"rank{rank}.txt", "a") as file:
    file.write(f"written by rank {rank}\n")
