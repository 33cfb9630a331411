"""Pi as a global sum: the area under 4 / (1 + x^2), of which each node adds up a part: NX.

    vmpp run -n 16 nx-sum [STRIPS]

The same program in MPI is mpi-sum, in Vertex vertex-sum; all three print the same digits.
"""

import numpy as np
from nx import gdsum, mynode, numnodes

from vmpp_images.options import one_count

node, nodes = mynode(), numnodes()
strips = one_count("nx-sum", node, strips=100_000)

x = (np.arange(node, strips, nodes) + 0.5) / strips
area = np.array([np.sum(4.0 / (1.0 + x * x)) / strips])
work = np.empty(1)
gdsum(area, 1, work)
if node == 0:
    print(f"pi is about {float(area[0])!r}, {abs(area[0] - np.pi):.1e} off")
