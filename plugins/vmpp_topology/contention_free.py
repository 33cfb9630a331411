"""Timing without contention on links: only a node's own ways in and out are shared."""

from __future__ import annotations

from vmpp.engine import Engine
from vmpp.hardware import LinkParameters, NetworkInterface, NetworkMessage, Topology


class ContentionFree:
    """A message takes latency, hops, and its length at the slowest rate of its path.

    ``T = wire + hops * hop + (header + length) * rate``, after the messages that the node sent
    before it have left.
    """

    __slots__ = (
        "_at", "_header", "_hop", "_hops", "_interfaces", "_rate", "_wire",
    )  # fmt: skip

    def __init__(self, engine: Engine, topology: Topology, parameters: LinkParameters) -> None:
        self._at = engine.at
        self._hops = topology.hops
        self._hop = parameters.hop_latency
        self._wire = parameters.wire_latency
        self._header = parameters.header_bytes
        # Back pressure: a node injects no faster than the path drains; or messages would overtake.
        self._rate = max(parameters.link_rate, parameters.injection_rate, parameters.ejection_rate)
        self._interfaces: list[NetworkInterface] = []

    def attach(self, interface: NetworkInterface) -> None:
        """Connect the interface of the next node."""
        self._interfaces.append(interface)

    def transmit(self, source: int, message: NetworkMessage, ready: int) -> int:
        """Carry *message*; see `vmpp.hardware.Network`."""
        interfaces = self._interfaces
        sender = interfaces[source]
        destination = message.nid
        start = sender.out_free
        if start < ready:
            start = ready
        stream = (message.length + self._header) * self._rate // 1000
        sender.out_free = gone = start + stream
        self._at(
            gone + self._wire + self._hops(source, destination) * self._hop,
            interfaces[destination].arrive,
            message,
        )
        return gone
