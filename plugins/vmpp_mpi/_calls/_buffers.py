"""Attaching memory for buffered sends to a communicator, or to a session."""

from __future__ import annotations

from typing import Any, TypeVar

from vmpp_mpi._buffers._send_buffer import Flush, SendBuffer
from vmpp_mpi._erring import failure
from vmpp_mpi._errors import ERR_BUFFER
from vmpp_mpi._handle import AnyHandle
from vmpp_mpi._requests._request import Request

T = TypeVar("T")


class BufferCalls(AnyHandle[T]):
    """A handle to something whose buffered sends may have memory of their own.

    What it refers to keeps that in an attribute `buffer`, None for nothing.
    """

    __slots__ = ()

    def _sender(self) -> Any:
        """Return what keeps the memory; its `library` is the rank's `MPIState`."""
        return self._get()

    def Attach_buffer(self, buf: Any) -> None:
        """Attach memory for buffered sends; None or `BUFFER_AUTOMATIC` for as much as it takes.

        Raises:
            MPIError: `ERR_BUFFER`: there is some.
            TypeError, BufferError: *buf* is no buffer that can be written to.
        """
        sender = self._sender()
        if sender.buffer is not None:
            raise failure(sender, ERR_BUFFER, "a buffer is attached already")
        sender.buffer = SendBuffer.of(buf)

    def Detach_buffer(self) -> Any:
        """Wait for the buffered sends that take room in it; return the memory, None for none."""
        sender = self._sender()
        buffer, sender.buffer = sender.buffer, None
        return None if buffer is None else buffer.detach(sender.library.protocol)

    def Flush_buffer(self) -> None:
        """Wait for the buffered sends that take room in the memory."""
        sender = self._sender()
        if sender.buffer is not None:
            sender.buffer.flush(sender.library.protocol)

    def Iflush_buffer(self) -> Request:
        """Return a request for the end of the buffered sends that take room there by now."""
        sender = self._sender()
        return Request._wrap(Flush(sender.library.myself, sender.buffer))
