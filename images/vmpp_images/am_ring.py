"""A token goes round a ring of processes, each of which adds its number to it: active messages.

    vmpp run -n 16 am-ring [ROUNDS]

The token is the argument of a request, and its handler puts it where the program waits for it. The
same program in MPI is mpi-ring, in NX nx-ring, in Vertex vertex-ring.
"""

import time

import am

from vmpp_images.options import one_count

rank, size = am.rank(), am.size()
rounds = one_count("am-ring", rank, rounds=10)
arrived: list[int] = []


def take(token: am.Token, value: int) -> None:
    """Take the token from the left."""
    arrived.append(value)


am.register(take)


def receive() -> int:
    """Wait for the token."""
    am.block_until(lambda: arrived)
    return arrived.pop()


right = (rank + 1) % size
value = 0
began = time.perf_counter()
for _ in range(rounds):
    if rank == 0:
        am.request(right, take, value)
        value = receive()
    else:
        am.request(right, take, receive() + rank)
hop = (time.perf_counter() - began) / (rounds * size)
am.quiet()
am.barrier()
if rank == 0:
    print(f"the token says {value} after {rounds} rounds of {size} nodes")
    print(f"{hop * 1e6:.3f} us from node to node")
