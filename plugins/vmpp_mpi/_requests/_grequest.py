"""Generalised requests: operations of the program's own, which it says to be complete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from vmpp_mpi._callbacks import reported
from vmpp_mpi._constants import ANY_SOURCE, ANY_TAG
from vmpp_mpi._errors import ERR_REQUEST, SUCCESS
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._protocol import Transfer
from vmpp_mpi._requests._operation import Completion, Operation
from vmpp_mpi._requests._request import Request
from vmpp_mpi._state import mpi_state
from vmpp_mpi._status import Status

Function = Callable[..., Any]


class Generalized(Operation):
    """An operation that the program carries out.

    Args:
        query: called with a status, to fill it, when the request is asked about after completion.
        free: called once, when nobody can ask any more.
        cancel: called with whether the operation is complete, when it is to be cancelled.
        arguments: what all three are called with besides.
    """

    __slots__ = (
        "_cancel", "_completion", "_failed", "_free", "_freed", "_object", "_query", "_released",
        "_status",
    )  # fmt: skip

    def __init__(
        self,
        query: Function | None,
        free: Function | None,
        cancel: Function | None,
        arguments: tuple[tuple[Any, ...], dict[str, Any]],
    ) -> None:
        library = mpi_state()
        super().__init__(library.myself, None)
        self._query = _bound(query, *arguments)
        self._free = _bound(free, *arguments)
        self._cancel = _bound(cancel, *arguments)
        self._completion = Completion(library.process)
        self._freed = False
        self._released = False
        self._object: Any = None
        self._status = Status()
        self._failed: int | None = None

    def pending(self) -> Transfer | Completion | None:
        """Return what the program will say is done, None if it has said so."""
        return None if self._completion.done else self._completion

    def wait(self) -> None:
        """Block until the program says, in another thread, that it is complete."""
        self._completion.wait()

    def finish_with(self, obj: Any) -> None:
        """Say that it is complete, with an object for those who wait in lower case.

        Raises:
            MPIError: `ERR_REQUEST`: it was complete already.
        """
        if self._completion.done:
            raise self.state.error(ERR_REQUEST, "the generalised request is complete already")
        self._object = obj
        self._completion.complete()
        if self._released:
            self._let_go()

    def error(self) -> int:
        """Return with which error class the program's functions end it: `free` is called."""
        if self._failed is None:
            failed = self._ask(self._status)
            self._failed = failed or self._let_go()
        return self._failed

    def fill(self, status: Status, error: int = SUCCESS) -> None:
        """Have the program fill *status*.

        Raises:
            MPIError: the program's function failed, in a call that leaves the request as it is.
        """
        if self._failed is None:
            if failed := self._ask(status):
                raise self.state.error(failed)
            return
        found = self._status
        cancelled = found.Is_cancelled()
        status.fill(found.source, found.tag, found.count, error or found.error, cancelled)

    def _ask(self, status: Status) -> int:
        status.fill(ANY_SOURCE, ANY_TAG, 0)
        failed = self._query(status)
        if self._cancel is _nothing:
            status.Set_cancelled(False)
        return failed

    def result(self) -> Any:
        """Return the object that the program completed it with."""
        return self._object

    def cancel(self) -> None:
        """Ask the program to cancel it.

        Raises:
            MPIError: the program's function failed.
        """
        if failed := self._cancel(self._completion.done):
            raise self.state.error(failed)

    def release(self) -> None:
        """Let go of it, at the latest when it is complete."""
        self._released = True
        if self._completion.done:
            self._let_go()

    def _let_go(self) -> int:
        if self._freed:
            return SUCCESS
        self._freed = True
        return self._free()


def _nothing(*arguments: Any) -> int:
    """Stand in for a function that the program did not give."""
    del arguments
    return SUCCESS


def _bound(
    function: Function | None, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> Callable[..., int]:
    """Return what calls *function* and returns an error class instead of raising."""
    if function is None:
        return _nothing

    def call(*first: Any) -> int:
        try:
            function(*first, *arguments, **keywords)
        except BaseException as error:
            return reported(error)
        return SUCCESS

    return call


class Grequest(Request):
    """A request for an operation that the program carries out, and says to be complete."""

    __slots__ = ("_operation",)

    _operation: Generalized | None
    """What it was made for: `Complete` is called on a request that is null for others."""

    def __new__(cls, request: Request | None = None) -> Self:
        """Make a second handle to what *request*, which is null or generalised, refers to.

        Raises:
            TypeError: *request* is neither.
        """
        if request and not isinstance(request, Grequest):
            raise TypeError(f"expected Grequest, got {type(request).__name__}")
        return super().__new__(cls, request)

    @classmethod
    def _wrap(cls, ref: Operation | None) -> Self:
        request = super()._wrap(ref)
        request._operation = ref if isinstance(ref, Generalized) else None
        return request

    @classmethod
    def Start(
        cls,
        query_fn: Function | None = None,
        free_fn: Function | None = None,
        cancel_fn: Function | None = None,
        args: tuple[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> Self:
        """Return a request for an operation that the program carries out.

        An exception in one of the functions is printed, and ends the call that led to it with an
        `Exception` of the same error class, or of `ERR_OTHER`.

        Args:
            query_fn: called with a status, to fill it, when the completed request is waited for,
                tested or asked for its status.
            free_fn: called once nobody can ask about it any more.
            cancel_fn: called with whether it is complete, when it is to be cancelled.
            args: what all three are called with besides.
            kwargs: likewise, by name.
        """
        arguments = tuple(args or ()), dict(kwargs or {})
        return cls._wrap(Generalized(query_fn, free_fn, cancel_fn, arguments))

    def Complete(self) -> None:
        """Say that the operation is complete.

        Raises:
            MPIError: `ERR_REQUEST`: it is complete already, or null.
        """
        self.complete()

    def complete(self, obj: Any = None) -> None:
        """Say that the operation is complete, with an object for `wait` and `test` to return."""
        if self._operation is None:
            raise MPIError(ERR_REQUEST, "null generalised request")
        self._operation.finish_with(obj)
