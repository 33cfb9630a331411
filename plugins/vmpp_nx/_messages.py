"""A process's end of NX's message protocol: what it is as a sender and as a receiver.

Three portals take messages (15), news of acknowledgements and memory (25), and bodies (35). See
`_bits` for how a message says what it is, `_flow` for whose memory it may take, `_sends` and
`_receives` for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vmpp_nx._bits import (
    ANY,
    FIRST_FORCED,
    GLOBAL,
    PTYPES,
    TYPES,
    Selection,
    ptype_bits,
    selection,
    type_bits,
)
from vmpp_nx._errors import Refused
from vmpp_nx._events import Events
from vmpp_nx._flow import Lane, Peer
from vmpp_nx._receives import ANYBODY, Receives, Wanted
from vmpp_nx._sends import Sends
from vmpp_nx._transfers import Transfers

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp.portals import Header
    from vmpp_nx._mailbox import Mailbox

INVALID_PTYPE: Final = -1
_MANY: Final = 1024
"""Types whose match bits a process keeps."""


class Messages:
    """One process's end of the protocol.

    Attributes:
        ptype: the process's type, `INVALID_PTYPE` while it has none.
        kinds: match bits of messages to processes of the own type, by type; those sent so far.
        selectors: match bits and mask of receives from anybody, by selector; those used so far.
        nodes: the processes that messages have been sent to, by node.
        packet: longest body that goes as one packet.
        reserve: memory of each receiver's that is for messages which ask.
        send_cost: library time of a send, ps.
        kernel_send, engine, lookahead: of the process's kernel.
        last: header of the last message that was received or probed.
    """

    __slots__ = (
        "_process", "_size", "engine", "events", "globals", "kernel_send", "kinds", "lane", "last",
        "lookahead", "nodes", "packet", "ptype", "receives", "reserve", "selectors", "send_cost",
        "sends",
    )  # fmt: skip

    def __init__(self, process: Process, mailbox: Mailbox) -> None:
        parameters = mailbox.parameters
        self._process = process
        self._size = process.size
        self.packet = min(parameters.pkt, parameters.sct or parameters.pkt)
        self.send_cost = parameters.send
        self.kernel_send = process.kernel.send
        self.engine = process.kernel.engine
        self.lookahead = process.kernel.lookahead
        self.lane = Lane(0, process.size, parameters)
        self.reserve = self.lane.reserve
        self.globals = Lane(GLOBAL, process.size, parameters)
        lanes = self.lane, self.globals
        self.events = Events(process, mailbox.entry)
        transfers = Transfers(process, mailbox, self.events.handle, self.events.raising)
        self.sends = Sends(process, parameters, lanes, transfers, self.events.raising)
        self.receives = Receives(process, mailbox, lanes, transfers, self.sends)
        self.events.serve(self.sends, self.receives)
        self.sends.read_requests()
        self.nodes = self.lane.nodes
        self.kinds: dict[int, int] = {}
        self.selectors: dict[int, tuple[int, int]] = {}
        self.last: Header | None = None
        self.ptype = parameters.ptype

    def set_ptype(self, ptype: int) -> None:
        """Give the process its type, which it keeps.

        Raises:
            Refused: EQPID: there is no such type; EQSET: it has another.
        """
        if not (_whole(ptype) and 0 <= ptype < PTYPES):
            raise Refused("EQPID", f"{ptype!r:.60} is not from 0 to {PTYPES - 1}")
        if self.ptype not in {INVALID_PTYPE, ptype}:
            raise Refused("EQSET", f"it is {self.ptype}")
        self.ptype = ptype

    def own_ptype(self) -> int:
        """Return the process's type. Raises Refused: EQNOSET: it has none."""
        if self.ptype == INVALID_PTYPE:
            raise Refused("EQNOSET", "call setptype first, or start the program with -pt")
        return self.ptype

    # -- whom and what a call means ------------------------------------------------------------

    def bits(self, kind: int, ptype: int) -> int:
        """Return the match bits of a message of type *kind* to a process of type *ptype*.

        Raises:
            Refused: EQTYPE, EQPID or EQNOSET.
        """
        own = self.own_ptype()
        if not (_whole(kind) and 0 <= kind < TYPES):
            raise Refused("EQTYPE", f"{kind!r:.60} is not from 0 to {TYPES - 1}")
        if not (_whole(ptype) and 0 <= ptype < PTYPES):
            raise Refused("EQPID", f"{ptype!r:.60} is not from 0 to {PTYPES - 1}")
        bits = type_bits(kind) | ptype_bits(own, ptype)
        if ptype == own and kind < FIRST_FORCED:
            if len(self.kinds) >= _MANY:
                self.kinds.clear()
            self.kinds[kind] = bits
        return bits

    def peer(self, node: int) -> Peer:
        """Return what is known of the process on *node*. Raises Refused: EQNODE."""
        if not (_whole(node) and 0 <= node < self._size):
            raise Refused("EQNODE", f"{node!r:.60} is not from 0 to {self._size - 1}")
        found = self.nodes.get(node)
        if found is None:
            node = int(node)
            found = self.nodes[node] = self.lane.peer(self._process.job.addresses[node], node)
        return found

    def peers(self, node: int) -> list[Peer]:
        """Return whom a send to *node* means: with -1 all others. Raises Refused: EQNODE."""
        if _whole(node) and node == ANY:
            own = self._process.rank
            return [self.peer(each) for each in range(self._size) if each != own]
        return [self.peer(node)]

    def selection(self, typesel: int, ptypesel: int = ANY) -> Selection:
        """Return what a receive takes. Raises Refused: EQTYPE, EQPID or EQNOSET."""
        own = self.own_ptype()
        if not _whole(typesel):
            raise Refused("EQTYPE", f"{typesel!r:.60} is no whole number")
        if not _whole(ptypesel):
            raise Refused("EQPID", f"{ptypesel!r:.60} is no whole number")
        found = selection(int(typesel), int(ptypesel), own)
        if ptypesel == ANY and len(found) == 1:
            if len(self.selectors) >= _MANY:
                self.selectors.clear()
            self.selectors[typesel] = found[0]
        return found

    def wanted(self, typesel: int, nodesel: int = ANY, ptypesel: int = ANY) -> Wanted:
        """Return what a receive takes, for `Receives`.

        Raises:
            Refused: EQTYPE, EQNODE, EQPID or EQNOSET.
        """
        if not (_whole(nodesel) and ANY <= nodesel < self._size):
            raise Refused("EQNODE", f"{nodesel!r:.60} is neither from 0 to {self._size - 1} nor -1")
        who = ANYBODY if nodesel == ANY else (int(nodesel), self._process.group)
        return tuple((*each, *who) for each in self.selection(typesel, ptypesel))

    def finish(self) -> None:
        """Let go what is still to be sent, as the program has ended normally."""
        self.sends.finish()


def _whole(number: Any) -> bool:
    """Return whether *number* is one, as NumPy's are, too."""
    return hasattr(number, "__index__")
