"""How many processes there can be at once on a machine, and the nodes for them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from vmpp.errors import VmppError
from vmpp.machine.choices import bound
from vmpp.machine.description import MachineDescription, MachineTooSmallError
from vmpp.service import Places
from vmpp.service.allocation import choice

if TYPE_CHECKING:
    from vmpp.machine.plugins import Plugins

SPARE: Final = 16
"""How many more processes than it has a program on a machine that grows can usefully start."""

ROOM: Final = 1 << 14
"""How many more it can start at all, unless somebody says."""


@dataclass(frozen=True, slots=True)
class Universe:
    """A machine of some size, and how far it can grow.

    Attributes:
        machine: what is booted at once.
        dims: dimensions of the topology, with room for all that may be booted.
        most: how many compute nodes there can be.
        size: how many processes programs are told that there can be.
    """

    machine: MachineDescription
    dims: tuple[int, ...]
    most: int
    size: int

    @classmethod
    def of(
        cls,
        described: MachineDescription,
        nprocs: int,
        size: int | None,
        plugins: Plugins,
        *,
        makes_room: bool = False,
    ) -> Universe:
        """Return a machine with nodes for *nprocs* processes that can grow to *size* in all.

        Nodes that are not there from the start take no part in anything before they are needed. A
        topology that cannot be extended without moving the nodes that it has is of its full size
        from the start.

        Args:
            size: of the universe; None: the nodes of a machine that does not grow, and otherwise
                as told at `SPARE` and `ROOM`.
            makes_room: have as many nodes more as the allocator needs to place one job on *nprocs*,
                if they cannot be added later, and nobody says how many there are.

        Raises:
            MachineTooSmallError: the machine has fewer nodes, or the universe fewer than the job.
        """
        topology = bound("topology", described.topology.kind, plugins.topologies)
        extend = topology.related("extended") if described.grows else None
        if size is not None and size < nprocs:
            raise MachineTooSmallError(f"a universe of {size} has no room for {nprocs} processes")
        if makes_room and described.grows and extend is None and size is None:
            nprocs = _with_room(described, nprocs, plugins)
        machine = described.sized(nprocs if size is None or extend else size, plugins)
        present = machine.compute_nodes
        if size is not None:
            most = size
        elif extend is None:
            most = size = present
        else:
            most, size = nprocs + ROOM, nprocs + SPARE
        dims = machine.topology.dims
        if extend is not None and most > present:
            dims = tuple(extend(dims, machine.nodes + most - present))
        return cls(machine, dims, most, size)


def _with_room(described: MachineDescription, nprocs: int, plugins: Plugins) -> int:
    """Return with how many compute nodes the allocator has a place for a job on *nprocs*.

    If it has none, or an error, that is told when the job is launched.
    """
    make = bound("topology", described.topology.kind, plugins.topologies)
    allocator = bound("allocator", described.service.allocator, plugins.allocators)
    nodes = nprocs
    while nodes <= nprocs + ROOM:
        machine = described.sized(nodes, plugins)
        own = range(machine.compute_nodes)
        try:
            policy = allocator(Places(make(machine.topology.dims), own, Random(0).random))
            if choice(policy, own, nprocs) is not None:
                return nodes
        except VmppError:
            break
        nodes += max(1, nodes // 8)
    return nprocs
