"""Timing with contention on every link, after wormhole routing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vmpp.engine import Engine
from vmpp.hardware import LinkParameters, NetworkInterface, NetworkMessage, Topology
from vmpp_topology.adaptive import DETERMINISTIC, RoutingName, Ways


class Wormhole:
    """A message holds the links of its path from the passage of its head to that of its tail.

    The head waits at the first link that is taken, and everything behind it stands still, as in
    wormhole routing (Dally and Seitz 1987) with channel buffers too small to matter. Paths are
    claimed in order of the time at which messages leave their nodes. What adaptive routing goes by
    is for how long links are taken, and will be by messages that wait for those before them; a
    message that a later one would overtake comes in before it.

    Raises:
        ValueError: *routing* is adaptive, and *topology* knows no such.
    """

    __slots__ = (
        "_book", "_engine", "_free", "_header", "_hop", "_interfaces", "_last", "_rate", "_take",
        "_wire", "avoid", "route",
    )  # fmt: skip

    def __init__(
        self,
        engine: Engine,
        topology: Topology,
        parameters: LinkParameters,
        routing: RoutingName = DETERMINISTIC,
    ) -> None:
        self._engine = engine
        self._hop = parameters.hop_latency
        self._wire = parameters.wire_latency
        self._header = parameters.header_bytes
        # Back pressure: a node injects no faster than the path drains; or messages would overtake.
        self._rate = max(parameters.link_rate, parameters.injection_rate, parameters.ejection_rate)
        self._interfaces: list[NetworkInterface] = []
        # Only links in use have an entry: a fully connected network has a great many.
        self._free: dict[int, int] = {}
        ways = Ways(topology, routing, self._leaves, self._taken_for)
        self._take = ways.take
        self._book = ways.book if ways.adaptive else None
        self.route = ways.route
        self.avoid = ways.avoid
        # When the latest message between two nodes comes in, if they may take different ways.
        self._last: dict[tuple[int, int], int] | None = {} if ways.adaptive else None

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
        route = self._take(source, destination)
        sent = route, arrive, message, source
        sender = self._interfaces[source]
        start = sender.out_free
        if start < ready:
            start = ready
        sender.out_free = gone = start + (message.length + self._header) * self._rate // 1000
        engine = self._engine
        if start > engine.now:
            if self._book is not None:
                self._book(route, gone - start)
                engine.at(start, self._unbook, (route, gone - start))
            engine.at(start, self._enter, sent)
        else:
            self._enter(sent)
        return gone

    def _enter(self, sent: tuple[Sequence[int], Callable[[Any], object], Any, int]) -> None:
        """Claim the path of a message whose head leaves its node now."""
        route, arrive, message, source = sent
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
        tail += self._wire
        last = self._last
        if last is not None:
            pair = source, message.nid
            last[pair] = tail = max(tail, last.get(pair, 0))
        engine.at(tail, arrive, message)

    def _unbook(self, booked: tuple[Sequence[int], int]) -> None:
        """Forget what a message had to wait for that claims its path now."""
        assert self._book is not None
        route, stream = booked
        self._book(route, -stream)

    def _taken_for(self, link: int) -> int:
        """Return for how much longer a link is taken, in picoseconds."""
        taken = self._free.get(link, 0) - self._engine.now
        return max(taken, 0)

    def _leaves(self, source: int) -> int:
        """Return when a message leaves a node that is handed over now."""
        return max(self._engine.now, self._interfaces[source].out_free)
