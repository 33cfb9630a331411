"""A ring of 8-byte messages in Vertex: every node sends to the right and receives from the left.

Usage: vertex_ring.py ROUNDS
"""

import sys

import numpy as np
from vertex import nread, nwrite, whoami

node, _process, _host, dimension = whoami()
nodes = 1 << dimension
right, left = (node + 1) % nodes, (node - 1) % nodes
sent = np.array([node], dtype="i8")
received = np.empty(1, dtype="i8")

for _ in range(int(sys.argv[1])):
    nwrite(sent, 8, right, 7)
    nread(received, 8, left, 7)
    assert received[0] == left
