"""A process's end of NX's message protocol: what it is as a sender and as a receiver.

Three portals take messages (15), news of acknowledgements and memory (25), and bodies (35). See
`_bits` for how a message says what it is, `_flow` for whose memory it may take, `_sends` and
`_receives` for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vmpp_nx._application import Application
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
        application: that the process belongs to, unless that is just its job.
    """

    __slots__ = (
        "_process", "application", "engine", "events", "globals", "kernel_send", "kinds", "lane",
        "last", "lookahead", "nodes", "packet", "ptype", "receives", "reserve", "selectors",
        "send_cost", "sends",
    )  # fmt: skip

    def __init__(self, process: Process, mailbox: Mailbox) -> None:
        parameters = mailbox.parameters
        self._process = process
        self.application: Application | None = None
        self.packet = min(parameters.pkt, parameters.sct or parameters.pkt)
        self.send_cost = parameters.send
        self.kernel_send = process.kernel.send
        self.engine = process.kernel.engine
        self.lookahead = process.kernel.lookahead
        self.lane = Lane(0, process.size, parameters, process.group)
        self.reserve = self.lane.reserve
        self.globals = Lane(GLOBAL, process.size, parameters, process.group)
        lanes = self.lane, self.globals
        self.events = Events(process, mailbox.entry)
        transfers = Transfers(process, mailbox, self.events.handle, self.events.raising)
        self.sends = Sends(process, parameters, lanes, transfers, self.events.raising)
        self.receives = Receives(process, mailbox, lanes, transfers, self.sends)
        self.events.serve(self.sends, self.receives)
        self.sends.read_requests(self.receives.lying)
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
        self.ptype = int(ptype)

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
        # Numbers of NumPy have not as many bits as match bits.
        kind, ptype = int(kind), int(ptype)
        bits = type_bits(kind) | ptype_bits(own, ptype)
        if ptype == own and kind < FIRST_FORCED:
            if len(self.kinds) >= _MANY:
                self.kinds.clear()
            self.kinds[kind] = bits
        return bits

    @property
    def size(self) -> int:
        """Number of nodes of the application."""
        return self._process.size if self.application is None else self.application.size

    def peer(self, node: int, ptype: int | None = None) -> Peer:
        """Return what is known of the process of a type on *node*, the own type if None.

        Raises:
            Refused: EQNODE, or EQPID: there is no such process.
        """
        if ptype is not None and ptype != self.ptype:
            return self._other(node, ptype)
        if self.application is not None and node == self.size:
            return self._other(node, self.own_ptype())
        if not (_whole(node) and 0 <= node < self.size):
            raise Refused("EQNODE", f"{node!r:.60} is not from 0 to {self.size - 1}")
        found = self.nodes.get(node)
        if found is None:
            node = int(node)
            if self.application is None:
                address = self._process.job.addresses[node]
            else:
                address = self.application.address(node, self.own_ptype())
            found = self.nodes[node] = self.lane.peer(address, node)
        return found

    def _other(self, node: int, ptype: int) -> Peer:
        """Return what is known of a process of another type than the own."""
        application = self.application
        if application is None and not self._process.admitted:
            # Nobody has been loaded: what is there may have set its own type.
            return self.peer(node)
        if not _whole(node):
            raise Refused("EQNODE", f"{node!r:.60} is no whole number")
        if application is None:
            application = self.application = Application.of_job(self._process, self.ptype)
        return self.lane.peer(application.address(int(node), ptype), int(node))

    def peers(self, node: int, ptype: int | None = None) -> list[Peer]:
        """Return whom a send to *node* means: with -1 all others. Raises as `peer`."""
        if _whole(node) and node == ANY:
            application = self.application
            own = self._process.rank if application is None else application.node
            return [self.peer(each, ptype) for each in range(self.size) if each != own]
        return [self.peer(node, ptype)]

    def sender(self, header: Header) -> int:
        """Return the node of the sender of a message."""
        source = header.source
        if self.application is None:
            if source.group == self._process.group:
                return source.rank
            self.application = Application.of_job(self._process, self.ptype)
        return self.application.node_of(source)

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
        highest = self.size - (self.application is None)
        if not (_whole(nodesel) and ANY <= nodesel <= highest):
            raise Refused("EQNODE", f"{nodesel!r:.60} is neither from 0 to {self.size - 1} nor -1")
        chosen = self.selection(typesel, ptypesel)
        if nodesel == ANY:
            return tuple((*each, *ANYBODY) for each in chosen)
        if self.application is None and not self._process.admitted:
            who = int(nodesel), self._process.group
            return tuple((*each, *who) for each in chosen)
        if self.application is None:
            self.application = Application.of_job(self._process, self.ptype)
        found = self.application.addresses(int(nodesel))
        return tuple((*each, place.rank, place.group) for place in found for each in chosen)

    def finish(self) -> None:
        """Let go what is still to be sent, as the program has ended normally."""
        self.sends.finish()


def _whole(number: Any) -> bool:
    """Return whether *number* is one, as NumPy's are, too."""
    return hasattr(number, "__index__")
