"""Work: what I/O nodes have to do before a request about a striped file can be answered."""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from vmpp.process import calls
from vmpp.process.striping import Layout, Request, Seal
from vmpp.service.server import Later


def _nothing() -> None:
    pass


class Errand(NamedTuple):
    """What several I/O nodes are asked for in one go.

    Attributes:
        layout: of the file that it is about.
        places: who is asked, as places in the layout's servers.
        request: makes the request, of the number of the transfer and a capability.
        finish: called when all have done it; returns what the work comes to.
        memory: what data are laid in, or fetched from; None: there are none.
        writes: whether they are fetched.
        failed: called when it cannot be begun, or one of them has not done it.
    """

    layout: Layout
    places: Sequence[int]
    request: Callable[[int, bytes], Request]
    finish: Callable[[], Any]
    memory: memoryview | None = None
    writes: bool = False
    failed: Callable[[], object] = _nothing


class Mover(Protocol):
    """Who asks I/O nodes.

    Attributes:
        seal: makes capabilities.
    """

    seal: Seal

    def begin(self, errand: Errand, done: Callable[[int], object]) -> None:
        """Have I/O nodes asked, and *done* called with an error number, or 0, when all are done.

        Raises:
            OSError: EIO, one of them is not there.
        """
        ...


class Work:
    """Something that is done for a request, when what was asked of the file before has been done.

    Attributes:
        always: called in the end, whether it has failed or not.
    """

    __slots__ = (
        "_error", "_later", "_line", "_make", "_mover", "_over", "_plan", "_undo", "_value",
        "always",
    )  # fmt: skip

    def __init__(self, line: Line, mover: Mover | None, plan: Callable[[], Any]) -> None:
        """Set it up.

        Args:
            line: what it is to be done in turn with.
            mover: asks I/O nodes; None: there are none.
            plan: called when it is its turn; returns the outcome, or the `Errand` that it takes.
        """
        self.always: Callable[[], object] = _nothing
        self._line = line
        self._mover = mover
        self._plan = plan
        self._later: Later | None = None
        self._over = False
        self._value: Any = None
        self._error: OSError | None = None
        self._make: Callable[[Any], calls.Reply] = done
        self._undo: Callable[[], object] | None = None

    def then(
        self,
        make: Callable[[Any], calls.Reply] | None = None,
        undo: Callable[[], object] | None = None,
    ) -> calls.Reply | Later:
        """Begin, or get in line; return the reply, which *make* makes of the outcome, or `Later`.

        Args:
            undo: called if it fails.

        Raises:
            OSError: it has failed at once.
        """
        if make is not None:
            self._make = make
        self._undo = undo
        self._line.enter(self)
        if not self._over:
            self._later = Later()
            return self._later
        return self._reply()

    def begin(self) -> None:
        """Do it: it is its turn."""
        try:
            planned = self._plan()
            if isinstance(planned, Errand):
                self._ask(planned)
            else:
                self._end(planned)
        except OSError as error:
            self._end(None, error)

    def _ask(self, errand: Errand) -> None:
        try:
            if self._mover is None:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            self._mover.begin(errand, lambda number: self._heard(errand, number))
        except OSError:
            errand.failed()
            raise

    def _heard(self, errand: Errand, number: int) -> None:
        if number:
            errand.failed()
            self._end(None, OSError(number, os.strerror(number)))
            return
        try:
            self._end(errand.finish())
        except OSError as error:
            self._end(None, error)

    def _end(self, value: Any, error: OSError | None = None) -> None:
        self._value, self._error, self._over = value, error, True
        if self._later is not None:
            try:
                reply = self._reply()
            except OSError as failure:
                reply = calls.Failed(failure.errno or errno.EIO)
            self._later.answer(calls.encode(reply))
        self.always()
        self._line.leave(self)

    def _reply(self) -> calls.Reply:
        if self._error is None:
            return self._make(self._value)
        if self._undo is not None:
            self._undo()
        raise self._error


class Line:
    """The works of one open file, which are done one after the other."""

    __slots__ = ("_emptied", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[Work] = deque()
        self._emptied: Callable[[], object] | None = None

    def enter(self, work: Work) -> None:
        """Have *work* done when its turn comes, which may be at once."""
        self._waiting.append(work)
        if len(self._waiting) == 1:
            work.begin()

    def leave(self, work: Work) -> None:
        """Let the next one have its turn, now that *work* is done."""
        assert self._waiting[0] is work
        self._waiting.popleft()
        if self._waiting:
            self._waiting[0].begin()
        elif self._emptied is not None:
            emptied, self._emptied = self._emptied, None
            emptied()

    def when_empty(self, act: Callable[[], object]) -> None:
        """Call *act* once everything is done."""
        if self._waiting:
            self._emptied = act
        else:
            act()


def done(_: object) -> calls.Reply:
    """Return the reply to a request that has come to nothing that there would be to tell."""
    return calls.Done()


def replied(outcome: Any, make: Callable[[Any], calls.Reply]) -> calls.Reply | Later:
    """Return the reply that *make* makes of an outcome, or what it waits for if it is `Work`."""
    return outcome.then(make) if isinstance(outcome, Work) else make(outcome)
