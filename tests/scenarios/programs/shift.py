"""Has each rank send bytes to the one half of all ranks away, and says how long that took."""

import sys

from mpi4py import MPI

comm = MPI.COMM_WORLD
nbytes = int(sys.argv[1])
half = comm.size // 2
comm.Barrier()
began = MPI.Wtime()
comm.Sendrecv(
    bytes(nbytes), (comm.rank + half) % comm.size,
    recvbuf=bytearray(nbytes), source=(comm.rank - half) % comm.size,
)  # fmt: skip
comm.Barrier()
if comm.rank == 0:
    print(f"{nbytes} bytes from each of {comm.size} ranks: {(MPI.Wtime() - began) * 1e6:.3f} us")
