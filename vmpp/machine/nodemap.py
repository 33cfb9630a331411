"""The node map: where each rank of a job runs."""

from __future__ import annotations

from vmpp.hardware import Topology


class NodeMap:
    """Location and distance of every rank of a job, as Puma gave it to its programs.

    Attributes:
        dims: extent of the machine in each dimension when the job was launched.
        nodes: node numbers, by rank.
    """

    __slots__ = ("_topology", "dims", "nodes")

    def __init__(self, topology: Topology, dims: tuple[int, ...], nodes: tuple[int, ...]) -> None:
        self._topology = topology
        self.dims = dims
        self.nodes = nodes

    def place(self, node: int) -> tuple[int, ...]:
        """Return the place of a node in the machine."""
        return self._topology.coordinates(node)

    def hops(self, one: int, other: int) -> int:
        """Return the number of links between two nodes."""
        return self._topology.hops(one, other)

    def coordinates(self, rank: int) -> tuple[int, ...]:
        """Return the place of *rank* in the machine."""
        return self._topology.coordinates(self.nodes[rank])

    def distance(self, one: int, other: int) -> int:
        """Return the number of links between two ranks."""
        return self._topology.hops(self.nodes[one], self.nodes[other])
