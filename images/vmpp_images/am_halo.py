"""Heat in a ring-shaped rod, of which each process has a stretch with a halo: one-sided puts.

    vmpp run -n 16 am-halo [STEPS]

A process puts its border cells into the halos of its neighbours, and adds one, in their kernels,
to a count of what has come. No process is interrupted, and none asks for anything. Halos and counts
are twofold, for even and odd steps: a neighbour may be one step ahead. The same program in MPI is
mpi-halo, in NX nx-halo, in Vertex vertex-halo; all print the same temperature.
"""

import am
import numpy as np

from vmpp_images.options import one_count

CELLS = 4096
CELL = 8  # bytes
COUNT = """
    count = load(user * 8) + 1
    store(user * 8, count)
    if count == 2:
        wake()
"""
"""Counts for even or odd steps what has come, and has the program look when that is all."""

rank, size = am.rank(), am.size()
right, left = (rank + 1) % size, (rank - 1) % size
steps = one_count("am-halo", rank, steps=100)
low, high = CELLS * rank // size, CELLS * (rank + 1) // size
rod = np.zeros(high - low + 2)
rod[1:-1] = np.arange(low, high) == CELLS // 2  # one cell is hot

halo = np.zeros((2, 2))  # by parity of the step: from the left, from the right
halos = am.expose(halo)
counts = np.zeros(2, np.int64)
am.kernel_handler(0, COUNT, counts, name="count")
hottest = am.expose(np.zeros(size))
am.barrier()


def await_both(odd: int) -> None:
    """Wait until both neighbours' cells are there."""
    am.block_until(lambda: counts[odd] == 2)
    counts[odd] = 0


for step in range(steps):
    odd = step % 2
    puts = [
        am.put_nb(left, halos, (2 * odd + 1) * CELL, rod[1:2]),
        am.put_nb(right, halos, 2 * odd * CELL, rod[-2:-1]),
    ]
    for neighbour in (left, right):  # messages to one process arrive in order
        am.kernel_signal(neighbour, 0, user=odd)
    am.wait_all(puts)
    await_both(odd)
    rod[0], rod[-1] = halo[odd]
    rod[1:-1] += 0.25 * (rod[:-2] - 2 * rod[1:-1] + rod[2:])

am.put(0, hottest, CELL * rank, np.array([rod[1:-1].max()]))
am.barrier()
if rank == 0:
    print(f"the hottest cell has {max(memoryview(hottest.memory).cast('d'))!r} after {steps} steps")
