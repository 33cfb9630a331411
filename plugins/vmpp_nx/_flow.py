"""Flow control: how much of a receiver's memory each sender may fill.

Each process gives each of the others a part of its memory for messages. A sender counts what its
messages would take if nobody expected them, and the receiver counts what it has received, until
that is worth a message which gives it back. A sender that has none left asks for it; then the
receiver gives back whatever it can, as soon as there is something.

A sender that asks says what it has sent in all. What of that the receiver knows nothing of has been
thrown away on arrival, as it did not fit a posted receive, say, and is given back as well.

So no message is ever lost for want of memory. This is our reading of the Paragon's flow control,
whose switches `Parameters` names.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from vmpp_nx._parameters import HEADER, LEAST

if TYPE_CHECKING:
    from vmpp.portals import Address
    from vmpp_nx._parameters import Parameters

GIVES: Final = 1 << 61
"""In the match bits of a message that gives memory back; the number of bytes is in the lowest."""
AMOUNT: Final = (1 << 40) - 1


class Peer:
    """Another process, or the own one, as one lane of messages sees it.

    Attributes:
        address: where it is.
        node: number of its node in the application.
        lane: that it belongs to.
        credit: what this process may still fill of its memory, in bytes.
        most: the longest message, header included, for which there is room again some time.
        reserve: what only messages that ask may fill.
        granted: what it has been given of that, all in all.
        owed: what its messages have taken here, which it has not been given back yet.
        returned: what it has been given back, all in all.
        queue: sends to it that wait for memory, oldest first.
        asked: whether it has been asked for memory since it gave some.
        starved: whether it has asked, and there was nothing to give.
        known: whether it has been given its full share.
    """

    __slots__ = (
        "address", "asked", "credit", "granted", "known", "lane", "most", "node", "owed", "queue",
        "reserve", "returned", "starved",
    )  # fmt: skip

    def __init__(self, address: Address, node: int, lane: Lane) -> None:
        self.address = address
        self.node = node
        self.lane = lane
        self.credit = lane.first
        self.reserve = lane.reserve
        self.most = lane.first - lane.reserve
        self.owed = 0
        self.returned = 0
        self.queue: deque[Any] = deque()
        self.asked = False
        # One that is to get more once it is heard of gets it with the first message received.
        self.known = lane.share == lane.first
        if address.group != lane.group:
            # One that has been loaded: memory was shared out before it was there.
            self.credit = self.most = LEAST
            self.reserve, self.known = 0, True
        self.starved = not self.known
        self.granted = self.credit


class Lane:
    """Messages of one kind, with memory of their own: those of programs, or of global operations.

    Attributes:
        flag: what all of them have in their match bits.
        group: of the processes among whom memory is shared out.
        first: bytes that each process may fill of each other's memory from the start.
        share: what it gets once it has been heard of.
        reserve: of that, what is for messages that ask: so one can, while others fill the rest.
        eager: longest body of which two in a row find memory, if all before have been received.
        give: bytes that are worth a message which gives them back.
        peers: the others that this process has dealt with, by the address first seen.
        nodes: those that it has sent to, by node.
    """

    __slots__ = (
        "_named", "_spare", "eager", "first", "flag", "give", "group", "nodes", "peers", "reserve",
        "share",
    )  # fmt: skip

    def __init__(self, flag: int, size: int, parameters: Parameters, group: int) -> None:
        self.flag = flag
        self.group = group
        memory = max(parameters.mbf, LEAST * size)
        shared = min(parameters.mex or memory, memory)
        kept = 0
        if 0 < parameters.noc < size:
            # Half of it is for those who turn out to send something.
            kept = shared // 2
            shared -= kept
        fair = parameters.mea if parameters.rlx else min(parameters.mea, shared // size)
        self.first = max(LEAST, fair)
        more = min(parameters.mea - self.first, kept // max(parameters.noc, 1))
        self.share = self.first + max(more, 0)
        self.reserve = self.first // 8 // HEADER * HEADER
        self.eager = max(0, min(parameters.pkt, (self.first - self.reserve) // 2 - HEADER))
        self._spare = min(kept, max(0, memory - self.first * size))
        self.give = min(parameters.gth or self.first // 2, max(self.first // 2, HEADER))
        self.peers: dict[Address, Peer] = {}
        self._named: dict[tuple[int, int], Peer] = {}
        self.nodes: dict[int, Peer] = {}

    def peer(self, address: Address, node: int) -> Peer:
        """Return what is known of the process at *address*, by whatever object says so."""
        found = self.peers.get(address)
        if found is None:
            name = address.group, address.rank
            found = self._named.get(name)
            if found is None:
                found = self._named[name] = self.peers[address] = Peer(address, node, self)
        return found

    def due(self, peer: Peer) -> int:
        """Return how many bytes to give a *peer* now, which are then owed no more."""
        amount, peer.owed = peer.owed, 0
        peer.returned += amount
        if not peer.known:
            peer.known = True
            more = min(self.share - self.first, self._spare)
            self._spare -= more
            amount += more
        peer.starved = peer.starved and not amount
        return amount
