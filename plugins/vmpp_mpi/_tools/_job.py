"""The tools of one job, and each rank's end of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from vmpp_mpi._communicators._comm import Comm
from vmpp_mpi._files._file import File
from vmpp_mpi._requests._request import Request
from vmpp_mpi._state import CommState, mpi_state
from vmpp_mpi._tools._calls import NOWHERE, Call
from vmpp_mpi._tools._collectives import COLLECTIVES, CollectiveChecks
from vmpp_mpi._tools._findings import Findings
from vmpp_mpi._tools._intercept import KEY, interception
from vmpp_mpi._tools._leaks import Leaks
from vmpp_mpi._tools._messages import MessageChecks
from vmpp_mpi._tools._profile import Profile

if TYPE_CHECKING:
    from vmpp.engine import Fiber
    from vmpp.kernel import Process


class JobTools:
    """What the tools of a job know of all its ranks.

    Args:
        names: of the tools: ``check``, ``profile``.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.findings = Findings()
        self.collectives = CollectiveChecks(self.findings)
        self.messages = MessageChecks(self.findings)
        self.checks = "check" in names
        self.profile = Profile() if "profile" in names else None
        interception.acquire()

    def attach(self, process: Process) -> RankTools:
        """Return the end of the tools in *process*."""
        tools = RankTools(self, process)
        process.libraries[KEY] = tools
        return tools

    def finish(self) -> tuple[str, int]:
        """Return, at the end of the job, what the tools have to say, and how many findings."""
        interception.release()
        said = []
        self.messages.finish()
        self.collectives.finish()
        if self.checks and self.findings:
            said.append(self.findings.render())
        elif self.checks:
            said.append("vmpp: check: nothing found")
        if self.profile is not None:
            said.append(self.profile.render())
        return "\n".join(said), len(self.findings)


class RankTools:
    """A rank's end of the tools: told of its outermost calls of MPI.

    Attributes:
        job: the tools of all ranks.
        current: by fiber the call that it is in.
    """

    def __init__(self, job: JobTools, process: Process) -> None:
        self.job = job
        self.current: dict[Fiber | None, Call] = {}
        self._process = process
        self._leaks = Leaks()
        # How many collective calls have been made on a communicator, and what it is known by.
        self._numbers: dict[CommState, int] = {}
        self._keys: dict[CommState, Any] = {}
        self._incarnations: dict[Any, int] = {}

    def call(self, function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> Any:
        """Make a call of the program's, and let the tools look on."""
        __tracebackhide__ = True  # reports name the method that is called, not this
        process = self._process
        call = Call.of(process, function, args, kwargs)
        if call.place is NOWHERE:
            # The library itself, in a fiber of its own.
            return function(*args, **kwargs)
        fiber = process.fiber
        kernel = process.kernel
        self.current[fiber] = call
        began, messages, nbytes = process.clock, kernel.messages, kernel.bytes
        try:
            if self.job.checks:
                self._before(call)
            result = function(*args, **kwargs)
            if self.job.checks:
                self._leaks.made(call, result)
            return result
        finally:
            del self.current[fiber]
            if self.job.profile is not None:
                self.job.profile.add(
                    call,
                    process.clock - began,
                    kernel.messages - messages,
                    kernel.bytes - nbytes,
                )

    def calling(self) -> Call | None:
        """Return the call that the running fiber is in; of a request's start, what made that."""
        call = self.current.get(self._process.fiber)
        if call is not None and call.name == "Start" and isinstance(call.receiver, Request):
            return self._leaks.maker(call.receiver._ref)
        return call

    def finish(self) -> None:
        """At the end of the rank's program, note what it has left behind."""
        if self.job.checks:
            self._leaks.report(self.job.findings)
            for state in mpi_state().communicators():
                calls = self._numbers.get(state, 0)
                self.job.collectives.end(self._key(state), state.rank, calls)
        if self.job.profile is not None:
            self.job.profile.finish(self._process.rank, self._process.clock - self._started())

    def _started(self) -> int:
        started: int = self._process.space.started
        return started

    def _before(self, call: Call) -> None:
        self._leaks.before(call)
        state = _communicator(call.receiver) if call.name in COLLECTIVES else None
        if state is None:
            return
        number = self._numbers[state] = self._numbers.get(state, 0) + 1
        self.job.collectives.check(call, state, self._key(state), number)

    def _key(self, state: CommState) -> Any:
        """Return what tells a communicator from all others, the same on all of its ranks."""
        found = self._keys.get(state)
        if found is None:
            members = state.context, tuple(state.addresses)
            times = self._incarnations[members] = self._incarnations.get(members, 0) + 1
            found = self._keys[state] = *members, times
        return found


def _communicator(receiver: Any) -> CommState | None:
    """Return the communicator that a call is made on, that of its file if it is one on a file."""
    if isinstance(receiver, File):
        return receiver._get().comm if receiver else None
    return receiver._get() if isinstance(receiver, Comm) else None
