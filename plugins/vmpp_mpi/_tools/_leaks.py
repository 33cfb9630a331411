"""What a rank's program makes and never lets go of: requests, communicators, windows, files."""

from __future__ import annotations

from typing import Any, Final

from vmpp_mpi._communicators._comm import Comm
from vmpp_mpi._handle import is_predefined
from vmpp_mpi._requests._operation import Operation
from vmpp_mpi._requests._request import Request
from vmpp_mpi._tools._calls import Call
from vmpp_mpi._tools._findings import Findings, site

_ENDS: Final = ("Free", "free", "Disconnect", "Close")
_WHAT: Final = {
    "Request": "a request is never completed",
    "Prequest": "a persistent request is never freed",
    "Comm": "a communicator is never freed",
    "Win": "a window is never freed",
    "File": "a file is never closed",
}


class Leaks:
    """What one rank has made, and has not let go of so far."""

    def __init__(self) -> None:
        self._requests: dict[Operation, tuple[Request, Call]] = {}
        self._objects: dict[Any, tuple[str, Call]] = {}
        self._enough = 64

    def before(self, call: Call) -> None:
        """Note what a *call* that is about to be made lets go of."""
        if call.name in _ENDS:
            self._objects.pop(getattr(call.receiver, "_ref", None), None)

    def made(self, call: Call, result: Any) -> None:
        """Note what a *call* has made, if its *result* is something to let go of."""
        if isinstance(result, Request):
            if result._ref is not None:
                self._requests[result._ref] = result, call
                self._forget_completed()
        elif isinstance(result, tuple):
            for each in result:
                self.made(call, each)
        else:
            kind = _kind(result)
            if kind is not None and result._ref is not None and not is_predefined(result):
                self._objects.setdefault(result._ref, (kind, call))

    def maker(self, operation: Operation | None) -> Call | None:
        """Return the call that made a persistent request."""
        found = None if operation is None else self._requests.get(operation)
        return None if found is None else found[1]

    def report(self, findings: Findings) -> None:
        """Say what is left at the end of the program."""
        for operation, (request, call) in self._requests.items():
            if request._ref is operation:
                kind = "Prequest" if operation.persistent else "Request"
                findings.add(_WHAT[kind], call.rank, site(call))
        for kind, call in self._objects.values():
            findings.add(_WHAT[kind], call.rank, site(call))

    def _forget_completed(self) -> None:
        """Let go of requests that are complete, now and then."""
        if len(self._requests) > self._enough:
            self._requests = {
                operation: kept
                for operation, kept in self._requests.items()
                if kept[0]._ref is operation
            }
            self._enough = max(64, 2 * len(self._requests))


def _kind(result: Any) -> str | None:
    """Return the kind of thing that *result* is a handle to, if it has to be let go of."""
    if isinstance(result, Comm):
        return "Comm"
    name = getattr(type(result), "_family", (type(None),))[0].__name__
    return name if name in ("Win", "File") else None
