"""A token goes round a ring of nodes, each of which adds its number to it: Vertex.

    vmpp run -n 16 --machine ncube2 vertex-ring [ROUNDS]

Neighbours on the ring are neighbours in the hypercube: a Gray code numbers them. The same program
in MPI is mpi-ring, in NX nx-ring.
"""

import numpy as np
from vertex import amicclk, nread, nwrite, whoami

from vmpp_images.options import one_count
from vmpp_images.subcube import gray, need_whole_subcube, place_of

TOKEN = 1

need_whole_subcube("vertex-ring")
node, _process, _host, dimension = whoami()
nodes = 1 << dimension
place = place_of(node)
right, left = gray((place + 1) % nodes), gray((place - 1) % nodes)
rounds = one_count("vertex-ring", node, rounds=10)
token = np.zeros(1, np.int64)

began = amicclk()
for _ in range(rounds):
    if node == 0:
        nwrite(token, token.nbytes, right, TOKEN)
        nread(token, token.nbytes, left, TOKEN)
    else:
        nread(token, token.nbytes, left, TOKEN)
        token += node
        nwrite(token, token.nbytes, right, TOKEN)
hop = (amicclk() - began) / (rounds * nodes)
if node == 0:
    print(f"the token says {token[0]} after {rounds} rounds of {nodes} nodes")
    print(f"{hop:.3f} us from node to node")
