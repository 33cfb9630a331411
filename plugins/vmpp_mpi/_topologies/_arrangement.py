"""Who takes which place of a topology: computed once for all processes of a communicator."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from vmpp_mpi._topologies._placement import Distances, Layout, arrange

if TYPE_CHECKING:
    from vmpp.portals import Address


class Placed(Protocol):
    """A topology whose places are to be taken."""

    @property
    def size(self) -> int:
        """Number of places."""
        ...

    def layout(self) -> Layout:
        """Return what there is to know of it."""
        ...

    def __hash__(self) -> int: ...


class Arrangement:
    """Who takes which place.

    Args:
        topology: whose places they are; None if everybody keeps their rank.
        size: number of places.
        machine: where its nodes are; None if everybody keeps their rank.
    """

    __slots__ = ("_machine", "_made", "_size", "_topology")

    def __init__(self, topology: Placed | None, size: int, machine: Distances | None) -> None:
        self._topology = topology
        self._size = size
        self._machine = machine
        self._made: tuple[Sequence[Address], Sequence[Address]] | None = None

    def seats(self, addresses: Sequence[Address]) -> Sequence[Address]:
        """Return which of *addresses*, which are by rank, take the places, in their order."""
        if self._made is None or self._made[0] is not addresses:
            self._made = addresses, self._arranged(addresses)
        return self._made[1]

    def _arranged(self, addresses: Sequence[Address]) -> Sequence[Address]:
        seats = addresses if self._size == len(addresses) else tuple(addresses[: self._size])
        if self._topology is None or self._machine is None:
            return seats
        nodes = [address.nid for address in seats]
        order = arrange(self._topology.layout(), nodes, self._machine)
        return tuple([seats[index] for index in order])


@lru_cache(maxsize=16)
def arrangement(topology: Placed | None, size: int, machine: Distances | None) -> Arrangement:
    """Return who takes which place; all processes of a job share one."""
    return Arrangement(topology, size, machine)
