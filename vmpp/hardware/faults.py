"""What is broken in a network: links that are down, and messages that get lost at random."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from vmpp.engine.queue import NEVER
from vmpp.hardware.interface import NetworkInterface


class LostMessage:
    """Travels in the place of a message that gets lost: as long, to the same node."""

    __slots__ = ("length", "nid")

    def __init__(self, nid: int, length: int) -> None:
        self.nid = nid
        self.length = length


@dataclass(slots=True)
class _Changes:
    """When a link goes down and comes up."""

    times: list[int] = field(default_factory=list)
    up: list[bool] = field(default_factory=list)

    def add(self, time: int, up: bool) -> None:
        place = bisect_right(self.times, time)
        self.times.insert(place, time)
        self.up.insert(place, up)

    def down_at(self, time: int) -> bool:
        place = bisect_right(self.times, time)
        return place > 0 and not self.up[place - 1]


@dataclass(slots=True)
class _Drop:
    """Messages that get lost at random."""

    probability: float
    sources: frozenset[int]
    destinations: frozenset[int]
    begin: int
    end: int


class NetworkFaults:
    """Decides which messages are lost.

    A message is lost if a link of its way is down when it leaves its node, or by chance; one that
    is under way when a link goes down gets through. A lost message takes the time, and holds what
    it holds of the network, as if it had arrived; then it is gone, and nobody is told. What a node
    sends to itself meets no link.

    Attributes:
        lost: how many messages have been.
    """

    __slots__ = ("_draw", "_drops", "_interfaces", "_links", "_route", "_sieved", "lost")

    def __init__(
        self,
        route: Callable[[int, int], Sequence[int]],
        interfaces: Sequence[NetworkInterface],
        draw: Callable[[], float],
    ) -> None:
        """Begin with a network in which nothing is broken.

        Args:
            route: says which links a message takes that is handed over now.
            interfaces: of all nodes, by number; there may come more.
            draw: gives random numbers from 0 up to 1, one for each message that chance decides on.
        """
        self._route = route
        self._interfaces = interfaces
        self._draw = draw
        self._links: dict[int, _Changes] = {}
        self._drops: list[_Drop] = []
        self._sieved: set[int] = set()
        self.lost = 0

    def change(self, links: Iterable[int], time: int, *, up: bool) -> None:
        """Have *links* go down, or come up, at *time* (picoseconds)."""
        for link in links:
            self._links.setdefault(link, _Changes()).add(time, up)

    def down(self, link: int, time: int) -> bool:
        """Return whether *link* is down at *time*, as far as is known by now."""
        changes = self._links.get(link)
        return changes is not None and changes.down_at(time)

    def drop(
        self,
        probability: float,
        sources: frozenset[int],
        destinations: frozenset[int],
        begin: int,
        end: int = NEVER,
    ) -> None:
        """Lose messages between two sets of nodes that leave from *begin* until before *end*."""
        self._drops.append(_Drop(probability, sources, destinations, begin, end))

    def drop_no_more(self, time: int) -> None:
        """Lose none by chance from *time* on."""
        for rule in self._drops:
            rule.end = min(rule.end, time)

    def before(self, onward: Callable[[int, Any, int], int]) -> Callable[[int, Any, int], int]:
        """Return an entry of the network that loses messages, and hands on to *onward*."""

        def transmit(source: int, message: Any, ready: int) -> int:
            nid = message.nid
            interface = self._interfaces[nid]
            if source != nid and self._loses(
                source, nid, max(ready, self._interfaces[source].out_free)
            ):
                self.lost += 1
                self._sieve(interface)
                message = LostMessage(nid, message.length)
            return onward(source, message, ready)

        return transmit

    def _loses(self, source: int, destination: int, time: int) -> bool:
        """Return whether a message that leaves at *time* is lost."""
        lost = False
        for rule in self._drops:
            if (
                rule.begin <= time < rule.end
                and source in rule.sources
                and destination in rule.destinations
                and self._draw() < rule.probability
            ):
                lost = True
        if self._links:
            for link in self._route(source, destination):
                if self.down(link, time):
                    return True
        return lost

    def _sieve(self, interface: NetworkInterface) -> None:
        """Have an interface let what is lost go no further."""
        if interface.nid not in self._sieved:
            self._sieved.add(interface.nid)
            interface.deliver = _sieved(interface.deliver)


def _sieved(deliver: Callable[[Any], object]) -> Callable[[Any], object]:
    def take(message: Any) -> None:
        if type(message) is not LostMessage:
            deliver(message)

    return take
