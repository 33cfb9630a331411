"""A thousand receives that one rank posts at once, matched in order, in reverse or at random.

Usage: receives.py ROUNDS [in-order | reverse | random]
"""

import random
import sys

import numpy as np
from mpi4py import MPI

RECEIVES = 1000

comm = MPI.COMM_WORLD
tags = list(range(RECEIVES))
if sys.argv[2:] == ["reverse"]:
    tags.reverse()
elif sys.argv[2:] == ["random"]:
    random.Random(1).shuffle(tags)
data = np.arange(float(RECEIVES)).reshape(RECEIVES, 1)

for _ in range(int(sys.argv[1])):
    if comm.rank == 0:
        comm.Barrier()
        for tag in tags:
            comm.Send(data[tag], 1, tag)
    else:
        received = np.zeros_like(data)
        requests = [comm.Irecv(received[tag], 0, tag) for tag in range(RECEIVES)]
        comm.Barrier()
        MPI.Request.Waitall(requests)
        assert (received == data).all()
