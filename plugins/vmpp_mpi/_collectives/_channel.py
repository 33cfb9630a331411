"""What a collective operation needs of the world: peers by rank, and a way to combine buffers.

A channel belongs to one communicator, or to one group while a communicator is made of it. The tag
of its messages holds a running number and the kind of operation: ranks that call different
operations, or one more than the others, never take each other's messages. They end in a deadlock,
whose report shows what each rank called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vmpp.portals import Address
    from vmpp_mpi._collectives._choice import Choices
    from vmpp_mpi._protocol import Protocol, Transfer

Buffer = memoryview | bytes | bytearray
"""Bytes to send: one-dimensional."""

NOTHING: Final = memoryview(bytearray())
"""An empty buffer, to send from and to receive into."""


class Kind(IntEnum):
    """The collective operations, as the tags of their messages name them."""

    BARRIER = 0
    BCAST = 1
    GATHER = 2
    SCATTER = 3
    ALLGATHER = 4
    ALLTOALL = 5
    REDUCE = 6
    ALLREDUCE = 7
    REDUCE_SCATTER = 8
    SCAN = 9
    EXSCAN = 10
    GATHERV = 11
    SCATTERV = 12
    ALLGATHERV = 13
    ALLTOALLV = 14
    ALLTOALLW = 15
    REDUCE_SCATTER_BLOCK = 16
    CREATE = 17
    DUP = 18
    SPLIT = 19
    CREATE_INTERCOMM = 20
    MERGE = 21
    NEIGHBOR_ALLGATHER = 22
    NEIGHBOR_ALLGATHERV = 23
    NEIGHBOR_ALLTOALL = 24
    NEIGHBOR_ALLTOALLV = 25
    NEIGHBOR_ALLTOALLW = 26
    FILE = 27


_KINDS: Final = 32
_SEQUENCE_MASK: Final = (1 << 25) - 1
_GROUP_TAG: Final = 1 << 30
"""Set in the tags of channels over a group that has no communicator yet."""
_LEADER_TAG: Final = 1 << 29
"""Set besides in the tags of messages between the leaders of two such groups."""

PARTITIONED_TAG: Final = 1 << 31
"""Set in the tags of partitioned messages, which share the context of collective operations."""

_SEGMENT: Final = 1024
"""The least bytes that are worth a message of a pipeline."""

_NAMES: Final = {kind: kind.name.capitalize() for kind in Kind}


def describe(tag: int) -> str:
    """Return the name of the operation that a message with *tag* belongs to."""
    if tag & _GROUP_TAG:
        return "Create_intercomm" if tag & _LEADER_TAG else "Create_group"
    return _NAMES.get(Kind(tag % _KINDS), "collective")


@dataclass(slots=True)
class Reduction:
    """How two vectors become one.

    Attributes:
        combine: called with two vectors of the same length, the lower ranks' first; leaves the
            result in the second.
        itemsize: bytes of an element; vectors are divided between elements only.
        commutative: whether operands may change places.
    """

    combine: Callable[[memoryview, memoryview], None]
    itemsize: int
    commutative: bool


class Channel:
    """A rank's way to the other ranks of a group, for one collective operation at a time.

    Args:
        protocol: the process's end of the message protocol.
        context: of the messages.
        rank: of this process in the group.
        addresses: of all processes of the group, by rank.
        eager: bytes that the protocol sends without waiting for the receiver.
        choices: which algorithms to choose.
        failure: makes an exception of words, when a message is longer or shorter than expected.
    """

    __slots__ = (
        "_addresses", "_context", "_eager", "_failure", "_ireceive", "_isend", "_object",
        "_protocol", "_send", "_sequence", "_take", "_wait", "chosen", "rank", "size", "tag",
    )  # fmt: skip

    def __init__(
        self,
        protocol: Protocol,
        context: int,
        rank: int,
        addresses: Sequence[Address],
        eager: int,
        choices: Choices,
        failure: Callable[[str], Exception],
    ) -> None:
        self.rank = rank
        self.size = len(addresses)
        self.tag = 0
        self.chosen = choices.of(self.size)
        self._addresses = addresses
        self._context = context
        self._eager = eager
        self._failure = failure
        self._sequence = 0
        self._protocol = protocol
        # Bound once: a collective on thousands of ranks calls these for each of its messages.
        self._send = protocol.send
        self._take = protocol.take
        self._isend = protocol.isend
        self._ireceive = protocol.ireceive
        self._object = protocol.receive_object
        self._wait = protocol.wait

    @property
    def operation(self) -> tuple[int, int]:
        """What tells the operation from all others that are under way, the same on all ranks."""
        return self._context, self.tag

    def begin(self, kind: Kind) -> Channel:
        """Turn to the next operation of the communicator, of this *kind*."""
        sequence = self._sequence = (self._sequence + 1) & _SEQUENCE_MASK
        self.tag = sequence * _KINDS + kind
        return self

    def apart(self, kind: Kind, failure: Callable[[str], Exception]) -> Channel:
        """Return a way for the next operation alone, which goes on beside those that follow.

        Args:
            kind: of the operation.
            failure: as for any channel.
        """
        # Written out: half as long as looking everything up anew.
        other = Channel.__new__(Channel)
        other.rank = self.rank
        other.size = self.size
        # The own tag stays: another thread may be in the middle of an operation.
        sequence = self._sequence = (self._sequence + 1) & _SEQUENCE_MASK
        other.tag = sequence * _KINDS + kind
        other.chosen = self.chosen
        other._addresses = self._addresses
        other._context = self._context
        other._eager = self._eager
        other._failure = failure
        other._sequence = 0
        other._protocol = self._protocol
        other._send = self._send
        other._take = self._take
        other._isend = self._isend
        other._ireceive = self._ireceive
        other._object = self._object
        other._wait = self._wait
        return other

    def over_group(self, tag: int, *, leaders: bool = False) -> Channel:
        """Turn to making a communicator; *tag* tells it from others that are being made.

        Args:
            tag: any number.
            leaders: whether the channel is one between the leaders of two groups.
        """
        self.tag = _GROUP_TAG | (leaders * _LEADER_TAG) | (tag & (_LEADER_TAG - 1))
        return self

    def segment(self, itemsize: int = 1) -> int:
        """Return how many bytes of a pipeline to send at once: what waits for no receiver."""
        return max(max(self._eager, _SEGMENT) // itemsize, 1) * itemsize

    def send(self, peer: int, data: Buffer) -> None:
        """Send *data* to *peer*; its memory may be used again on return."""
        self._send(self._context, self.rank, self._addresses[peer], self.tag, data)

    def receive(self, peer: int, into: memoryview) -> None:
        """Receive from *peer* exactly as many bytes as *into* has.

        Raises:
            Exception: what `mismatch` returns, when there were more, or fewer.
        """
        header = self._take(self._context, peer, self.tag, into)
        if header is None:
            raise self.mismatch(peer, "more", len(into))
        if header.length != len(into):
            raise self.mismatch(peer, header.length, len(into))

    def receive_any(self, peer: int) -> Buffer:
        """Receive from *peer* a message of whatever length."""
        data: Buffer = self._object(self._context, peer, self.tag)[0]
        return data

    def begin_send(self, peer: int, data: Buffer) -> Transfer:
        """Begin to send *data* to *peer*; `finish` says when its memory may be used again."""
        return self._isend(self._context, self.rank, self._addresses[peer], self.tag, data)

    def finish(self, transfer: Transfer) -> None:
        """Wait until what has been begun is complete."""
        self._wait(transfer)

    def begin_receive(self, peer: int, into: memoryview) -> Transfer:
        """Begin to receive from *peer* exactly as many bytes as *into* has."""
        return self._ireceive(self._context, peer, self.tag, into)

    def finish_receive(self, transfer: Transfer, peer: int, into: memoryview) -> None:
        """Wait until what `begin_receive` has begun is complete.

        Raises:
            Exception: what `mismatch` returns, when there were more bytes, or fewer.
        """
        self._wait(transfer)
        if transfer.error:
            self._protocol.refuse(self._context, transfer)
            raise self.mismatch(peer, "more", len(into))
        if transfer.nbytes != len(into):
            raise self.mismatch(peer, transfer.nbytes, len(into))

    def receive_from_any(self) -> tuple[int, Buffer]:
        """Receive from whoever sends next a message of whatever length; return the sender, too."""
        data, transfer = self._object(self._context, -1, self.tag)
        return transfer.source, data

    def exchange(self, dest: int, data: Buffer, source: int, into: memoryview) -> None:
        """Send *data* to *dest* while receiving from *source* exactly what *into* has room for.

        Raises:
            Exception: what `mismatch` returns, when there were more bytes, or fewer.
        """
        if len(data) <= self._eager:
            self._send(self._context, self.rank, self._addresses[dest], self.tag, data)
            header = self._take(self._context, source, self.tag, into)
            if header is None:
                raise self.mismatch(source, "more", len(into))
            if header.length != len(into):
                raise self.mismatch(source, header.length, len(into))
            return
        # A long send waits for its receiver: all around a ring would wait had none posted first.
        transfer = self._ireceive(self._context, source, self.tag, into)
        self._send(self._context, self.rank, self._addresses[dest], self.tag, data)
        self.finish_receive(transfer, source, into)

    def exchange_any(self, dest: int, data: Buffer, source: int) -> Buffer:
        """Send *data* to *dest* while receiving from *source* a message of whatever length."""
        transfer = self._isend(self._context, self.rank, self._addresses[dest], self.tag, data)
        received: Buffer = self._object(self._context, source, self.tag)[0]
        self._wait(transfer)
        return received

    def mismatch(self, peer: int, got: int | str, expected: int) -> Exception:
        """Return the exception for *got* bytes from *peer* where others were *expected*."""
        return self._failure(
            f"{describe(self.tag)}: {got} bytes from rank {peer} where {expected} were expected; "
            "all ranks must call it with counts that agree"
        )
