"""Two processes that know each other from a socket only: over it they make a communicator."""

from __future__ import annotations

import errno
from operator import index
from struct import Struct
from typing import TYPE_CHECKING, Final

from vmpp.process.endpoints import stream_at
from vmpp_mpi._communicators import _between as between
from vmpp_mpi._errors import ERR_ARG, ERR_OTHER
from vmpp_mpi._errors import Exception as MPIError

if TYPE_CHECKING:
    from vmpp.process.streams import Stream
    from vmpp_mpi._state import CommState

_HEADER: Final = Struct("<4sI")
_SIGN: Final = b"join"
"""What goes before all that is told over the socket, with its length."""


def join(alone: CommState, fd: int) -> CommState:
    """Return a communicator of this process and the one at the other end of a socket.

    Both call it; what they tell each other over the socket they have read when it returns.

    Args:
        alone: a communicator of the process alone.
        fd: descriptor of the socket.

    Raises:
        MPIError: `ERR_ARG`: *fd* is no connected socket. `ERR_OTHER`: the connection breaks, or
            has something else on it.
    """
    stream = _stream(alone, index(fd))

    def exchange(data: bytes) -> bytes:
        try:
            _send(stream, _HEADER.pack(_SIGN, len(data)) + data)
            sign, length = _HEADER.unpack(_receive(stream, _HEADER.size))
            if sign == _SIGN:
                return _receive(stream, length)
        except OSError as error:
            raise MPIError(ERR_OTHER, f"descriptor {fd}: {error.strerror}") from None
        raise MPIError(ERR_OTHER, f"descriptor {fd}: something had been sent and not been read")

    return between.connect(alone, 0, exchange)


def _stream(alone: CommState, fd: int) -> Stream:
    try:
        return stream_at(alone.library.process, fd)
    except OSError as error:
        text = f"descriptor {fd} is no connected socket: {error.strerror}"
        raise MPIError(ERR_ARG, text) from None


def _send(stream: Stream, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[stream.send(left) :]


def _receive(stream: Stream, size: int) -> bytes:
    """Return *size* bytes. Raises OSError."""
    data = b""
    while len(data) < size:
        part = stream.receive(size - len(data))
        if not part:
            raise OSError(errno.ECONNRESET, "the other end has closed it")
        data += part
    return data
