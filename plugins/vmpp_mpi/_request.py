"""Requests: messages under way; and messages that a probe has matched.

A `Request` is a handle to an `Operation`, null once that is complete. An operation says which
transfer it waits for next, so that any number of them can be waited for together, and what becomes
of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from vmpp_mpi._buffer import Spec, recv_spec, recv_view
from vmpp_mpi._constants import ANY_SOURCE, ANY_TAG, PROC_NULL, UNDEFINED
from vmpp_mpi._errors import ERR_IN_STATUS, ERR_REQUEST
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._handle import Handle, predefine
from vmpp_mpi._pickle import pickle
from vmpp_mpi._status import Status

if TYPE_CHECKING:
    from vmpp_mpi._protocol import Arrival, Protocol, Transfer
    from vmpp_mpi._state import CommState


class Operation:
    """A send or a receive that has been begun.

    Args:
        state: of the communicator.
        transfer: what has been begun; None if there is nothing to do, as with `PROC_NULL`.
        receiving: whether its envelope is for the status.
        finish: called once with the number of bytes when the transfer is complete; returns the
            object that lower-case calls return.
    """

    __slots__ = ("finish", "receiving", "state", "transfer")

    persistent = False
    """Whether the request stays when the operation is complete."""

    def __init__(
        self,
        state: CommState,
        transfer: Transfer | None,
        receiving: bool = False,
        finish: Callable[[int], Any] | None = None,
    ) -> None:
        self.state = state
        self.transfer = transfer
        self.receiving = receiving
        self.finish = finish

    def active(self) -> bool:
        """Return whether it has been begun and its completion not been seen."""
        return True

    def pending(self) -> Transfer | None:
        """Return the transfer to wait for next, None if all is done."""
        transfer = self.transfer
        return None if transfer is None or transfer.done else transfer

    def wait(self) -> None:
        """Block until it is complete."""
        while (transfer := self.pending()) is not None:
            # Not the communicator's protocol: messages go on when that is freed.
            self.state.library.protocol.wait(transfer)

    def test(self) -> bool:
        """Return whether it is complete; lets a little time pass if not."""
        while (transfer := self.pending()) is not None:
            if not self.state.library.protocol.test(transfer):
                return False
        return True

    def cancel(self) -> None:
        """Cancel it, if its message has not been matched."""
        if self.transfer is not None:
            self.state.library.protocol.cancel(self.transfer)

    def error(self) -> int:
        """Return the error class it ended with, 0 for none."""
        return 0 if self.transfer is None else self.transfer.error

    def fill(self, status: Status, error: int = 0) -> None:
        """Tell *status* how it ended."""
        transfer = self.transfer
        if transfer is None:
            source = PROC_NULL if self.receiving else ANY_SOURCE
            status.fill(source, ANY_TAG, 0, error)
        elif self.receiving and not transfer.cancelled:
            status.fill(transfer.source, transfer.tag, transfer.nbytes, error)
        else:
            status.fill(ANY_SOURCE, ANY_TAG, 0, error, transfer.cancelled)

    def result(self) -> Any:
        """Put the message where it belongs, and return the object in it, if it has one."""
        transfer = self.transfer
        if transfer is None or self.finish is None or transfer.cancelled or transfer.error:
            return None
        return self.finish(transfer.nbytes)

    def restart(self) -> None:
        """Make it ready to be begun once more, if it is persistent."""


class PairOperation(Operation):
    """A receive, and a send with it."""

    __slots__ = ("sending",)

    def __init__(
        self,
        state: CommState,
        receiving: Transfer | None,
        sending: Transfer | None,
        finish: Callable[[int], Any] | None = None,
    ) -> None:
        super().__init__(state, receiving, True, finish)
        self.sending = sending

    def pending(self) -> Transfer | None:
        """Return the transfer to wait for next, None if both are done."""
        sending = self.sending
        return super().pending() or (None if sending is None or sending.done else sending)


class PersistentOperation(Operation):
    """An operation that a program begins again and again.

    Args:
        state: of the communicator.
        begin: begins the transfer, and returns None if there is nothing to do.
        receiving: as for any operation.
        finish: as for any operation.
    """

    __slots__ = ("_active", "_begin")

    persistent = True

    def __init__(
        self,
        state: CommState,
        begin: Callable[[], Transfer | None],
        receiving: bool = False,
        finish: Callable[[int], Any] | None = None,
    ) -> None:
        super().__init__(state, None, receiving, finish)
        self._begin = begin
        self._active = False

    def start(self) -> None:
        """Begin it.

        Raises:
            MPIError: `ERR_REQUEST`: it is under way already.
        """
        if self._active:
            raise self.state.error(ERR_REQUEST, "the persistent request is active already")
        self.transfer = self._begin()
        self._active = True

    def active(self) -> bool:
        """Return whether it has been begun and its completion not been seen."""
        return self._active

    def restart(self) -> None:
        """Make it ready to be begun once more."""
        self._active = False
        self.transfer = None


def _empty(status: Status | None) -> None:
    if status is not None:
        status.fill(ANY_SOURCE, ANY_TAG, 0)


class Request(Handle[Operation]):
    """A message under way. Null when made of nothing, and once it is complete."""

    __slots__ = ()

    _error = ERR_REQUEST

    def __new__(cls, request: Request | None = None) -> Self:
        """Make a second handle to what *request* refers to."""
        return cls._copy(request)

    def free(self) -> None:
        """Free the request if there is one."""
        if self._ref is not None:
            self.Free()

    # -- one request ---------------------------------------------------------------------------

    def Wait(self, status: Status | None = None) -> Literal[True]:
        """Block until the message is complete.

        Raises:
            MPIError: it ended with an error, `ERR_TRUNCATE` say.
        """
        self.wait(status)
        return True

    def wait(self, status: Status | None = None) -> Any:
        """Block until the message is complete and return the object received, if it is one."""
        operation = self._ref
        if operation is None or not operation.active():
            _empty(status)
            return None
        operation.wait()
        return self._complete(operation, status)

    def Test(self, status: Status | None = None) -> bool:
        """Return whether the message is complete, as `Wait` does if it is."""
        return self.test(status)[0]

    def test(self, status: Status | None = None) -> tuple[bool, Any | None]:
        """Return whether the message is complete, and the object received."""
        operation = self._ref
        if operation is None or not operation.active():
            _empty(status)
            return True, None
        if not operation.test():
            return False, None
        return True, self._complete(operation, status)

    def Get_status(self, status: Status | None = None) -> bool:
        """Return whether the message is complete, and leave the request as it is."""
        operation = self._ref
        if operation is None or not operation.active():
            _empty(status)
            return True
        if not operation.test():
            return False
        if status is not None:
            operation.fill(status)
        return True

    def get_status(self, status: Status | None = None) -> bool:
        """Return whether the message is complete, and leave the request as it is."""
        return self.Get_status(status)

    def Cancel(self) -> None:
        """Cancel the message if it has not been matched yet; it is to be waited for all the same.

        A send is past that as soon as it has begun.
        """
        self._get().cancel()

    def cancel(self) -> None:
        """Cancel the message; see `Cancel`."""
        self.Cancel()

    def Free(self) -> None:
        """Let the message take its course, and make the request null."""
        self._get()
        self._ref = None

    def _complete(self, operation: Operation, status: Status | None) -> Any:
        """Tell *status*, drop the operation and return its result; or raise its error."""
        if status is not None:
            operation.fill(status)
        error = operation.error()
        result = None if error else operation.result()
        state = operation.state
        self._drop(operation)
        if error:
            raise state.error(error)
        return result

    def _drop(self, operation: Operation) -> None:
        if operation.persistent:
            operation.restart()
        else:
            self._ref = None

    # -- any, all or some of many ----------------------------------------------------------------

    @classmethod
    def waitany(cls, requests: Sequence[Request], status: Status | None = None) -> tuple[int, Any]:
        """Block until one of *requests* is complete; return its index and the object received."""
        active = _active(requests)
        if not active:
            _empty(status)
            return UNDEFINED, None
        while True:
            for place, operation in active:
                if operation.pending() is None:
                    return place, requests[place]._complete(operation, status)
            _wait_any([operation for _, operation in active])

    @classmethod
    def Waitany(cls, requests: Sequence[Request], status: Status | None = None) -> int:
        """Block until one of *requests* is complete, and return its index."""
        return cls.waitany(requests, status)[0]

    @classmethod
    def testany(
        cls, requests: Sequence[Request], status: Status | None = None
    ) -> tuple[int, bool, Any | None]:
        """Return the index of a request that is complete, whether there is one, and its object."""
        active = _active(requests)
        if not active:
            _empty(status)
            return UNDEFINED, True, None
        for place, operation in active:
            if operation.test():
                return place, True, requests[place]._complete(operation, status)
        return UNDEFINED, False, None

    @classmethod
    def Testany(cls, requests: Sequence[Request], status: Status | None = None) -> tuple[int, bool]:
        """Return the index of a request that is complete, and whether there is one."""
        place, flag, _ = cls.testany(requests, status)
        return place, flag

    @classmethod
    def Get_status_any(
        cls, requests: Sequence[Request], status: Status | None = None
    ) -> tuple[int, bool]:
        """Return the index of a request that is complete, and leave it as it is."""
        active = _active(requests)
        if not active:
            _empty(status)
            return UNDEFINED, True
        for place, operation in active:
            if operation.test():
                if status is not None:
                    operation.fill(status)
                return place, True
        return UNDEFINED, False

    @classmethod
    def get_status_any(
        cls, requests: Sequence[Request], status: Status | None = None
    ) -> tuple[int, bool]:
        """Return the index of a request that is complete, and leave it as it is."""
        return cls.Get_status_any(requests, status)

    @classmethod
    def waitall(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> list[Any]:
        """Block until all *requests* are complete, and return the objects received.

        Raises:
            MPIError: `ERR_IN_STATUS`: one ended with an error, which its status tells.
        """
        for _, operation in _active(requests):
            operation.wait()
        return _complete_all(requests, statuses)

    @classmethod
    def Waitall(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> Literal[True]:
        """Block until all *requests* are complete; see `waitall`."""
        cls.waitall(requests, statuses)
        return True

    @classmethod
    def testall(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> tuple[bool, list[Any] | None]:
        """Return whether all *requests* are complete, and the objects received if so."""
        if not all(operation.test() for _, operation in _active(requests)):
            return False, None
        return True, _complete_all(requests, statuses)

    @classmethod
    def Testall(cls, requests: Sequence[Request], statuses: list[Status] | None = None) -> bool:
        """Return whether all *requests* are complete."""
        return cls.testall(requests, statuses)[0]

    @classmethod
    def Get_status_all(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> bool:
        """Return whether all *requests* are complete, and leave them as they are."""
        if not all(operation.test() for _, operation in _active(requests)):
            return False
        for request, status in zip(requests, _extended(statuses, len(requests)), strict=False):
            request.Get_status(status)
        return True

    @classmethod
    def get_status_all(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> bool:
        """Return whether all *requests* are complete, and leave them as they are."""
        return cls.Get_status_all(requests, statuses)

    @classmethod
    def waitsome(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> tuple[list[int] | None, list[Any] | None]:
        """Block until some of *requests* are complete; return their indices and objects.

        None for both if none is active.
        """
        active = _active(requests)
        if not active:
            return None, None
        while True:
            done = [place for place, operation in active if operation.pending() is None]
            if done:
                return done, _complete_all([requests[place] for place in done], statuses)
            _wait_any([operation for _, operation in active])

    @classmethod
    def Waitsome(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> list[int] | None:
        """Block until some of *requests* are complete, and return their indices."""
        return cls.waitsome(requests, statuses)[0]

    @classmethod
    def testsome(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> tuple[list[int] | None, list[Any] | None]:
        """Return the indices and objects of those of *requests* that are complete."""
        active = _active(requests)
        if not active:
            return None, None
        done = [place for place, operation in active if operation.test()]
        return done, _complete_all([requests[place] for place in done], statuses)

    @classmethod
    def Testsome(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> list[int] | None:
        """Return the indices of those of *requests* that are complete."""
        return cls.testsome(requests, statuses)[0]

    @classmethod
    def Get_status_some(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> list[int] | None:
        """Return the indices of those of *requests* that are complete, and leave them."""
        active = _active(requests)
        if not active:
            return None
        done = [(place, operation) for place, operation in active if operation.test()]
        for (_, operation), status in zip(done, _extended(statuses, len(done)), strict=False):
            operation.fill(status)
        return [place for place, _ in done]

    @classmethod
    def get_status_some(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> list[int] | None:
        """Return the indices of those of *requests* that are complete, and leave them."""
        return cls.Get_status_some(requests, statuses)


Request._family = Request

REQUEST_NULL: Final = predefine("REQUEST_NULL", Request())


def _active(requests: Sequence[Request]) -> list[tuple[int, Operation]]:
    """Return index and operation of those *requests* that something can be expected of."""
    active = []
    for place, request in enumerate(requests):
        if not isinstance(request, Request):
            raise TypeError(f"expected Request, got {type(request).__name__}")
        operation = request._ref
        if operation is not None and operation.active():
            active.append((place, operation))
    return active


def _wait_any(operations: list[Operation]) -> None:
    protocol: Protocol = operations[0].state.library.protocol
    protocol.wait_any([item for item in (each.pending() for each in operations) if item])


def _extended(statuses: Sequence[Status] | None, count: int) -> Sequence[Status]:
    """Return *statuses* made as long as *count*, in place if they are a list; empty for none."""
    if statuses is None:
        return []
    more = [Status() for _ in range(count - len(statuses))]
    if isinstance(statuses, list):
        statuses.extend(more)
        return statuses
    return [*statuses, *more]


def _complete_all(requests: Sequence[Request], statuses: list[Status] | None) -> list[Any]:
    """Complete *requests*, all of which are done, and return their objects."""
    filled = _extended(statuses, len(requests))
    results: list[Any] = []
    failed: Operation | None = None
    for place, request in enumerate(requests):
        operation = request._ref
        if operation is None or not operation.active():
            _empty(filled[place] if filled else None)
            results.append(None)
            continue
        error = operation.error()
        if filled:
            operation.fill(filled[place], error)
        if error:
            failed = failed or operation
            results.append(None)
        else:
            results.append(operation.result())
        request._drop(operation)
    if failed is not None:
        raise failed.state.error(ERR_IN_STATUS)
    return results


class Prequest(Request):
    """A message that a program begins again and again."""

    __slots__ = ()

    def Start(self) -> None:
        """Begin the message.

        Raises:
            MPIError: `ERR_REQUEST`: it is under way, or null.
        """
        operation = self._get()
        if not isinstance(operation, PersistentOperation):
            raise operation.state.error(ERR_REQUEST, "not a persistent request")
        operation.start()

    @classmethod
    def Startall(cls, requests: list[Prequest]) -> None:
        """Begin all messages, in their order."""
        for request in requests:
            request.Start()


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
        if self._ref is not MESSAGE_NO_PROC._ref:
            self._ref = None

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
        view = recv_view(buf)
        spec: Spec | None = None
        if view is None:
            spec = recv_spec(buf)
            view = spec.data
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


Message._family = Message

MESSAGE_NULL: Final = predefine("MESSAGE_NULL", Message())
MESSAGE_NO_PROC: Final = predefine("MESSAGE_NO_PROC", Message._wrap(Matched(None, None)))


def _from_nobody() -> Operation:
    """Return the receive from `PROC_NULL`, complete from the start: nothing asks for its state."""
    state: Any = None
    return Operation(state, None, True)


__all__ = [
    "MESSAGE_NO_PROC",
    "MESSAGE_NULL",
    "REQUEST_NULL",
    "MPIError",
    "Matched",
    "Message",
    "Operation",
    "PairOperation",
    "PersistentOperation",
    "Prequest",
    "Request",
]
