"""A token goes round a ring of processes, each of which adds its rank to it: MPI.

    vmpp run -n 16 mpi-ring [ROUNDS]

The same program in NX is nx-ring, in Vertex vertex-ring.
"""

import numpy as np
from mpi4py import MPI

from vmpp_images.options import one_count

TOKEN = 1

comm = MPI.COMM_WORLD
rank, size = comm.Get_rank(), comm.Get_size()
right, left = (rank + 1) % size, (rank - 1) % size
rounds = one_count("mpi-ring", rank, rounds=10)
token = np.zeros(1, np.int64)

began = MPI.Wtime()
for _ in range(rounds):
    if rank == 0:
        comm.Send(token, dest=right, tag=TOKEN)
        comm.Recv(token, source=left, tag=TOKEN)
    else:
        comm.Recv(token, source=left, tag=TOKEN)
        token += rank
        comm.Send(token, dest=right, tag=TOKEN)
hop = (MPI.Wtime() - began) / (rounds * size)
if rank == 0:
    print(f"the token says {token[0]} after {rounds} rounds of {size} nodes")
    print(f"{1e6 * hop:.3f} us from node to node")
