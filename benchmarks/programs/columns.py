"""A halo of columns: every rank exchanges the outermost columns of its part of an array.

The part has 16,384 rows, and 64 columns of 8 bytes between its ghost columns, so that the numbers
of a column lie more than 500 bytes apart. The ranks form a ring.

Usage: columns.py ROUNDS DEPTH
"""

import sys

import numpy as np
from mpi4py import MPI

ROWS, COLUMNS = 16_384, 64

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
west, east = (rank - 1) % size, (rank + 1) % size
depth = int(sys.argv[2])
part = np.full((ROWS, COLUMNS + 2 * depth), float(rank))


def columns(first):
    """Return the datatype of so many columns of the part as the halo is deep."""
    return MPI.DOUBLE.Create_subarray(part.shape, [ROWS, depth], [0, first]).Commit()


ghosts = columns(0), columns(depth + COLUMNS)
edges = columns(depth), columns(COLUMNS)

for _ in range(int(sys.argv[1])):
    requests = [
        comm.Irecv([part, 1, ghosts[0]], west, 0),
        comm.Irecv([part, 1, ghosts[1]], east, 1),
        comm.Isend([part, 1, edges[1]], east, 0),
        comm.Isend([part, 1, edges[0]], west, 1),
    ]
    MPI.Request.Waitall(requests)
    assert (part[-1, 0], part[-1, -1]) == (west, east)
