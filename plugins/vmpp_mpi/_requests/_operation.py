"""What requests stand for: operations under way, and how to wait for any number of them.

An operation waits for a `Transfer`, which messages complete, or for a `Completion`, which another
fiber of the process completes: one that carries a collective operation or file access on, or a
thread of the program's own. `Operation.pending` says which, and `wait_any` waits for all kinds at
once. Subclasses add what an operation does while it is under way and what comes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, final

from vmpp.kernel import ANYTHING
from vmpp_mpi._constants import ANY_SOURCE, ANY_TAG, PROC_NULL
from vmpp_mpi._errors import ERR_OTHER, ERR_REQUEST
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._protocol import Transfer
from vmpp_mpi._state import mpi_state

if TYPE_CHECKING:
    from vmpp.engine import Fiber
    from vmpp.kernel import Process
    from vmpp_mpi._state import CommState
    from vmpp_mpi._status import Status


@final
class Completion:
    """Something that another fiber of the process will say is done.

    Attributes:
        done: whether it has been said.
    """

    __slots__ = ("_process", "_waiting", "done")

    def __init__(self, process: Process) -> None:
        self.done = False
        self._process = process
        self._waiting: list[Any] = []

    def complete(self) -> None:
        """Say that it is done, and let the fibers go on that wait for it."""
        self.done = True
        for fiber in self._waiting:
            self._process.unpark(fiber)

    def wait(self) -> None:
        """Block the calling fiber until it is done."""
        process = self._process
        while not self.done:
            fiber = process.fiber
            self.tell(fiber)
            try:
                process.park()
            finally:
                self.tell_no_more(fiber)

    def tell(self, fiber: Fiber | None) -> None:
        """Have *fiber* unparked when it is done."""
        self._waiting.append(fiber)

    def tell_no_more(self, fiber: Fiber | None) -> None:
        """Forget *fiber*, which was to be unparked."""
        self._waiting.remove(fiber)


class Operation:
    """Something that has been begun: at first a send or a receive, in subclasses other things.

    Args:
        state: of the communicator (or window, or file) whose error handler is told of errors.
        transfer: what has been begun; None if there is nothing to do, as with `PROC_NULL`.
        receiving: whether its envelope is for the status.
        finish: called once with the number of bytes when the transfer is complete; returns the
            object that lower-case calls return.
    """

    __slots__ = ("finish", "receiving", "state", "transfer")

    persistent = False
    """Whether the request stays when the operation is complete, to be started again."""

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

    # -- is it complete? -------------------------------------------------------------------------

    def active(self) -> bool:
        """Return whether it has been begun and its completion not been seen."""
        return True

    def pending(self) -> Transfer | Completion | None:
        """Return what to wait for next, None if all is done.

        A transfer may be complete without knowing it; `complete` looks.
        """
        transfer = self.transfer
        return None if transfer is None or transfer.done else transfer

    def complete(self) -> bool:
        """Return whether it is complete by now, without letting time pass."""
        while (what := self.pending()) is not None:
            if type(what) is Completion or not self.state.library.protocol.look(what):
                return False
        return True

    def wait(self) -> None:
        """Block until it is complete."""
        while (what := self.pending()) is not None:
            if type(what) is Completion:
                what.wait()
            else:
                # Not the communicator's protocol: messages go on when that is freed.
                self.state.library.protocol.wait(what)

    def test(self) -> bool:
        """Return whether it is complete; lets a little time pass, and other fibers run, if not."""
        if self.pending() is None:
            return True
        mpi_state().protocol.poll()
        return self.complete()

    # -- how it ended ----------------------------------------------------------------------------

    def error(self) -> int:
        """Return the error class it ended with, 0 for none."""
        return 0 if self.transfer is None else self.transfer.error

    def failure(self, code: int = 0) -> Exception:
        """Treat the error it ended with as the error handler wants it, and return the exception.

        Args:
            code: takes the place of its own error, which its status tells.
        """
        return self.state.error(code or self.error())

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

    # -- what a program does about it ------------------------------------------------------------

    def cancel(self) -> None:
        """Cancel it, if its message has not been matched."""
        if self.transfer is not None:
            self.state.library.protocol.cancel(self.transfer)

    def start(self) -> None:
        """Begin it once more.

        Raises:
            MPIError: `ERR_REQUEST`: it is not persistent, or under way already.
        """
        raise self.state.error(ERR_REQUEST, "not a persistent request")

    def restart(self) -> None:
        """Make it ready to be begun once more, if it is persistent."""

    def release(self) -> None:
        """Let go of it: its request has become null, because it is complete or was freed."""


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

    def pending(self) -> Transfer | Completion | None:
        """Return the transfer to wait for next, None if both are done."""
        sending = self.sending
        return super().pending() or (None if sending is None or sending.done else sending)


class PersistentOperation(Operation):
    """A send or receive that a program begins again and again.

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
        """Begin it; raises as any operation does."""
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


class Work(Operation):
    """What a further fiber of the process does: a collective operation, say.

    The fiber runs at once, until it blocks for the first time. From then on it gets on whenever the
    process is in a call that waits or polls.

    Args:
        state: of the communicator (or window, or file).
        body: the work; what it returns is the operation's result.
    """

    __slots__ = ("_body", "_completion", "_failure", "_result")

    def __init__(self, state: CommState, body: Callable[[], Any], *, begin: bool = True) -> None:
        # Written out: a program may begin one for every little thing that it does.
        self.state = state
        self.transfer = None
        self.receiving = False
        self.finish = None
        self._body = body
        self._completion: Completion | None = None
        self._failure: Exception | None = None
        self._result: Any = None
        if begin:
            self._start()

    def _start(self) -> None:
        process = self.state.library.process
        self._completion = Completion(process)
        process.start_fiber(self._run)

    def _run(self) -> None:
        completion: Any = self._completion
        library = self.state.library
        fiber = library.process.fiber
        library.workers.add(fiber)
        try:
            self._result = self._body()
        except Exception as error:
            # It surfaces where the program waits for the operation.
            self._failure = error
        finally:
            library.workers.discard(fiber)
        completion.complete()

    def pending(self) -> Transfer | Completion | None:
        """Return the end of the fiber, None if that has come."""
        completion = self._completion
        return None if completion is None or completion.done else completion

    def error(self) -> int:
        """Return the error class it ended with, 0 for none."""
        failure = self._failure
        if failure is None:
            return 0
        return failure.Get_error_class() if isinstance(failure, MPIError) else ERR_OTHER

    def failure(self, code: int = 0) -> Exception:
        """Return the exception that ended it, through the error handler if that is MPI's."""
        failure = self._failure
        assert failure is not None
        if not isinstance(failure, MPIError):
            return failure
        return self.state.error(code) if code else self.state.handled(failure)

    def fill(self, status: Status, error: int = 0) -> None:
        """Tell *status* how it ended: it has no envelope."""
        status.fill(ANY_SOURCE, ANY_TAG, 0, error)

    def result(self) -> Any:
        """Return what the work returned."""
        result, self._result = self._result, None
        return result

    def cancel(self) -> None:
        """Refuse: what many ranks have begun together, one cannot cancel.

        Raises:
            MPIError: `ERR_REQUEST`.
        """
        raise self.state.error(ERR_REQUEST, "this operation cannot be cancelled")


class PersistentWork(Work):
    """Work that a program begins again and again; not begun when made."""

    __slots__ = ()

    persistent = True

    def __init__(self, state: CommState, body: Callable[[], Any]) -> None:
        super().__init__(state, body, begin=False)

    def start(self) -> None:
        """Begin it; raises as any operation does."""
        if self._completion is not None:
            raise self.state.error(ERR_REQUEST, "the persistent request is active already")
        self._start()

    def active(self) -> bool:
        """Return whether it has been begun and its completion not been seen."""
        return self._completion is not None

    def restart(self) -> None:
        """Make it ready to be begun once more."""
        self._completion = self._failure = None


def wait_any(operations: Sequence[Operation]) -> None:
    """Block until one of *operations*, none of which was complete, may be so."""
    library = mpi_state()
    protocol = library.protocol
    waited = [what for what in (each.pending() for each in operations) if what is not None]
    transfers = [what for what in waited if type(what) is not Completion]
    if len(transfers) == len(waited):
        protocol.wait_any(transfers)
        return
    completions = [what for what in waited if type(what) is Completion]
    process = library.process
    if any(protocol.look(transfer) for transfer in transfers):
        return
    fiber = process.fiber
    for completion in completions:
        completion.tell(fiber)
    try:
        if transfers:
            process.wait(ANYTHING)  # `unpark` ends this too
        else:
            process.park()
    finally:
        for completion in completions:
            completion.tell_no_more(fiber)
