"""All operations whose algorithm can be chosen, by the names that rules use."""

from __future__ import annotations

from typing import Final

from vmpp_mpi._collectives._allgather import ALLGATHER, ALLGATHERV
from vmpp_mpi._collectives._allreduce import ALLREDUCE
from vmpp_mpi._collectives._alltoall import ALLTOALL, ALLTOALLV, ALLTOALLW
from vmpp_mpi._collectives._barrier import BARRIER
from vmpp_mpi._collectives._broadcast import BCAST
from vmpp_mpi._collectives._choice import Choices, Family
from vmpp_mpi._collectives._gather import GATHER, GATHERV
from vmpp_mpi._collectives._reduce import REDUCE
from vmpp_mpi._collectives._reduce_scatter import REDUCE_SCATTER, REDUCE_SCATTER_BLOCK
from vmpp_mpi._collectives._scan import EXSCAN, SCAN
from vmpp_mpi._collectives._scatter import SCATTER, SCATTERV

FAMILIES: Final[dict[str, Family]] = {
    family.name: family
    for family in (
        BARRIER, BCAST, GATHER, GATHERV, SCATTER, SCATTERV, ALLGATHER, ALLGATHERV, ALLTOALL,
        ALLTOALLV, ALLTOALLW, REDUCE, ALLREDUCE, REDUCE_SCATTER, REDUCE_SCATTER_BLOCK, SCAN, EXSCAN,
    )
}  # fmt: skip

DEFAULT_CHOICES: Final = Choices(FAMILIES)
"""The library's own rules alone."""
