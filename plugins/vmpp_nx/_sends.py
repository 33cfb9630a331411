"""Sending: at once as long as the receiver has memory for it, otherwise when it has.

A message that the receiver has memory for, if need be, goes whole: a short one as a copy, of which
nothing is heard again, a longer one as a view of the sender's memory, acknowledged when it has been
taken. If the memory is taken by others, it waits until some of these have been received.

One that is longer than all the memory there is asks: its body goes along for a receive that may
have been posted, and if none has, the receiver keeps the header alone and reads the body later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vmpp.portals import AckOutcome, SendInfo
from vmpp_nx._bits import ASKS, FORCE, GLOBAL
from vmpp_nx._flow import AMOUNT, GIVES, Lane, Peer
from vmpp_nx._mailbox import NEWS_PORTAL, RECEIVE_PORTAL
from vmpp_nx._parameters import HEADER
from vmpp_nx._transfers import REQUEST, Slot, Transfers

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp_nx._parameters import Parameters


class Sending:
    """A send that is not complete when it is made.

    Attributes:
        done: whether its buffer may be used again. Ask `Sends.look`, which looks.
    """

    __slots__ = ("asks", "bits", "body", "done", "peer", "slot")

    def __init__(self, peer: Peer, bits: int, body: Any) -> None:
        self.peer = peer
        self.bits = bits
        self.body = body
        self.asks = False
        self.done = False
        self.slot: Slot | None = None


class Sends:
    """A process's sends.

    Attributes:
        news: what acknowledgements, and memory given back, arrive at.
        unfinished: sends that handlers have left behind.
        watched: how many sends there are whose end shall interrupt the program.
    """

    __slots__ = (
        "_abandoned", "_cost", "_engine", "_globals", "_kernel_send", "_lane", "_largest",
        "_lookahead", "_packet", "_process", "_raising", "_threshold", "_transfers", "_waiting",
        "news", "unfinished", "watched",
    )  # fmt: skip

    def __init__(
        self,
        process: Process,
        parameters: Parameters,
        lanes: tuple[Lane, Lane],
        transfers: Transfers,
        raising: set[Any],
    ) -> None:
        self._process = process
        self._engine = process.kernel.engine
        self._lookahead = process.kernel.lookahead
        self._kernel_send = process.kernel.send
        self._cost = parameters.send
        self._packet = parameters.pkt
        self._threshold = parameters.sth
        self._largest = parameters.sct or AMOUNT
        self._lane, self._globals = lanes
        self._transfers = transfers
        self.news = transfers.news
        self._raising = raising
        self._waiting: dict[Peer, None] = {}
        self.unfinished: deque[Sending] = deque()
        self.watched = 0
        # Sends that nobody asks for any more, whose bodies are copies.
        self._abandoned: list[Sending] = []

    def send(self, peer: Peer, bits: int, body: memoryview) -> None:
        """Send *body* and return when its memory may be used again.

        A handler cannot wait for that: it leaves a copy.
        """
        process = self._process
        if process.in_handler:
            sending = self.begin(peer, bits, memoryview(bytes(body)))
            if not sending.done:
                self.unfinished.append(sending)
            return
        self.wait(self.begin(peer, bits, body))

    def begin(self, peer: Peer, bits: int, body: memoryview) -> Sending:
        """Begin to send *body*, which must stay as it is until the send is done."""
        process = self._process
        process.clock += self._cost
        sending = Sending(peer, bits, body)
        if self._transfers.arrived:
            self.read_news()
        if (peer.queue and not _is_forced(bits)) or not self._go(sending):
            self._queue(sending)
        if process.clock - self._engine.now > self._lookahead:
            process.synchronise()
        return sending

    def _queue(self, sending: Sending) -> None:
        """Have a send wait for memory, which it asks for."""
        peer = sending.peer
        peer.queue.append(sending)
        self._waiting[peer] = None
        # The program may do something else meanwhile, and shall be interrupted.
        self._raising.add(self.news)
        self._ask(peer)

    def _ask(self, peer: Peer) -> None:
        """Ask a receiver for memory, unless it has been asked already."""
        if not peer.asked:
            peer.asked = True
            sent = peer.granted - peer.credit & AMOUNT
            self._post(peer, REQUEST | peer.lane.flag | sent)

    def _post(self, peer: Peer, bits: int) -> None:
        self._kernel_send(self._process, peer.address, NEWS_PORTAL, bits, None, 0)

    def _go(self, sending: Sending) -> bool:
        """Send, if there is memory for it; return whether there was."""
        peer, body = sending.peer, sending.body
        length = len(body)
        if _is_forced(sending.bits):
            self._write(sending, bytes(body), None)
            sending.done = True
            return True
        credit, need = peer.credit, length + HEADER
        if need <= credit - peer.reserve and self._may_fill(length, credit):
            peer.credit -= need
            if length > self._packet:
                self._hand_over(sending)
            else:
                self._write(sending, bytes(body) if length else None, None)
                sending.done = True
            return True
        if credit < HEADER or (need <= peer.most and self._may_fill(length, peer.most)):
            # There will be memory, when some of what it has sent there has been received.
            return False
        peer.credit -= HEADER
        sending.asks = True
        self._hand_over(sending)
        return True

    def _may_fill(self, length: int, credit: int) -> bool:
        """Return whether a message may take of so much memory at the receiver, if it fits."""
        if length <= self._packet:
            return length <= self._largest
        return length <= self._largest and credit >= self._threshold

    def _hand_over(self, sending: Sending) -> None:
        """Send a body as it lies in memory, to be acknowledged, or read later if it asks."""
        slot = sending.slot = self._transfers.offer(sending.body)
        slot.block.valid = sending.asks
        if sending.asks:
            sending.bits |= ASKS
        info = SendInfo(return_portal=NEWS_PORTAL, return_bits=slot.number)
        self._write(sending, sending.body, info)

    def _write(self, sending: Sending, body: Any, info: SendInfo | None) -> None:
        self._kernel_send(
            self._process,
            sending.peer.address,
            RECEIVE_PORTAL,
            sending.bits,
            body,
            len(sending.body),
            info,
        )

    def give(self, peer: Peer) -> None:
        """Give a sender back what its messages have taken here."""
        amount = peer.lane.due(peer)
        if amount:
            self._post(peer, GIVES | peer.lane.flag | amount)

    def read_requests(self, lying: Callable[[Peer], int]) -> None:
        """Give memory to those who have asked for it, or note that they wait for some.

        Args:
            lying: tells what the messages of a sender take that lie here and are not counted yet.
        """
        for header in self._transfers.read_requests():
            lane = self._globals if header.bits & GLOBAL else self._lane
            peer = lane.peer(header.source, header.source.rank)
            known = peer.returned + peer.owed + lying(peer)
            peer.owed += (header.bits & AMOUNT) - known & AMOUNT
            peer.starved = True
            self.give(peer)

    def read_news(self) -> None:
        """Take acknowledgements in, and memory, with which sends that waited for it can go."""
        given: dict[Peer, None] = {}
        for header in self._transfers.read_news():
            if header.bits & GIVES:
                lane = self._globals if header.bits & GLOBAL else self._lane
                peer = lane.peer(header.source, header.source.rank)
                peer.credit += header.bits & AMOUNT
                peer.granted += header.bits & AMOUNT
                peer.asked = False
                given[peer] = None
            else:
                self._transfers.acknowledged(header)
        for peer in given:
            self._serve(peer)
        if self._abandoned:
            self._abandoned = [each for each in self._abandoned if self.look(each) is not None]

    def _serve(self, peer: Peer) -> None:
        queue = peer.queue
        while queue and self._go(queue[0]):
            queue.popleft()
        if queue:
            self._ask(peer)
        else:
            self._waiting.pop(peer, None)
            self.settle()

    def settle(self) -> None:
        """Let news interrupt the program no more, if no send is left that needs it."""
        if not self._waiting and not self.watched:
            self._raising.discard(self.news)

    def look(self, sending: Sending) -> Any:
        """Return None if a send is done by now, or the descriptor whose change it waits for."""
        if sending.done:
            return None
        if self._transfers.arrived:
            self.read_news()
        slot = sending.slot
        if slot is None:
            return None if sending.done else self.news
        if not slot.outcome:
            return self.news
        if sending.asks and slot.outcome == AckOutcome.SAVED_HEADER and not slot.block.messages:
            return slot.block
        self._transfers.release(slot)
        sending.done = True
        sending.slot = None
        return None

    def wait(self, sending: Sending) -> None:
        """Block until a send is done."""
        process = self._process
        while not sending.done:
            watch = self.look(sending)
            if watch is None:
                return
            process.wait(watch)

    def cancel(self, sending: Sending) -> None:
        """Have the memory of a send free at once: nobody gets it, or a copy if it is on its way."""
        peer = sending.peer
        if sending.slot is None and not sending.done:
            peer.queue.remove(sending)
            sending.done = True
        slot = sending.slot
        while slot is not None and not slot.outcome:
            # Before it has arrived it lies nowhere else. That does not take a receiver.
            self._process.wait(self.news)
            self.read_news()
        if self.look(sending) is not None and slot is not None:
            slot.block.buffer = memoryview(bytes(sending.body))
            self._abandoned.append(sending)

    def finish(self) -> None:
        """Wait for what handlers have sent and left behind."""
        while self.unfinished:
            self.wait(self.unfinished.popleft())


def _is_forced(bits: int) -> bool:
    """Return whether a message takes no memory, and waits for none."""
    return bits & (GLOBAL | FORCE) == FORCE
