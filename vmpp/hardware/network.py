"""What a network is to the rest of the machine: a topology, and a model of its timing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from vmpp.hardware.interface import NetworkInterface


@dataclass(frozen=True, slots=True)
class LinkParameters:
    """Rates and latencies of a network, from the machine's description.

    Rates are in femtoseconds a byte, so that every rate that occurs is a whole number.

    Attributes:
        link_rate: of one link between two routers.
        injection_rate: from a node's memory into the network.
        ejection_rate: from the network into a node's memory.
        hop_latency: picoseconds that the head of a message takes through one router and link.
        wire_latency: picoseconds between the two interfaces, besides the hops.
        header_bytes: length of the header that travels before every body.
    """

    link_rate: int
    injection_rate: int
    ejection_rate: int
    hop_latency: int
    wire_latency: int
    header_bytes: int


class Topology(Protocol):
    """Which nodes are neighbours, and the way between any two.

    Nodes are numbered from 0 to ``size - 1``; links, which have one direction, from 0 to
    ``links - 1``, where not every number needs to have one. All methods are pure. What a topology
    may have besides is told at `Wired`, `Measured`, `Pairwise`, `Adaptive` and `Virtual`.
    """

    dims: tuple[int, ...]
    size: int
    links: int

    def coordinates(self, node: int) -> tuple[int, ...]:
        """Return the place of *node*, one number per dimension."""
        ...

    def hops(self, source: int, destination: int) -> int:
        """Return the number of links between two nodes."""
        ...

    def route(self, source: int, destination: int) -> Sequence[int]:
        """Return the links that a message takes, in order; empty to oneself."""
        ...


@runtime_checkable
class Wired(Protocol):
    """A topology that says where each of its links begins and ends.

    Vertices are the nodes, by their numbers, and from ``size`` on the switches that are no nodes.
    Where nodes do not have links of their own but tap a medium, a further method
    ``attached(node)`` returns two vertices: that which it sends into, and that which it hears.
    """

    size: int
    links: int
    vertices: int

    def ends(self, link: int) -> tuple[int, int] | None:
        """Return the vertices that *link* leads from and to; None if there is no such link."""
        ...


@runtime_checkable
class Measured(Protocol):
    """A topology that knows closed forms of what `vmpp.hardware.metrics` is about."""

    def cables(self) -> int:
        """Return the number of links that there are, which not every number needs to have."""
        ...

    def degree(self) -> int:
        """Return the most links that leave a node or switch."""
        ...

    def diameter(self) -> int:
        """Return the most links between two nodes."""
        ...

    def average_distance(self) -> Fraction:
        """Return the mean number of links between two different nodes; 0 if there is but one."""
        ...

    def bisection(self) -> int:
        """Return the bisection width: the links from one half of the nodes to the other.

        Links of one direction count, and the halves are those between which there are the fewest.
        """
        ...


@runtime_checkable
class Pairwise(Protocol):
    """A topology that sums the distances within a set of nodes faster than pair by pair."""

    def pairwise(self, nodes: Sequence[int]) -> int:
        """Return the sum of `Topology.hops` over all pairs of *nodes*, which are different."""
        ...


@runtime_checkable
class Adaptive(Protocol):
    """A topology whose routers can choose the way of a message by what links carry."""

    def adapted(
        self, source: int, destination: int, load: Callable[[int], int], turn: int
    ) -> Sequence[int]:
        """Return the links that a message takes, in order; empty to oneself.

        Args:
            load: says how much a link has to do: nothing if it is 0, and the more the greater.
            turn: counts the messages of the network, for what is chosen in turn.
        """
        ...


@runtime_checkable
class Virtual(Protocol):
    """A topology whose links are shared by virtual channels, so that routes cannot deadlock."""

    def channels(self, route: Sequence[int]) -> Sequence[int]:
        """Return the virtual channel that a message on *route* takes of each link, in order."""
        ...


class NetworkMessage(Protocol):
    """What a network needs to know of a message: its destination and length in bytes."""

    nid: int
    length: int


class Network(Protocol):
    """A model of the time that messages take.

    A factory ``(engine, topology, parameters) -> Network`` makes it at boot.
    """

    def attach(self, interface: NetworkInterface) -> None:
        """Connect the interface of the next node; nodes are attached in order of their numbers."""
        ...

    def transmit(self, source: int, message: NetworkMessage, ready: int) -> int:
        """Carry *message*, which leaves node *source* at time *ready* at the earliest.

        Schedules ``arrive`` of the destination's interface for the moment at which the message's
        last byte would be in memory there if nothing else arrived; or, in a network that shares the
        ways in of nodes itself, ``take`` for the moment at which it is. Messages between the same
        two nodes arrive in the order in which they were handed over.

        Returns:
            The time in picoseconds at which the source's buffer has been read out.
        """
        ...


@runtime_checkable
class Routing(Protocol):
    """A network that does not always send messages the way that its topology's ``route`` says."""

    def route(self, source: int, destination: int) -> Sequence[int]:
        """Return the links that a message would take which is handed over now. Changes nothing."""
        ...

    def avoid(self, down: Callable[[int, int], bool]) -> None:
        """Take no link of which *down(link, time)* is true, where another way is left."""
        ...
