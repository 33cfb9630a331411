"""What a handler is given: who asks, with what, and the way to reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vmpp_am._errors import AmError
from vmpp_am._messages import words
from vmpp_am._parameters import MOST_ARGUMENTS
from vmpp_am._portals import COMPLETION_PORTAL

if TYPE_CHECKING:
    from vmpp.portals import Address
    from vmpp_am._endpoint import Endpoint


class Token:
    """A request or reply, for as long as its handler runs.

    Attributes:
        source: rank of the sender.
        payload: the bytes that came along; of a long request, the memory that they were put to.
    """

    __slots__ = ("_endpoint", "_open", "_result", "address", "number", "payload", "source")

    def __init__(self, endpoint: Endpoint, address: Address, payload: bytes) -> None:
        self._endpoint = endpoint
        self._open = True
        self._result = b""
        self.address = address
        # By which the requester knows the request; None for a reply.
        self.number: int | None = None
        self.source = address.rank
        self.payload: bytes | memoryview = payload

    def reply(
        self, handler: int | Callable[..., Any], arguments: tuple[Any, ...], payload: Any
    ) -> None:
        """Send the one reply to a request.

        Raises:
            AmError: it is no request, has been replied to, or its handler has ended.
        """
        if not self._open:
            raise AmError("a request is replied to once, and by its handler while that runs")
        if self.number is None:
            raise AmError("a reply is not replied to: it could go on for ever")
        self._endpoint.reply(self, handler, arguments, payload)
        self._open = False

    def result(self, *values: int) -> None:
        """Give the requester words with the word that the request is done.

        Raises:
            AmError: they are too many, or not all 64-bit integers.
        """
        if len(values) > MOST_ARGUMENTS:
            raise AmError(f"a result has up to {MOST_ARGUMENTS} words, not {len(values)}")
        self._result = words(values)

    def finish(self) -> None:
        """Tell the requester that its request is done, if no reply has."""
        if self._open and self.number is not None:
            endpoint = self._endpoint
            endpoint.process.charge(endpoint.parameters.send)
            endpoint.send(self.address, COMPLETION_PORTAL, self.number, self._result)
        self._open = False
