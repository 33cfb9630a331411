"""A four-neighbour halo exchange of 1 KiB on a periodic grid.

Usage: halo.py ROUNDS
"""

import sys

import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
dims = MPI.Compute_dims(comm.Get_size(), 2)
grid = comm.Create_cart(dims, periods=[True, True])
west, east = grid.Shift(0, 1)
north, south = grid.Shift(1, 1)
neighbours = [west, east, north, south]
back = [east, west, south, north]
edges = np.full((4, 128), grid.Get_rank(), dtype="f8")
ghosts = np.empty((4, 128))

for _ in range(int(sys.argv[1])):
    requests = [grid.Irecv(ghosts[side], neighbours[side], side) for side in range(4)]
    requests += [grid.Isend(edges[side], back[side], side) for side in range(4)]
    MPI.Request.Waitall(requests)
    assert ghosts[:, -1].tolist() == neighbours
