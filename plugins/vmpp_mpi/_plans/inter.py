"""The plans of communicators of two groups; those of objects in `objects`."""

from vmpp_mpi._plans import _inter_objects as objects
from vmpp_mpi._plans._inter_moves import (
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
from vmpp_mpi._plans._inter_reductions import (
    allreduce,
    reduce,
    reduce_scatter,
    reduce_scatter_block,
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
    "gather",
    "gatherv",
    "objects",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_block",
    "scatter",
    "scatterv",
]
