"""The plans of communicators of one group; those of objects in `objects`."""

from vmpp_mpi._plans import _objects as objects
from vmpp_mpi._plans._moves import (
    allgather,
    allgatherv,
    alltoall,
    alltoallv,
    alltoallw,
    barrier,
    bcast,
    gather,
    gatherv,
    scatter,
    scatterv,
)
from vmpp_mpi._plans._reductions import (
    allreduce,
    exscan,
    reduce,
    reduce_scatter,
    reduce_scatter_block,
    scan,
)

__all__ = [
    "allgather",
    "allgatherv",
    "allreduce",
    "alltoall",
    "alltoallv",
    "alltoallw",
    "barrier",
    "bcast",
    "exscan",
    "gather",
    "gatherv",
    "objects",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_block",
    "scan",
    "scatter",
    "scatterv",
]
