"""How a membrane sags: Poisson's equation by conjugate gradients, with messages in NX.

    vmpp run -n 16 nx-poisson [POINTS]

The same program in MPI is mpi-poisson, in Vertex vertex-poisson; on as many nodes, all three print
the same digits.
"""

import numpy as np
from nx import csend, gdsum, irecv, msgwait, mynode, myptype, numnodes

from vmpp_images.options import one_count
from vmpp_images.poisson import Field, solve

UP, DOWN = 1, 2

node, nodes, ptype = mynode(), numnodes(), myptype()
box, work = np.empty(1), np.empty(1)


def exchange(rows: Field) -> None:
    """Swap rows with the neighbours that there are."""
    length = rows[0].nbytes
    above, below = node > 0, node < nodes - 1
    posted = []
    if above:
        posted.append(irecv(DOWN, rows[0], length))
    if below:
        posted.append(irecv(UP, rows[-1], length))
    if above:
        csend(UP, rows[1], length, node - 1, ptype)
    if below:
        csend(DOWN, rows[-2], length, node + 1, ptype)
    for mid in posted:
        msgwait(mid)


def total(value: float) -> float:
    """Return the sum over all nodes."""
    box[0] = value
    gdsum(box, 1, work)
    return float(box[0])


points = one_count("nx-poisson", node, points=64)
solution = solve(points, node, nodes, exchange, total)
if node == 0:
    print(solution)
