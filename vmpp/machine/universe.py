"""How many processes there can be at once on a machine, and the nodes for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vmpp.machine.description import MachineDescription, MachineTooSmallError

if TYPE_CHECKING:
    from vmpp.machine.plugins import Plugins

SPARE: Final = 256
"""Nodes beyond a program's own that a machine which grows has for what the program starts."""


@dataclass(frozen=True, slots=True)
class Universe:
    """A machine of some size, and how far it can grow.

    Attributes:
        machine: what is booted at once.
        dims: dimensions of the topology, with room for all that may be booted.
        size: how many compute nodes there can be.
    """

    machine: MachineDescription
    dims: tuple[int, ...]
    size: int

    @classmethod
    def of(
        cls, described: MachineDescription, nprocs: int, size: int | None, plugins: Plugins
    ) -> Universe:
        """Return a machine with nodes for *nprocs* processes that can grow to *size* in all.

        Nodes that are not there from the start take no part in anything before they are needed. A
        topology that cannot be extended without moving the nodes that it has is of its full size
        from the start.

        Args:
            size: of the universe; None: as many nodes as the machine comes to have for *nprocs*.

        Raises:
            MachineTooSmallError: the machine has fewer nodes, or the universe fewer than the job.
        """
        machine = described.sized(nprocs, plugins)
        factory = plugins.topologies[machine.topology.kind]
        present = machine.compute_nodes
        if size is None:
            size = present
        if size < nprocs:
            raise MachineTooSmallError(f"a universe of {size} has no room for {nprocs} processes")
        extend = getattr(factory, "extended", None) if described.grows else None
        if extend is None:
            machine = described.sized(max(size, nprocs), plugins)
        dims = machine.topology.dims
        if extend is not None and size > present:
            dims = tuple(extend(dims, machine.nodes + size - present))
        return cls(machine, dims, size)


def usual_size(described: MachineDescription, nprocs: int, plugins: Plugins) -> int | None:
    """Return the size of the universe of a program of *nprocs* processes, unless somebody says.

    That is `SPARE` nodes more if the machine can grow by them when they are needed; None: as many
    as it has.
    """
    extend = getattr(plugins.topologies[described.topology.kind], "extended", None)
    return nprocs + SPARE if described.grows and extend is not None else None
