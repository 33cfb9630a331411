"""The node map: where each rank of a job runs."""

from __future__ import annotations

from vmpp.hardware import Topology


class NodeMap:
    """Location and distance of every rank of a job, as Puma gave it to its programs.

    Attributes:
        dims: extent of the machine in each dimension when the job was launched.
        nodes: node numbers, by rank.
        bisection: width of the machine as it was booted, in links of one direction; None if its
            topology does not know.
        link_rate: of one direction of a link, in bytes a second.
    """

    __slots__ = ("_topology", "bisection", "dims", "link_rate", "nodes")

    def __init__(
        self,
        topology: Topology,
        dims: tuple[int, ...],
        nodes: tuple[int, ...],
        bisection: int | None,
        link_rate: float,
    ) -> None:
        self._topology = topology
        self.dims = dims
        self.nodes = nodes
        self.bisection = bisection
        self.link_rate = link_rate

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
