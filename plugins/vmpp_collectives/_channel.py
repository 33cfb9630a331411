"""What a collective operation needs of the world: peers by rank, and a way to combine buffers.

A channel belongs to one group of processes. The tag of its messages holds a running number and the
kind of operation: ranks that call different operations, or one more than the others, never take
each other's messages. They end in a deadlock, whose report shows what each rank called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, Self

from vmpp_collectives._transport import Buffer, Transfer, Transport

if TYPE_CHECKING:
    from vmpp_collectives._choice import Choices

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


KINDS: Final = 32
"""How many kinds tags have room for; those that `Kind` leaves are for a library's own."""

_SEQUENCE_MASK: Final = (1 << 25) - 1
_SEGMENT: Final = 1024
"""The least bytes that are worth a message of a pipeline."""

_NAMES: Final = {kind.value: kind.name.capitalize() for kind in Kind}


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
        transport: of the library: carries the messages.
        context: handed on to the transport.
        rank: of this process in the group.
        addresses: of all processes of the group, by rank: what the transport sends to.
        eager: bytes that the transport sends without waiting for the receiver.
        choices: which algorithms to choose.
        failure: makes an exception of words, when a message is longer or shorter than expected.

    Attributes:
        rank: of this process in the group.
        size: number of processes of the group.
        tag: of the operation's messages.
        chosen: for each operation's name what there is to choose from.
    """

    __slots__ = (
        "_addresses", "_context", "_eager", "_failure", "_ireceive", "_isend", "_object",
        "_send", "_sequence", "_take", "_transport", "_wait", "chosen", "rank", "size", "tag",
    )  # fmt: skip

    def __init__(
        self,
        transport: Transport[Any],
        context: int,
        rank: int,
        addresses: Sequence[Any],
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
        self._transport = transport
        # Bound once: a collective on thousands of ranks calls these for each of its messages.
        self._send = transport.send
        self._take = transport.take
        self._isend: Callable[..., Transfer] = transport.isend
        self._ireceive: Callable[..., Transfer] = transport.ireceive
        self._object = transport.receive_object
        self._wait = transport.wait

    @property
    def operation(self) -> tuple[int, int]:
        """What tells the operation from all others that are under way, the same on all ranks."""
        return self._context, self.tag

    def begin(self, kind: int) -> Self:
        """Turn to the next operation of the group, of this *kind*.

        Args:
            kind: a `Kind`, or a number of the library's own below `KINDS`.
        """
        sequence = self._sequence = (self._sequence + 1) & _SEQUENCE_MASK
        self.tag = sequence * KINDS + kind
        return self

    def apart(self, kind: int, failure: Callable[[str], Exception]) -> Self:
        """Return a way for the next operation alone, which goes on beside those that follow.

        Args:
            kind: of the operation, as for `begin`.
            failure: as for any channel.
        """
        # Written out: half as long as looking everything up anew.
        other = self.__class__.__new__(self.__class__)
        other.rank = self.rank
        other.size = self.size
        # The own tag stays: another thread may be in the middle of an operation.
        sequence = self._sequence = (self._sequence + 1) & _SEQUENCE_MASK
        other.tag = sequence * KINDS + kind
        other.chosen = self.chosen
        other._addresses = self._addresses
        other._context = self._context
        other._eager = self._eager
        other._failure = failure
        other._sequence = 0
        other._transport = self._transport
        other._send = self._send
        other._take = self._take
        other._isend = self._isend
        other._ireceive = self._ireceive
        other._object = self._object
        other._wait = self._wait
        return other

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
            self._transport.refuse(self._context, transfer)
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

    def describe(self) -> str:
        """Return the name of the operation under way, for reports."""
        return _NAMES.get(self.tag % KINDS, "collective")

    def mismatch(self, peer: int, got: int | str, expected: int) -> Exception:
        """Return the exception for *got* bytes from *peer* where others were *expected*."""
        return self._failure(
            f"{self.describe()}: {got} bytes from rank {peer} where {expected} were expected; "
            "all ranks must call it with counts that agree"
        )
