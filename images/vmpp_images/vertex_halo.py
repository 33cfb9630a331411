"""Heat in a ring-shaped rod, of which each node has a stretch with a halo of one cell: Vertex.

    vmpp run -n 16 --machine ncube2 vertex-halo [STEPS]

Neighbours on the rod are neighbours in the hypercube: a Gray code numbers the stretches. The same
program in MPI is mpi-halo, in NX nx-halo; all three print the same temperature, on any number of
nodes.
"""

import numpy as np
from vertex import dmax, nread, nwrite, whoami

from vmpp_images.options import one_count
from vmpp_images.subcube import gray, need_whole_subcube, place_of

CELL = 8  # bytes
TO_LEFT, TO_RIGHT, HOTTEST = 1, 2, 3
EVERYBODY = -1
WHOLE_SUBCUBE = -1

need_whole_subcube("vertex-halo")
node, _process, _host, dimension = whoami()
nodes = 1 << dimension
place = place_of(node)
right, left = gray((place + 1) % nodes), gray((place - 1) % nodes)
steps = one_count("vertex-halo", node, steps=100)
cells = max(4096, nodes)
low, high = cells * place // nodes, cells * (place + 1) // nodes
rod = np.zeros(high - low + 2)
rod[1:-1] = np.arange(low, high) == cells // 2  # one cell is hot

for _ in range(steps):
    nwrite(rod[1:2], CELL, left, TO_LEFT)
    nwrite(rod[-2:-1], CELL, right, TO_RIGHT)
    nread(rod[:1], CELL, left, TO_RIGHT)
    nread(rod[-1:], CELL, right, TO_LEFT)
    rod[1:-1] += 0.25 * (rod[:-2] - 2 * rod[1:-1] + rod[2:])

hottest = dmax(rod[1:-1].max(), EVERYBODY, HOTTEST, WHOLE_SUBCUBE)
if node == 0:
    print(f"the hottest cell has {hottest!r} after {steps} steps")
