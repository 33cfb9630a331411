"""Sends bytes round a ring of ranks, after so many milliseconds, and says how long that took."""

import sys
import time

from mpi4py import MPI

comm = MPI.COMM_WORLD
nbytes = int(sys.argv[1]) if len(sys.argv) > 1 else 0
time.sleep(float(sys.argv[2]) * 1e-3 if len(sys.argv) > 2 else 0)
comm.Barrier()
began = MPI.Wtime()
if comm.rank == 0:
    comm.Send(bytes(nbytes), 1 % comm.size)
comm.Recv(bytearray(nbytes), (comm.rank - 1) % comm.size)
if comm.rank:
    comm.Send(bytes(nbytes), (comm.rank + 1) % comm.size)
else:
    print(f"{nbytes} bytes round {comm.size} ranks: {(MPI.Wtime() - began) * 1e6:.3f} us")
