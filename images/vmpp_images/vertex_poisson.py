"""How a membrane sags: Poisson's equation by conjugate gradients, with messages in Vertex.

    vmpp run -n 16 --machine ncube2 vertex-poisson [POINTS]

The same program in MPI is mpi-poisson, in NX nx-poisson; on as many nodes, all three print the
same digits.
"""

from vertex import dsum, nread, nwrite, whoami

from vmpp_images.options import one_count
from vmpp_images.poisson import Field, solve
from vmpp_images.subcube import need_whole_subcube

UP, DOWN, SUM = 1, 2, 3
EVERYBODY = -1
WHOLE_SUBCUBE = -1

need_whole_subcube("vertex-poisson")
node, _process, _host, dimension = whoami()
nodes = 1 << dimension


def exchange(rows: Field) -> None:
    """Swap rows with the neighbours that there are; what is early waits in the node's buffer."""
    length = rows[0].nbytes
    above, below = node > 0, node < nodes - 1
    if above:
        nwrite(rows[1], length, node - 1, UP)
    if below:
        nwrite(rows[-2], length, node + 1, DOWN)
        nread(rows[-1], length, node + 1, UP)
    if above:
        nread(rows[0], length, node - 1, DOWN)


def total(value: float) -> float:
    """Return the sum over all nodes."""
    return float(dsum(value, EVERYBODY, SUM, WHOLE_SUBCUBE))


points = one_count("vertex-poisson", node, points=64)
solution = solve(points, node, nodes, exchange, total)
if node == 0:
    print(solution)
