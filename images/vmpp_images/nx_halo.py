"""Heat in a ring-shaped rod, of which each node has a stretch with a halo of one cell: NX.

    vmpp run -n 16 nx-halo [STEPS]

The same program in MPI is mpi-halo, in Vertex vertex-halo; all three print the same temperature,
on any number of nodes.
"""

import numpy as np
from nx import csend, gdhigh, irecv, msgwait, mynode, myptype, numnodes

from vmpp_images.options import one_count

CELL = 8  # bytes
TO_LEFT, TO_RIGHT = 1, 2

node, nodes, ptype = mynode(), numnodes(), myptype()
right, left = (node + 1) % nodes, (node - 1) % nodes
steps = one_count("nx-halo", node, steps=100)
cells = max(4096, nodes)
low, high = cells * node // nodes, cells * (node + 1) // nodes
rod = np.zeros(high - low + 2)
rod[1:-1] = np.arange(low, high) == cells // 2  # one cell is hot

for _ in range(steps):
    # With receives posted first, what comes goes straight to its place.
    from_left = irecv(TO_RIGHT, rod[:1], CELL)
    from_right = irecv(TO_LEFT, rod[-1:], CELL)
    csend(TO_LEFT, rod[1:2], CELL, left, ptype)
    csend(TO_RIGHT, rod[-2:-1], CELL, right, ptype)
    msgwait(from_left)
    msgwait(from_right)
    rod[1:-1] += 0.25 * (rod[:-2] - 2 * rod[1:-1] + rod[2:])

hottest, work = np.array([rod[1:-1].max()]), np.empty(1)
gdhigh(hottest, 1, work)
if node == 0:
    print(f"the hottest cell has {float(hottest[0])!r} after {steps} steps")
