"""A token goes round a ring of nodes, each of which adds its number to it: NX.

    vmpp run -n 16 nx-ring [ROUNDS]

The same program in MPI is mpi-ring, in Vertex vertex-ring.
"""

import numpy as np
from nx import crecv, csend, dclock, mynode, myptype, numnodes

from vmpp_images.options import one_count

TOKEN = 1

node, nodes = mynode(), numnodes()
right = (node + 1) % nodes
rounds = one_count("nx-ring", node, rounds=10)
token = np.zeros(1, np.int64)

began = dclock()
for _ in range(rounds):
    if node == 0:
        csend(TOKEN, token, token.nbytes, right, myptype())
        crecv(TOKEN, token, token.nbytes)
    else:
        # A type selects the message: nobody but the left neighbour sends one of it.
        crecv(TOKEN, token, token.nbytes)
        token += node
        csend(TOKEN, token, token.nbytes, right, myptype())
hop = (dclock() - began) / (rounds * nodes)
if node == 0:
    print(f"the token says {token[0]} after {rounds} rounds of {nodes} nodes")
    print(f"{1e6 * hop:.3f} us from node to node")
