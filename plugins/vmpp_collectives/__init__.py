"""Collective operations as published algorithms, which message libraries share.

Every operation is a function over a `Channel`, which knows the rank, the size and how to reach the
others; buffers are views of bytes, and a `Reduction` says how two of them become one. Nothing here
asks which process is running, so an operation may be carried on by any fiber that holds a channel
with a tag of its own. Each module has the algorithms of one family, the table of them with the
rules by which one is chosen (see `_choice`) and, last, the function that carries the operation out.

A library gives its own messages the shape of a `Transport` and builds one channel for each group
of processes that it serves::

    channel = Channel(transport, context, rank, addresses, eager, choices, failure)
    channel.begin(Kind.ALLREDUCE)
    allreduce(channel, memoryview(vector).cast("B"), Reduction(elementwise("add", "f8"), 8, True))

With choices from `machine_choices`, which reads ``[mpi.collectives]``, all libraries of a machine
take the same algorithm for the same call. Vectors are then combined in the same order whatever
library carries them, and a sum of floating-point numbers has the same bits.
"""

from vmpp_collectives._allgather import allgather, allgatherv
from vmpp_collectives._allreduce import allreduce
from vmpp_collectives._alltoall import alltoall, alltoallv, alltoallw
from vmpp_collectives._barrier import barrier
from vmpp_collectives._broadcast import broadcast
from vmpp_collectives._channel import KINDS, NOTHING, Channel, Kind, Reduction
from vmpp_collectives._choice import Choices, read_rules
from vmpp_collectives._elements import Combine, elementwise
from vmpp_collectives._families import DEFAULT_CHOICES, FAMILIES, machine_choices
from vmpp_collectives._gather import gather, gatherv
from vmpp_collectives._reduce import reduce
from vmpp_collectives._reduce_scatter import reduce_scatter, reduce_scatter_block
from vmpp_collectives._scan import exscan, scan
from vmpp_collectives._scatter import scatter, scatterv
from vmpp_collectives._sparse import sparse_exchange
from vmpp_collectives._transport import Buffer, Envelope, Transfer, Transport

__all__ = [
    "DEFAULT_CHOICES",
    "FAMILIES",
    "KINDS",
    "NOTHING",
    "Buffer",
    "Channel",
    "Choices",
    "Combine",
    "Envelope",
    "Kind",
    "Reduction",
    "Transfer",
    "Transport",
    "allgather",
    "allgatherv",
    "allreduce",
    "alltoall",
    "alltoallv",
    "alltoallw",
    "barrier",
    "broadcast",
    "elementwise",
    "exscan",
    "gather",
    "gatherv",
    "machine_choices",
    "read_rules",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_block",
    "scan",
    "scatter",
    "scatterv",
    "sparse_exchange",
]
