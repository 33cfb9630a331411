"""Pi as a global sum: the area under 4 / (1 + x^2), of which each node adds up a part: Vertex.

    vmpp run -n 16 --machine ncube2 vertex-sum [STRIPS]

The same program in MPI is mpi-sum, in NX nx-sum; all three print the same digits.
"""

import numpy as np
from vertex import dsum, whoami

from vmpp_images.options import one_count
from vmpp_images.subcube import need_whole_subcube

AREA = 1
EVERYBODY = -1
WHOLE_SUBCUBE = -1

need_whole_subcube("vertex-sum")
node, _process, _host, dimension = whoami()
nodes = 1 << dimension
strips = one_count("vertex-sum", node, strips=100_000)

x = (np.arange(node, strips, nodes) + 0.5) / strips
area = dsum(np.sum(4.0 / (1.0 + x * x)) / strips, EVERYBODY, AREA, WHOLE_SUBCUBE)
if node == 0:
    print(f"pi is about {area!r}, {abs(area - np.pi):.1e} off")
