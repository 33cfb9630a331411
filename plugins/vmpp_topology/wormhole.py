"""Timing with contention on every link, after wormhole routing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from vmpp.engine import Engine
from vmpp.hardware import LinkParameters, NetworkInterface, NetworkMessage, Topology


class Wormhole:
    """A message holds the links of its path from the passage of its head to that of its tail.

    The head waits at the first link that is taken, and everything behind it stands still, as in
    wormhole routing (Dally and Seitz 1987) with channel buffers too small to matter. Paths are
    claimed in order of the time at which messages leave their nodes.
    """

    __slots__ = (
        "_engine", "_free", "_header", "_hop", "_interfaces", "_rate", "_route", "_wire",
    )  # fmt: skip

    def __init__(self, engine: Engine, topology: Topology, parameters: LinkParameters) -> None:
        self._engine = engine
        self._route = lru_cache(maxsize=1 << 16)(topology.route)
        self._hop = parameters.hop_latency
        self._wire = parameters.wire_latency
        self._header = parameters.header_bytes
        # Back pressure: a node injects no faster than the path drains; or messages would overtake.
        self._rate = max(parameters.link_rate, parameters.injection_rate, parameters.ejection_rate)
        self._interfaces: list[NetworkInterface] = []
        # Only links in use have an entry: a fully connected network has a great many.
        self._free: dict[int, int] = {}

    def attach(self, interface: NetworkInterface) -> None:
        """Connect the interface of the next node."""
        self._interfaces.append(interface)

    def transmit(self, source: int, message: NetworkMessage, ready: int) -> int:
        """Carry *message*; see `vmpp.hardware.Network`.

        The time returned is that of an unhindered message: the interface buffers what stalls.
        """
        destination = message.nid
        # Looked up first: whoever names a node that is not there has sent nothing.
        arrive = self._interfaces[destination].arrive
        sent = self._route(source, destination), arrive, message
        sender = self._interfaces[source]
        start = sender.out_free
        if start < ready:
            start = ready
        sender.out_free = gone = start + (message.length + self._header) * self._rate // 1000
        engine = self._engine
        if start > engine.now:
            engine.at(start, self._enter, sent)
        else:
            self._enter(sent)
        return gone

    def _enter(self, sent: tuple[Sequence[int], Callable[[Any], object], Any]) -> None:
        """Claim the path of a message whose head leaves its node now."""
        route, arrive, message = sent
        engine = self._engine
        free = self._free
        hop = self._hop
        head = engine.now
        for link in route:
            taken = free.get(link, 0)
            if head < taken:
                head = taken
            head += hop
        tail = head + (message.length + self._header) * self._rate // 1000
        release = tail - hop * len(route)
        for link in route:
            release += hop
            free[link] = release
        engine.at(tail + self._wire, arrive, message)
