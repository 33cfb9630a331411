"""What collective operations ask of the library whose messages they travel by."""

from __future__ import annotations

from typing import Any, TypeVar
from typing import Protocol as Interface

Buffer = memoryview | bytes | bytearray
"""Bytes to send: one-dimensional."""


class Envelope(Interface):
    """What is known of a message that has been received."""

    @property
    def length(self) -> int:
        """Bytes that the message had."""


class Transfer(Interface):
    """A send or receive under way.

    Attributes:
        nbytes: bytes of the message that a receive has taken.
        source: rank of its sender.
        error: 0, or what went wrong: the message did not fit, or anything the transport refuses.
    """

    nbytes: int
    source: int
    error: int


T = TypeVar("T", bound=Transfer)


class Transport(Interface[T]):
    """Point-to-point messages between the processes of a group, in order between any two.

    A receive takes messages of its context and tag, from one rank, that a send to this process gave
    the same. Messages of collective operations must not be mistaken for those of programs: the
    library has a context, a range of types, or a portal of its own for them. Tags are numbers
    below ``2**30``.
    """

    def send(self, context: int, rank: int, dest: Any, tag: int, data: Buffer, /) -> None:
        """Send *data* and return when its memory may be used again.

        Args:
            context: as the channel was told.
            rank: of this process in the group.
            dest: what the channel's addresses have for the receiver.
            tag: of the operation.
            data: up to the channel's *eager* bytes go whether a receive has been posted or not.
        """

    def isend(self, context: int, rank: int, dest: Any, tag: int, data: Buffer, /) -> T:
        """Begin to send *data*, which stays as it is until the transfer is complete."""

    def take(self, context: int, source: int, tag: int, into: memoryview, /) -> Envelope | None:
        """Receive a message; return what is known of it, or None if it was longer than *into*."""

    def ireceive(self, context: int, source: int, tag: int, into: memoryview, /) -> T:
        """Begin to receive a message."""

    def receive_object(self, context: int, source: int, tag: int, /) -> tuple[Any, T]:
        """Receive a message of any length, from any rank if *source* is -1; return its bytes."""

    def wait(self, transfer: T, /) -> None:
        """Block until *transfer* is complete."""

    def refuse(self, context: int, transfer: T, /) -> None:
        """Raise what has ended *transfer*, unless that is a message that did not fit."""
