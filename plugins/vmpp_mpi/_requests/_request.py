"""Requests: operations under way, which a program waits for one by one or together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, Self

from vmpp_mpi._constants import ANY_SOURCE, ANY_TAG, UNDEFINED
from vmpp_mpi._errors import ERR_IN_STATUS, ERR_REQUEST
from vmpp_mpi._handle import Handle, forget, predefine
from vmpp_mpi._requests._operation import Operation, wait_any
from vmpp_mpi._requests._partitioned import Partitioned
from vmpp_mpi._state import mpi_state
from vmpp_mpi._status import Status


def _empty(status: Status | None) -> None:
    if status is not None:
        status.fill(ANY_SOURCE, ANY_TAG, 0)


class Request(Handle[Operation]):
    """An operation under way. Null when made of nothing, and once it is complete."""

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
        """Block until the operation is complete.

        Raises:
            MPIError: it ended with an error, `ERR_TRUNCATE` say.
        """
        self._wait(status)
        return True

    def wait(self, status: Status | None = None) -> Any:
        """Block until the operation is complete and return the object received, if it is one."""
        operation = self._ref
        if operation is None or not operation.active():
            _empty(status)
            return None
        operation.wait()
        return self._complete(operation, status)

    def Test(self, status: Status | None = None) -> bool:
        """Return whether the operation is complete, as `Wait` does if it is."""
        return self._test(status)[0]

    def test(self, status: Status | None = None) -> tuple[bool, Any | None]:
        """Return whether the operation is complete, and the object received."""
        operation = self._ref
        if operation is None or not operation.active():
            _empty(status)
            return True, None
        if not operation.test():
            return False, None
        return True, self._complete(operation, status)

    def Get_status(self, status: Status | None = None) -> bool:
        """Return whether the operation is complete, and leave the request as it is."""
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
        """Return whether the operation is complete, and leave the request as it is."""
        return self.Get_status(status)

    def Cancel(self) -> None:
        """Cancel a message that has not been matched yet; it is to be waited for all the same.

        A send is past that as soon as it has begun.

        Raises:
            MPIError: `ERR_REQUEST`: the operation is none that can be cancelled.
        """
        self._get().cancel()

    def cancel(self) -> None:
        """Cancel the operation; see `Cancel`."""
        self.Cancel()

    def Free(self) -> None:
        """Let the operation take its course, and make the request null."""
        operation = self._get()
        forget(self)
        operation.release()

    def _complete(self, operation: Operation, status: Status | None) -> Any:
        """Tell *status*, drop the operation and return its result; or raise its error."""
        error = operation.error()
        if status is not None:
            operation.fill(status)
        result = None if error else operation.result()
        failure = operation.failure() if error else None
        self._drop(operation)
        if failure is not None:
            raise failure
        return result

    def _drop(self, operation: Operation) -> None:
        if operation.persistent:
            operation.restart()
        else:
            self._ref = None
            operation.release()

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
                if operation.complete():
                    return place, requests[place]._complete(operation, status)
            wait_any([operation for _, operation in active])

    @classmethod
    def Waitany(cls, requests: Sequence[Request], status: Status | None = None) -> int:
        """Block until one of *requests* is complete, and return its index."""
        return cls._waitany(requests, status)[0]

    @classmethod
    def testany(
        cls, requests: Sequence[Request], status: Status | None = None
    ) -> tuple[int, bool, Any | None]:
        """Return the index of a request that is complete, whether there is one, and its object."""
        active = _active(requests)
        if not active:
            _empty(status)
            return UNDEFINED, True, None
        for place, operation in _complete(active):
            return place, True, requests[place]._complete(operation, status)
        return UNDEFINED, False, None

    @classmethod
    def Testany(cls, requests: Sequence[Request], status: Status | None = None) -> tuple[int, bool]:
        """Return the index of a request that is complete, and whether there is one."""
        place, flag, _ = cls._testany(requests, status)
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
        for place, operation in _complete(active):
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
        cls._waitall(requests, statuses)
        return True

    @classmethod
    def testall(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> tuple[bool, list[Any] | None]:
        """Return whether all *requests* are complete, and the objects received if so."""
        active = _active(requests)
        if len(_complete(active)) < len(active):
            return False, None
        return True, _complete_all(requests, statuses)

    @classmethod
    def Testall(cls, requests: Sequence[Request], statuses: list[Status] | None = None) -> bool:
        """Return whether all *requests* are complete."""
        return cls._testall(requests, statuses)[0]

    @classmethod
    def Get_status_all(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> bool:
        """Return whether all *requests* are complete, and leave them as they are."""
        active = _active(requests)
        if len(_complete(active)) < len(active):
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
            done = [place for place, operation in active if operation.complete()]
            if done:
                return done, _complete_all([requests[place] for place in done], statuses)
            wait_any([operation for _, operation in active])

    @classmethod
    def Waitsome(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> list[int] | None:
        """Block until some of *requests* are complete, and return their indices."""
        return cls._waitsome(requests, statuses)[0]

    @classmethod
    def testsome(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> tuple[list[int] | None, list[Any] | None]:
        """Return the indices and objects of those of *requests* that are complete."""
        active = _active(requests)
        if not active:
            return None, None
        done = [place for place, _ in _complete(active)]
        return done, _complete_all([requests[place] for place in done], statuses)

    @classmethod
    def Testsome(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> list[int] | None:
        """Return the indices of those of *requests* that are complete."""
        return cls._testsome(requests, statuses)[0]

    @classmethod
    def Get_status_some(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> list[int] | None:
        """Return the indices of those of *requests* that are complete, and leave them."""
        active = _active(requests)
        if not active:
            return None
        done = _complete(active)
        for (_, operation), status in zip(done, _extended(statuses, len(done)), strict=False):
            operation.fill(status)
        return [place for place, _ in done]

    @classmethod
    def get_status_some(
        cls, requests: Sequence[Request], statuses: list[Status] | None = None
    ) -> list[int] | None:
        """Return the indices of those of *requests* that are complete, and leave them."""
        return cls.Get_status_some(requests, statuses)

    # What a subclass makes of the lower-case calls is not what the upper-case ones do.
    _wait, _test = wait, test
    _waitany, _testany = waitany, testany
    _waitall, _testall = waitall, testall
    _waitsome, _testsome = waitsome, testsome


Request._family = (Request,)

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


def _complete(active: list[tuple[int, Operation]]) -> list[tuple[int, Operation]]:
    """Return those of *active* that are complete, after a little time unless all are."""
    if any(operation.pending() is not None for _, operation in active):
        mpi_state().protocol.poll()
    return [each for each in active if each[1].complete()]


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
    failure: Exception | None = None
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
            failure = failure or operation.failure(ERR_IN_STATUS)
            results.append(None)
        else:
            results.append(operation.result())
        request._drop(operation)
    if failure is not None:
        raise failure
    return results


class Prequest(Request):
    """An operation that a program begins again and again."""

    __slots__ = ()

    def __new__(cls, request: Request | None = None) -> Self:
        """Make a second handle to what *request*, which is null or persistent, refers to.

        Raises:
            TypeError: *request* is neither.
        """
        if request and not isinstance(request, Prequest):
            raise TypeError(f"expected Prequest, got {type(request).__name__}")
        return super().__new__(cls, request)

    def Start(self) -> None:
        """Begin the operation.

        Raises:
            MPIError: `ERR_REQUEST`: it is under way, or null.
        """
        self._get().start()

    def Pready(self, partition: int) -> None:
        """Say that a partition of a partitioned send may leave.

        Raises:
            MPIError: `ERR_REQUEST`: the request is no such send, or not started; `ERR_ARG`: there
                is no such partition, or it was ready before.
        """
        self.Pready_list((partition,))

    def Pready_range(self, partition_low: int, partition_high: int) -> None:
        """Say that the partitions from the first to the last, included, may leave."""
        self.Pready_list(range(partition_low, partition_high + 1))

    def Pready_list(self, partitions: Sequence[int]) -> None:
        """Say that these partitions may leave; see `Pready`."""
        self._partitioned().ready(partitions)

    def Parrived(self, partition: int) -> bool:
        """Return whether a partition of a partitioned receive is there.

        Raises:
            MPIError: `ERR_REQUEST`: the request is no such receive; `ERR_ARG`: there is no such
                partition.
        """
        return self._partitioned().arrived(partition)

    def _partitioned(self) -> Partitioned:
        operation = self._get()
        if not isinstance(operation, Partitioned):
            raise operation.state.error(ERR_REQUEST, "not a partitioned message")
        return operation

    @classmethod
    def Startall(cls, requests: list[Prequest]) -> None:
        """Begin all operations, in their order."""
        for request in requests:
            request.Start()
