"""Collective operations as published algorithms over point-to-point messages.

Every operation is a function over a `Channel`, which knows the rank, the size and how to reach the
others; buffers are views of bytes, and a `Reduction` says how two of them become one. Nothing here
asks which process is running, so an operation may be carried on by any fiber that holds a channel
with a tag of its own. Each module has the algorithms of one family, the
table of them with the rules by which one is chosen (see `_choice`) and, last, the function that
carries the operation out.
"""

from vmpp_mpi._collectives._allgather import allgather, allgatherv
from vmpp_mpi._collectives._allreduce import allreduce
from vmpp_mpi._collectives._alltoall import alltoall, alltoallv, alltoallw
from vmpp_mpi._collectives._barrier import barrier
from vmpp_mpi._collectives._broadcast import broadcast
from vmpp_mpi._collectives._channel import (
    NOTHING,
    PARTITIONED_TAG,
    Buffer,
    Channel,
    Kind,
    Reduction,
    describe,
)
from vmpp_mpi._collectives._choice import Choices, read_rules
from vmpp_mpi._collectives._families import DEFAULT_CHOICES, FAMILIES
from vmpp_mpi._collectives._gather import gather, gatherv
from vmpp_mpi._collectives._neighbours import exchange_with_neighbours, pass_to_neighbours
from vmpp_mpi._collectives._objects import (
    allgather_pickles,
    alltoall_pickles,
    broadcast_pickle,
    gather_pickles,
    joined,
    parted,
    reduce_objects,
    scan_objects,
    scatter_pickles,
)
from vmpp_mpi._collectives._reduce import reduce
from vmpp_mpi._collectives._reduce_scatter import reduce_scatter, reduce_scatter_block
from vmpp_mpi._collectives._scan import exscan, scan
from vmpp_mpi._collectives._scatter import scatter, scatterv
from vmpp_mpi._collectives._sparse import sparse_exchange

__all__ = [
    "DEFAULT_CHOICES",
    "FAMILIES",
    "NOTHING",
    "PARTITIONED_TAG",
    "Buffer",
    "Channel",
    "Choices",
    "Kind",
    "Reduction",
    "allgather",
    "allgather_pickles",
    "allgatherv",
    "allreduce",
    "alltoall",
    "alltoall_pickles",
    "alltoallv",
    "alltoallw",
    "barrier",
    "broadcast",
    "broadcast_pickle",
    "describe",
    "exchange_with_neighbours",
    "exscan",
    "gather",
    "gather_pickles",
    "gatherv",
    "joined",
    "parted",
    "pass_to_neighbours",
    "read_rules",
    "reduce",
    "reduce_objects",
    "reduce_scatter",
    "reduce_scatter_block",
    "scan",
    "scan_objects",
    "scatter",
    "scatter_pickles",
    "scatterv",
    "sparse_exchange",
]
