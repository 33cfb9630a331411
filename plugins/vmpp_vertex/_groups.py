"""The nodes that take part in a reduction, and how its messages go between them.

The messages have a portal and memory of their own, so they neither fill the node buffer nor get
lost in it. Their match bits are 16 of the mask, 16 of the program's message type, and 30 of the
operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vmpp.portals import DynamicBlock, Header, Heap, MemoryOperation, PortalEntry
from vmpp_collectives import Channel

if TYPE_CHECKING:
    from vmpp.portals import PortalTable
    from vmpp_vertex._node import Node

CONTROL_PORTAL: Final = 26

_BOUNDLESS: Final = 1 << 62
"""Size of the heap: at most a few messages of each peer wait in it, as many as an algorithm sends
before it waits."""


class VertexError(RuntimeError):
    """Nodes do not agree on an operation, or who calls is no process of a machine."""


def listen(table: PortalTable) -> None:
    """Set up the portal that the messages of reductions come to."""
    block = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, Heap(_BOUNDLESS))
    table.install(CONTROL_PORTAL, PortalEntry(block))


@dataclass(slots=True)
class Transfer:
    """A message under way: a receive, as sends are complete at once.

    Attributes:
        nbytes: bytes of the message, once it has been received.
        source: rank in the group of its sender.
        error: 1 if the message did not fit.
        tag: of the operation.
        into: where it goes; None: it has been received.
    """

    nbytes: int = 0
    source: int = 0
    error: int = 0
    tag: int = 0
    into: memoryview | None = None


class Transport:
    """The messages of the group that a mask makes, as a `vmpp_collectives.Transport`.

    Args:
        node: of the process.
        block: the descriptor that they arrive through.
        members: numbers of the nodes of the group, by rank.
        bits: what the match bits of all of its messages have in common.
    """

    __slots__ = ("_bits", "_block", "_heap", "_members", "_node")

    def __init__(self, node: Node, block: Any, members: Sequence[int], bits: int) -> None:
        self._node = node
        self._block = block
        self._heap: Heap = block.heap
        self._members = members
        self._bits = bits

    def send(self, context: int, rank: int, dest: int, tag: int, data: Any) -> None:
        """Send a copy of *data* to the node *dest*."""
        self._node.charge_send(len(data))
        self._node.send(dest, CONTROL_PORTAL, self._bits | tag, bytes(data))

    def isend(self, context: int, rank: int, dest: int, tag: int, data: Any) -> Transfer:
        """Send a copy of *data*: then there is nothing to wait for."""
        self.send(context, rank, dest, tag, data)
        return Transfer()

    def take(self, context: int, source: int, tag: int, into: memoryview) -> Header | None:
        """Receive a message; None if it is longer than *into*."""
        header = self._received(source, tag)
        if header.length > len(into):
            return None
        if header.length:
            into[: header.length] = header.body
        return header

    def ireceive(self, context: int, source: int, tag: int, into: memoryview) -> Transfer:
        """Begin to receive a message, which is taken when it is waited for."""
        return Transfer(source=source, tag=tag, into=into)

    def wait(self, transfer: Transfer) -> None:
        """Receive the message of *transfer*, if it has not been."""
        into, transfer.into = transfer.into, None
        if into is not None:
            header = self.take(0, transfer.source, transfer.tag, into)
            transfer.error = int(header is None)
            transfer.nbytes = 0 if header is None else header.length

    def receive_object(self, context: int, source: int, tag: int) -> tuple[Any, Transfer]:
        """Receive a message of any length, from any rank if *source* is -1."""
        header = self._received(source, tag)
        sender = self._members.index(header.source.rank)
        return header.body or b"", Transfer(nbytes=header.length, source=sender)

    def refuse(self, context: int, transfer: Transfer) -> None:
        """Raise nothing: nothing else than a message that does not fit ends a transfer."""

    def _received(self, source: int, tag: int) -> Header:
        """Take a message out of the heap, once it is there."""
        bits = self._bits | tag
        sender = -1 if source < 0 else self._members[source]
        heap = self._heap
        while True:
            for place, header in enumerate(heap.messages):
                if header.bits == bits and sender in (-1, header.source.rank):
                    del heap.messages[place]
                    heap.free(header)
                    self._node.charge_receive(header.length)
                    return header
            self._node.process.wait(self._block)


def _disagreement(text: str) -> VertexError:
    return VertexError(text.replace("rank", "node"))


class _Resumed(Channel):
    """A channel that goes on where another one of its group left off."""

    __slots__ = ()

    def after(self, operations: int) -> _Resumed:
        """Have so many operations behind it."""
        self._sequence = operations
        return self


class Groups:
    """The groups that a process takes part in.

    Of each it keeps the number of operations only, by mask and message type: a program may use a
    new type for every reduction.
    """

    __slots__ = ("_block", "_members", "_node", "_operations")

    def __init__(self, node: Node) -> None:
        entry: Any = node.process.table.entries[CONTROL_PORTAL]
        self._node = node
        self._block = entry.target
        self._members: dict[int, Sequence[int]] = {}
        self._operations: dict[tuple[int, int], int] = {}

    def channel(self, mask: int, kind: int) -> tuple[Channel, Sequence[int]]:
        """Return the way to a group for one operation, and the numbers of its nodes.

        Args:
            mask: bits of dimensions that there are: the group is those nodes that differ from this
                one in none but these.
            kind: type of the messages, as the program says.
        """
        process, setup = self._node.process, self._node.setup
        members = self._members.get(mask)
        if members is None:
            members = self._members[mask] = members_of(process.rank, mask, process.size)
        transport = Transport(self._node, self._block, members, mask << 46 | kind << 30)
        rank = members.index(process.rank)
        channel = _Resumed(transport, 0, rank, members, setup.segment, setup.choices, _disagreement)
        behind = self._operations.get((mask, kind), 0)
        self._operations[mask, kind] = behind + 1
        return channel.after(behind), members


def members_of(node: int, mask: int, size: int) -> Sequence[int]:
    """Return the numbers below *size* that differ from *node* in bits of *mask* only, sorted."""
    if mask == (1 << (size - 1).bit_length()) - 1:
        return range(size)
    members = [node & ~mask]
    while mask:
        bit = mask & -mask
        members += [member | bit for member in members]
        mask ^= bit
    return [member for member in members if member < size]
