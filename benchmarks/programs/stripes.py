"""Requests of 4 MiB, written to striped files or read from them by every rank.

Usage: stripes.py ROUNDS (write | read)
"""

import os
import sys

import numpy as np
from mpi4py import MPI

rounds, reading = int(sys.argv[1]), sys.argv[2] == "read"
rank = MPI.COMM_WORLD.Get_rank()
# More blocks than a processor's caches hold, so that the bytes come from memory.
blocks = np.zeros((8, 4 << 17), dtype="i8")
blocks[:, -1] = range(len(blocks))

fd = os.open(f"/pfs/stripes-{rank}", os.O_RDWR | os.O_CREAT)
for place, block in enumerate(blocks):
    assert os.pwrite(fd, block, place * block.nbytes) == block.nbytes
for step in range(rounds):
    place = step % len(blocks)
    block = blocks[place]
    if reading:
        block[-1] = -1
        assert os.preadv(fd, [block], place * block.nbytes) == block.nbytes
        assert block[-1] == place
    else:
        assert os.pwrite(fd, block, place * block.nbytes) == block.nbytes
os.close(fd)
