"""A ring of 8-byte messages in NX: every node sends to the right and receives from the left.

Usage: nx_ring.py ROUNDS
"""

import sys

import numpy as np
from nx import crecv, csend, mynode, myptype, numnodes

node, nodes, ptype = mynode(), numnodes(), myptype()
right, left = (node + 1) % nodes, (node - 1) % nodes
sent = np.array([node], dtype="i8")
received = np.empty(1, dtype="i8")

for _ in range(int(sys.argv[1])):
    csend(7, sent, 8, right, ptype)
    crecv(7, received, 8)
    assert received[0] == left
