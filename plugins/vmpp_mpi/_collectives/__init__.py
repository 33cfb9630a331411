"""Collective operations that only MPI has, on the algorithms of `vmpp_collectives`.

The channel of a communicator, or of a group while a communicator is made of it, with the kinds of
operation that make communicators, exchange with neighbours and open files; pickled objects, whose
lengths no other rank knows; and exchanges between neighbours.
"""

from vmpp_mpi._collectives._channel import PARTITIONED_TAG, CommChannel, OwnKind, describe
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

__all__ = [
    "PARTITIONED_TAG",
    "CommChannel",
    "OwnKind",
    "allgather_pickles",
    "alltoall_pickles",
    "broadcast_pickle",
    "describe",
    "exchange_with_neighbours",
    "gather_pickles",
    "joined",
    "parted",
    "pass_to_neighbours",
    "reduce_objects",
    "scan_objects",
    "scatter_pickles",
]
