"""Timing with contention on every link, which messages share fairly."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush
from math import lcm

from vmpp.engine import Engine
from vmpp.hardware import LinkParameters, NetworkInterface, NetworkMessage, Topology
from vmpp_topology.adaptive import DETERMINISTIC, RoutingName, Ways
from vmpp_topology.sharing import Sharing

FINENESS = 720_720 << 20
"""Into how many parts a rate is divided at the least; the factor is divisible by all up to 16."""


class _Flow:
    """A message under way, or waiting for those that its node sends before it.

    Attributes:
        number: in the order in which messages were handed over.
        ready: when it can leave at the earliest.
        route: the links that it takes.
        over: the links, and the way out of its node and into the other: all that it shares.
        left: what is left of it at time `since`, in the units that rates are counted in.
        rate: at present, in such units a picosecond; 0 before it has one.
        end: when it ends at that rate.
    """

    __slots__ = ("end", "left", "message", "number", "over", "rate", "ready", "route", "since",
                 "source")  # fmt: skip

    def __init__(
        self,
        number: int,
        source: int,
        message: NetworkMessage,
        ready: int,
        route: Sequence[int],
        over: tuple[int, ...],
        left: int,
    ) -> None:
        self.number = number
        self.source = source
        self.message = message
        self.ready = ready
        self.route = route
        self.over = over
        self.left = left
        self.rate = 0
        self.since = 0
        self.end = -1


class Fair:
    """Messages that go over one link at a time share its rate, max-min fairly, as fluids would.

    So do those that come into one node at a time. A node sends one message after the other. Rates
    change when a message leaves its node, and when its last byte has. Then what is left of it takes
    wire and hops, as without contention. (SimGrid's network models share alike: Velho, Schnorr,
    Casanova and Legrand, On the Validity of Flow-level TCP Network Models for Grid and Cloud
    Simulations, 2013.)

    All arithmetic is in whole numbers. A share is rounded down to one part in more than 10^11 of a
    link's rate, and exact for up to 16 messages on it; a message ends in the picosecond in which
    its last byte goes. What adaptive routing goes by is how many messages are on a link or wait for
    those before them.

    Raises:
        ValueError: *routing* is adaptive, and *topology* knows no such.
    """

    __slots__ = (
        "_active", "_book", "_byte", "_capacities", "_due", "_ends", "_engine", "_header", "_hop",
        "_interfaces", "_last", "_links", "_numbers", "_pending", "_rate", "_sharing", "_size",
        "_take", "_waiting", "_wire", "avoid", "route",
    )  # fmt: skip

    def __init__(
        self,
        engine: Engine,
        topology: Topology,
        parameters: LinkParameters,
        routing: RoutingName = DETERMINISTIC,
    ) -> None:
        self._engine = engine
        self._links = topology.links
        self._size = topology.size
        self._hop = parameters.hop_latency
        self._wire = parameters.wire_latency
        self._header = parameters.header_bytes
        rates = parameters.link_rate, parameters.injection_rate, parameters.ejection_rate
        self._rate = max(rates)
        # Work is counted so that each rate is a whole number of its units in a femtosecond.
        self._byte = byte = lcm(*rates) * FINENESS
        self._capacities = tuple(byte // rate * 1000 for rate in rates)
        self._interfaces: list[NetworkInterface] = []
        self._numbers = 0
        # The messages of each node that are not through yet, the one under way first.
        self._waiting: dict[int, deque[_Flow]] = {}
        self._active: dict[int, _Flow] = {}
        self._sharing = Sharing(self._capacity, min(self._capacities))
        self._ends: list[tuple[int, int]] = []
        self._pending = False
        self._due = -1
        ways = Ways(topology, routing, self._leaves)
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
        sender, receiver = self._interfaces[source], self._interfaces[destination]
        route = self._take(source, destination)
        ways = self._links + source, self._links + self._size + receiver.nid
        length = message.length + self._header
        flow = _Flow(
            self._numbers, source, message, ready, route, (*route, *ways), length * self._byte
        )
        self._numbers += 1
        sender.out_free = gone = max(sender.out_free, ready) + length * self._rate // 1000
        if self._book is not None:
            self._book(route, 1)
        queue = self._waiting.setdefault(source, deque())
        queue.append(flow)
        if len(queue) == 1:
            self._engine.at(max(ready, self._engine.now), self._begin, flow)
        return gone

    # -- flows that begin and end ----------------------------------------------------------------

    def _begin(self, flow: _Flow) -> None:
        """Have a message leave its node."""
        self._active[flow.number] = flow
        flow.since = self._engine.now
        self._sharing.add(flow.number, flow.over)
        self._changed()

    def _end(self, flow: _Flow) -> None:
        """Let go of a message whose last byte has left its node, and begin with the next."""
        del self._active[flow.number]
        self._sharing.remove(flow.number)
        self._changed()
        if self._book is not None:
            self._book(flow.route, -1)
        self._deliver(flow)
        queue = self._waiting[flow.source]
        queue.popleft()
        if queue:
            self._engine.at(max(self._engine.now, queue[0].ready), self._begin, queue[0])
        else:
            del self._waiting[flow.source]

    def _deliver(self, flow: _Flow) -> None:
        """Have a message come in once its last byte has gone all the way."""
        message = flow.message
        when = self._engine.now + self._wire + len(flow.route) * self._hop
        last = self._last
        if last is not None:
            pair = flow.source, message.nid
            last[pair] = when = max(when, last.get(pair, 0))
        self._engine.at(when, self._interfaces[message.nid].take, message)

    # -- sharing ---------------------------------------------------------------------------------

    def _changed(self) -> None:
        """Have rates shared out anew, once for all that changes in this instant."""
        if not self._pending:
            self._pending = True
            self._engine.at(self._engine.now, self._share)

    def _share(self, _: object) -> None:
        """Give the flows that what has changed concerns their rates."""
        now = self._engine.now
        self._pending = False
        for number, rate in self._sharing.settle().items():
            flow = self._active[number]
            flow.left -= flow.rate * (now - flow.since)
            flow.since = now
            flow.rate = rate
            flow.end = now + max(0, flow.left) // rate
            heappush(self._ends, (flow.end, number))
        self._await()

    def _capacity(self, resource: int) -> int:
        link, out, into = self._capacities
        if resource < self._links:
            return link
        return out if resource < self._links + self._size else into

    def _await(self) -> None:
        """Have the next flow that ends do so in time."""
        self._drop_stale()
        due = self._ends[0][0] if self._ends else -1
        if due != self._due:
            if self._due > self._engine.now:
                self._engine.cancel(self._due, self._finish, None)
            self._due = due
            if due >= 0:
                self._engine.at(due, self._finish, None)

    def _finish(self, _: object) -> None:
        """End all flows that end now."""
        now = self._engine.now
        if self._due != now:
            return
        self._due = -1
        while self._ends and self._ends[0][0] == now:
            end, number = heappop(self._ends)
            flow = self._active.get(number)
            if flow is not None and flow.end == end:
                self._end(flow)
        self._await()

    def _drop_stale(self) -> None:
        """Forget ends that have been put off, or come sooner."""
        ends, active = self._ends, self._active
        while ends:
            end, number = ends[0]
            flow = active.get(number)
            if flow is not None and flow.end == end:
                return
            heappop(ends)

    # -- what adaptive routing asks --------------------------------------------------------------

    def _leaves(self, source: int) -> int:
        """Return when a message leaves a node that is handed over now."""
        return max(self._engine.now, self._interfaces[source].out_free)
