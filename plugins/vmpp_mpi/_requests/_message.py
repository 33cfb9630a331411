"""Messages that a probe has matched, to be received by no other call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from vmpp_mpi._buffers._buffer import receivable
from vmpp_mpi._constants import ANY_SOURCE, ANY_TAG, PROC_NULL
from vmpp_mpi._errors import ERR_REQUEST
from vmpp_mpi._handle import Handle, forget, predefine
from vmpp_mpi._pickle import pickle
from vmpp_mpi._requests._operation import Operation
from vmpp_mpi._requests._request import Request
from vmpp_mpi._status import Status

if TYPE_CHECKING:
    from vmpp_mpi._protocol import Arrival
    from vmpp_mpi._state import CommState


class Matched:
    """A message that a probe took out of those that wait to be received.

    Attributes:
        state: of the communicator.
        arrival: what the protocol knows of it; None for the message from `PROC_NULL`.
    """

    __slots__ = ("arrival", "state")

    def __init__(self, state: CommState | None, arrival: Arrival | None) -> None:
        self.state = state
        self.arrival = arrival


class Message(Handle[Matched]):
    """A message that a probe has matched, for one receive. Null once that is done."""

    __slots__ = ()

    _error = ERR_REQUEST

    def __new__(cls, message: Message | None = None) -> Self:
        """Make a second handle to what *message* refers to."""
        return cls._copy(message)

    def free(self) -> None:
        """Make the handle null. The message stays matched."""
        forget(self)

    @classmethod
    def Probe(
        cls,
        comm: Any,
        source: int = ANY_SOURCE,
        tag: int = ANY_TAG,
        status: Status | None = None,
    ) -> Self:
        """Block until there is a message that matches, and return it."""
        return cls(comm.Mprobe(source, tag, status))

    @classmethod
    def Iprobe(
        cls,
        comm: Any,
        source: int = ANY_SOURCE,
        tag: int = ANY_TAG,
        status: Status | None = None,
    ) -> Self | None:
        """Return a message that matches, None if there is none."""
        message = comm.Improbe(source, tag, status)
        return None if message is None else cls(message)

    @classmethod
    def probe(
        cls,
        comm: Any,
        source: int = ANY_SOURCE,
        tag: int = ANY_TAG,
        status: Status | None = None,
    ) -> Self:
        """Block until there is a message that matches, and return it."""
        return cls.Probe(comm, source, tag, status)

    @classmethod
    def iprobe(
        cls,
        comm: Any,
        source: int = ANY_SOURCE,
        tag: int = ANY_TAG,
        status: Status | None = None,
    ) -> Self | None:
        """Return a message that matches, None if there is none."""
        return cls.Iprobe(comm, source, tag, status)

    def Recv(self, buf: Any, status: Status | None = None) -> None:
        """Receive the message into *buf*.

        Raises:
            MPIError: `ERR_TRUNCATE`: it is longer than the buffer.
        """
        self.Irecv(buf).Wait(status)

    def Irecv(self, buf: Any) -> Request:
        """Begin to receive the message into *buf*."""
        state, arrival = self._take()
        if state is None or arrival is None:
            return Request._wrap(_from_nobody())
        view, spec = receivable(buf)
        transfer = state.library.protocol.receive_matched(arrival, view)
        finish = None if spec is None else spec.deliver
        return Request._wrap(Operation(state, transfer, True, finish))

    def recv(self, status: Status | None = None) -> Any:
        """Receive the object in the message; None from `PROC_NULL`."""
        state, arrival = self._take()
        if state is None or arrival is None:
            if status is not None:
                status.fill(PROC_NULL, ANY_TAG, 0)
            return None
        data = state.library.protocol.take_matched(arrival)
        if status is not None:
            status.fill(arrival.source, arrival.tag, arrival.nbytes)
        return pickle.loads(data)

    def irecv(self) -> Request:
        """Begin to receive the object in the message."""
        state, arrival = self._take()
        if state is None or arrival is None:
            return Request._wrap(_from_nobody())
        data = memoryview(bytearray(arrival.nbytes))
        transfer = state.library.protocol.receive_matched(arrival, data)
        return Request._wrap(
            Operation(state, transfer, True, lambda nbytes: pickle.loads(data[:nbytes]))
        )

    def _take(self) -> tuple[CommState | None, Arrival | None]:
        """Return what is needed to receive the message, which can be done once."""
        matched = self._get()
        if self is not MESSAGE_NO_PROC:
            self._ref = None
        return matched.state, matched.arrival


Message._family = (Message,)

MESSAGE_NULL: Final = predefine("MESSAGE_NULL", Message())
MESSAGE_NO_PROC: Final = predefine("MESSAGE_NO_PROC", Message._wrap(Matched(None, None)))


def _from_nobody() -> Operation:
    """Return the receive from `PROC_NULL`, complete from the start: nothing asks for its state."""
    state: Any = None
    return Operation(state, None, True)
