"""What the collective algorithms travel by: bare messages to a portal that nothing interrupts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from vmpp.portals import Address, Header
from vmpp_am._endpoint import Endpoint
from vmpp_am._portals import COMPLETION_PORTAL, MAIL_FLAG

EAGER: Final = 1 << 16
"""Bytes that wait for no receiver: collective operations of this library carry little."""


@dataclass(slots=True)
class Receipt:
    """A send or receive under way; a receive is carried out when it is waited for."""

    wanted: tuple[int, int] | None = None
    into: memoryview | None = None
    source: int = -1
    nbytes: int = 0
    error: int = 0


class MailTransport:
    """Carries messages of collective operations between the endpoints of a job."""

    __slots__ = ("_endpoint",)

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def send(self, context: int, rank: int, dest: Address, tag: int, data: Any, /) -> None:
        """Send *data*, which is copied."""
        endpoint = self._endpoint
        endpoint.process.charge(endpoint.parameters.send)
        endpoint.send(dest, COMPLETION_PORTAL, MAIL_FLAG | tag, bytes(data))

    def isend(self, context: int, rank: int, dest: Address, tag: int, data: Any, /) -> Receipt:
        """Send *data*: that is done at once."""
        self.send(context, rank, dest, tag, data)
        return Receipt()

    def take(self, context: int, source: int, tag: int, into: memoryview, /) -> Header | None:
        """Receive a message; None if it is longer than *into*."""
        header = self._next(source, tag)
        if header.length > len(into):
            return None
        if header.length:
            into[: header.length] = header.body
        return header

    def ireceive(self, context: int, source: int, tag: int, into: memoryview, /) -> Receipt:
        """Begin to receive a message: whoever sends has not to wait for that."""
        return Receipt((source, tag), into)

    def receive_object(self, context: int, source: int, tag: int, /) -> tuple[bytes, Receipt]:
        """Receive a message of any length, from any rank if *source* is -1."""
        header = self._next(source, tag)
        return header.body or b"", Receipt(source=header.source.rank, nbytes=header.length)

    def wait(self, transfer: Receipt, /) -> None:
        """Carry out a receive."""
        if transfer.wanted is None or transfer.into is None:
            return
        source, tag = transfer.wanted
        header = self._next(source, tag)
        transfer.wanted = None
        transfer.source, transfer.nbytes = header.source.rank, header.length
        if header.length > len(transfer.into):
            transfer.error = 1
        elif header.length:
            transfer.into[: header.length] = header.body

    def refuse(self, context: int, transfer: Receipt, /) -> None:
        """Raise nothing: a message that does not fit is all that can be wrong."""

    def _next(self, source: int, tag: int) -> Header:
        """Wait for the next message of a tag from a rank, or any rank."""
        mail = self._endpoint.mail

        def sender() -> int:
            if source >= 0:
                return source if (source, tag) in mail else -1
            return next((rank for rank, each in mail if each == tag), -1)

        self._endpoint.wait_for(lambda: sender() >= 0)
        self._endpoint.process.charge(self._endpoint.parameters.send)
        key = sender(), tag
        waiting = mail[key]
        header = waiting.popleft()
        if not waiting:
            del mail[key]
        return header
