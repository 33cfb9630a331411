"""A halo of columns: every rank exchanges the outermost columns of its part of an array.

The part has 4,096 rows and 512 columns of 8 bytes between its ghost columns, so a message is 32 KiB
of numbers that lie 4,112 bytes apart. Ranks form a ring.

Usage: columns.py ROUNDS
"""

import sys

import numpy as np
from mpi4py import MPI

ROWS, COLUMNS = 4096, 512

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
west, east = (rank - 1) % size, (rank + 1) % size
part = np.full((ROWS, COLUMNS + 2), float(rank))


def column(place):
    """Return the datatype of one column of the part."""
    return MPI.DOUBLE.Create_subarray(part.shape, [ROWS, 1], [0, place]).Commit()


ghosts = column(0), column(COLUMNS + 1)
edges = column(1), column(COLUMNS)

for _ in range(int(sys.argv[1])):
    requests = [
        comm.Irecv([part, 1, ghosts[0]], west, 0),
        comm.Irecv([part, 1, ghosts[1]], east, 1),
        comm.Isend([part, 1, edges[1]], east, 0),
        comm.Isend([part, 1, edges[0]], west, 1),
    ]
    MPI.Request.Waitall(requests)
    assert (part[-1, 0], part[-1, -1]) == (west, east)
