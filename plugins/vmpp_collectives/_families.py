"""All operations whose algorithm can be chosen, by the names that rules use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vmpp_collectives._allgather import ALLGATHER, ALLGATHERV
from vmpp_collectives._allreduce import ALLREDUCE
from vmpp_collectives._alltoall import ALLTOALL, ALLTOALLV, ALLTOALLW
from vmpp_collectives._barrier import BARRIER
from vmpp_collectives._broadcast import BCAST
from vmpp_collectives._choice import Choices, Family, read_rules
from vmpp_collectives._gather import GATHER, GATHERV
from vmpp_collectives._reduce import REDUCE
from vmpp_collectives._reduce_scatter import REDUCE_SCATTER, REDUCE_SCATTER_BLOCK
from vmpp_collectives._scan import EXSCAN, SCAN
from vmpp_collectives._scatter import SCATTER, SCATTERV

FAMILIES: Final[dict[str, Family]] = {
    family.name: family
    for family in (
        BARRIER, BCAST, GATHER, GATHERV, SCATTER, SCATTERV, ALLGATHER, ALLGATHERV, ALLTOALL,
        ALLTOALLV, ALLTOALLW, REDUCE, ALLREDUCE, REDUCE_SCATTER, REDUCE_SCATTER_BLOCK, SCAN, EXSCAN,
    )
}  # fmt: skip

DEFAULT_CHOICES: Final = Choices(FAMILIES)
"""The library's own rules alone."""


def machine_choices(table: Mapping[str, Any]) -> Choices:
    """Return what a machine chooses by; one object serves all of its processes.

    Args:
        table: the machine's ``[mpi.collectives]``, which holds for all libraries.

    Raises:
        ValueError: as `read_rules`.
    """
    return Choices(FAMILIES, read_rules(FAMILIES, table)) if table else DEFAULT_CHOICES
