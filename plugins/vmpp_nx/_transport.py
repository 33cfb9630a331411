"""Messages of global operations: what the shared algorithms of collectives travel by.

They go through the portals of all messages, with a flag in their match bits that no receive of a
program matches, and take memory of their own at the receiver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vmpp_collectives import DEFAULT_CHOICES, Channel
from vmpp_nx._bits import ANY, ASKS, GLOBAL, ptype_bits
from vmpp_nx._errors import CODES, Refused
from vmpp_nx._receives import ANYBODY, Receiving, Wanted

if TYPE_CHECKING:
    from vmpp.portals import Address, Header
    from vmpp_collectives import Buffer
    from vmpp_nx._sends import Sending
    from vmpp_nx._state import State

_TAG_SHIFT: Final = 30
_MASK: Final = (1 << 64) - 1 & ~ASKS


class Sent:
    """A send under way."""

    __slots__ = ("error", "nbytes", "sending", "source")

    def __init__(self, sending: Sending) -> None:
        self.sending = sending
        self.error = 0
        self.nbytes = 0
        self.source = -1


class Taken:
    """A receive under way; see `vmpp_collectives.Transfer`."""

    __slots__ = ("error", "nbytes", "receiving", "source")

    def __init__(self, receiving: Receiving | None, header: Header | None = None) -> None:
        self.receiving = receiving
        self.error = 0
        self.nbytes = 0 if header is None else header.length
        self.source = -1


class Globals:
    """A process's part in the global operations of its application.

    Attributes:
        channel: to the other nodes.
    """

    __slots__ = ("_lane", "_own", "_places", "_receives", "_sends", "channel")

    def __init__(self, state: State) -> None:
        messages = state.messages
        own = messages.own_ptype()
        if state.node >= state.size:
            raise Refused("EQNODE", "this process is on none of the application's nodes")
        addresses = state.addresses
        self._lane = messages.globals
        self._sends = messages.sends
        self._receives = messages.receives
        self._own = GLOBAL | ptype_bits(own, own)
        self._places = addresses
        choices = state.parameters.choices or DEFAULT_CHOICES
        # Between jobs there is memory for next to nothing that nobody expects.
        together = all(address.group == state.process.group for address in addresses)
        eager = messages.globals.eager if together else 0
        self.channel = Channel(self, 0, state.node, addresses, eager, choices, _mismatch)

    def _wanted(self, source: int, tag: int) -> Wanted:
        bits = self._own | tag << _TAG_SHIFT
        if source == ANY:
            return ((bits, _MASK, *ANYBODY),)
        address = self._places[source]
        return ((bits, _MASK, address.rank, address.group),)

    # -- what channels ask for -------------------------------------------------------------------

    def send(self, context: int, rank: int, dest: Address, tag: int, data: Buffer, /) -> None:
        """Send *data*, and return when its memory may be used again."""
        peer = self._lane.peers.get(dest) or self._lane.peer(dest, dest.rank)
        self._sends.send(peer, self._own | tag << _TAG_SHIFT, memoryview(data))

    def isend(self, context: int, rank: int, dest: Address, tag: int, data: Buffer, /) -> Any:
        """Begin to send *data*."""
        peer = self._lane.peer(dest, dest.rank)
        return Sent(self._sends.begin(peer, self._own | tag << _TAG_SHIFT, memoryview(data)))

    def take(self, context: int, source: int, tag: int, into: memoryview, /) -> Header | None:
        """Receive a message; return its header, or None if it was longer than *into*."""
        try:
            return self._receives.receive(self._wanted(source, tag), into)
        except Refused as error:
            if error.code != CODES["EQMSGLONG"]:
                raise
            return None

    def ireceive(self, context: int, source: int, tag: int, into: memoryview, /) -> Any:
        """Begin to receive a message."""
        return Taken(self._receives.begin(self._wanted(source, tag), into))

    def receive_object(self, context: int, source: int, tag: int, /) -> tuple[Any, Any]:
        """Receive a message of any length, from any node if *source* is -1."""
        header = self._receives.probe(self._wanted(source, tag), blocking=True)
        assert header is not None
        found = header.source
        into = memoryview(bytearray(header.length))
        bits = self._own | tag << _TAG_SHIFT
        header = self._receives.receive(((bits, _MASK, found.rank, found.group),), into)
        taken = Taken(None, header)
        taken.source = self._places.index(found) if source == ANY else source
        return into, taken

    def wait(self, transfer: Any, /) -> None:
        """Block until *transfer* is complete."""
        if isinstance(transfer, Sent):
            self._sends.wait(transfer.sending)
        elif transfer.receiving is not None:
            receiving, transfer.receiving = transfer.receiving, None
            self._receives.wait(receiving)
            transfer.error = int(receiving.error is not None)
            transfer.nbytes = 0 if receiving.header is None else receiving.header.length

    def refuse(self, context: int, transfer: Any, /) -> None:
        """Do nothing: what fails is a message that does not fit."""


def _mismatch(text: str) -> Exception:
    return Refused("EQMSGLONG", text.replace("rank", "node"))
