"""What a network is to the rest of the machine: a topology, and a model of its timing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

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
    ``links - 1``. All methods are pure.
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
        last byte would be in memory there if nothing else arrived. Messages between the same two
        nodes arrive in the order in which they were handed over.

        Returns:
            The time in picoseconds at which the source's buffer has been read out.
        """
        ...
