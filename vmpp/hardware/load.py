"""What the links of a network carry, while somebody watches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class LinkLoad:
    """Counts the bytes that go over each link, headers included, as messages leave their nodes.

    Attributes:
        bytes: by number of the link, since the last `take`; links that carried nothing are not in.
        messages: how many have left since then, those to their own node included.
    """

    __slots__ = ("_header", "_route", "bytes", "messages")

    def __init__(self, route: Callable[[int, int], Sequence[int]], header_bytes: int) -> None:
        """Begin to count.

        Args:
            route: says which links a message takes that is handed over now.
            header_bytes: what travels before every body.
        """
        self._route = route
        self._header = header_bytes
        self.bytes: dict[int, int] = {}
        self.messages = 0

    def take(self) -> dict[int, int]:
        """Return the bytes that each link has carried since the last call, and begin anew."""
        taken, self.bytes, self.messages = self.bytes, {}, 0
        return taken

    def before(self, onward: Callable[[int, Any, int], int]) -> Callable[[int, Any, int], int]:
        """Return an entry of the network that counts, and hands on to *onward*."""

        def transmit(source: int, message: Any, ready: int) -> int:
            # Asked first: the message itself may make a difference to where the next one goes.
            route = self._route(source, message.nid)
            gone = onward(source, message, ready)
            counts = self.bytes
            length = message.length + self._header
            self.messages += 1
            for link in route:
                counts[link] = counts.get(link, 0) + length
            return gone

        return transmit
