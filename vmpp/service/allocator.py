"""The allocation server: hands nodes out, and keeps the queue of the jobs that wait for some."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from vmpp.process import jobs as process_jobs
from vmpp.process.calls import GARBAGE, Done, Reply, encode
from vmpp.service import requests
from vmpp.service.errors import LaunchError, NodesBusyError
from vmpp.service.nodebook import NodeBook
from vmpp.service.queueing import QueueingPolicy, Waiting
from vmpp.service.server import Caller, Later
from vmpp.service.status import JobStatus, NodeStatus

_SYSTEM: Final = 0
"""In place of a job's number: that of the system's own processes."""

_ONLY_SYSTEM: Final = frozenset(
    {requests.Allocate, requests.Await, requests.Withdraw, requests.Release}
)


class Overview(Protocol):
    """What the allocation server asks the machine, for those who ask how things are."""

    def jobs(self) -> Sequence[JobStatus]:
        """Return the jobs that wait or run."""
        ...

    def nodes(self) -> Sequence[NodeStatus]:
        """Return all nodes."""
        ...

    def signal(self, caller: int, job: int, number: int) -> None:
        """Send a signal to a job on behalf of a session or job. Raises OSError(EPERM, ESRCH)."""
        ...


class _Queued:
    """A job that waits: what it wants, who awaits its turn, and the answer if there is one."""

    __slots__ = ("answer", "hosts", "later", "reason", "waiting")

    def __init__(self, waiting: Waiting, hosts: dict[int, int], reason: str) -> None:
        self.waiting = waiting
        self.hosts = hosts
        self.reason = reason
        self.later: Later | None = None
        self.answer: Reply | None = None


class AllocationServer:
    """Gives nodes to one job after the other, as the queueing policy says.

    A job that can never have what it asks for is refused at once; one that waits, as soon as
    crashes of nodes have made it so.

    Attributes:
        name: what it is called by.
        least_service_time: that of a request, ps.
        book: of the nodes.
        policy: says whose turn it is; may be replaced at any time.
    """

    __slots__ = ("_overview", "_queue", "book", "least_service_time", "name", "policy")

    def __init__(
        self, book: NodeBook, policy: QueueingPolicy, overview: Overview, least_service_time: int
    ) -> None:
        self.name = requests.ALLOCATION
        self.least_service_time = least_service_time
        self.book = book
        self.policy = policy
        self._overview = overview
        self._queue: dict[int, _Queued] = {}

    def serve(self, caller: Caller, request: bytes) -> bytes | Later:
        """Answer one *request* of *caller*."""
        try:
            call = requests.decode_call(request)
        except GARBAGE:
            return encode(process_jobs.NOT_A_REQUEST)
        if type(call) in _ONLY_SYSTEM and caller.job != _SYSTEM:
            return encode(process_jobs.refusal(errno.EPERM))
        answer = _ANSWERS[type(call)](self, caller, call)
        return answer if isinstance(answer, Later) else encode(answer)

    @property
    def waiting(self) -> list[Waiting]:
        """The jobs that wait, in the order in which they came."""
        return [queued.waiting for queued in self._queue.values() if queued.answer is None]

    def reason(self, job: int) -> str:
        """Return why a job waits; nothing if it does not."""
        queued = self._queue.get(job)
        return "" if queued is None else queued.reason

    def lose(self, node: int) -> None:
        """Take note that a node has crashed: some of those that wait may do so in vain."""
        self.book.lose(node)
        self._give_out()

    def swap(
        self, *, queueing: QueueingPolicy | None = None, allocation: Any | None = None
    ) -> None:
        """Go on with other policies, at once."""
        if queueing is not None:
            self.policy = queueing
        if allocation is not None:
            self.book.policy = allocation
        self._give_out()

    # -- the queue -----------------------------------------------------------------------------

    def _allocate(self, caller: Caller, call: requests.Allocate) -> Reply:
        return self.decide(call, caller.time)

    def decide(self, call: requests.Allocate, now: int = 0) -> Reply:
        """Give nodes to a job, put it into the queue, or refuse it, at time *now*."""
        waiting = Waiting(call.job, call.uid, call.size, now, tuple(sorted(call.hosts.values())))
        queued = self._queue[call.job] = _Queued(waiting, call.hosts, "")
        self._give_out()
        if queued.answer is None:
            return requests.Queued(queued.reason)
        del self._queue[call.job]
        return queued.answer

    def _await(self, caller: Caller, call: requests.Await) -> Reply | Later:
        queued = self._queue.get(call.job)
        if queued is None:
            return process_jobs.refusal(errno.ESRCH)
        if queued.answer is None:
            queued.later = Later()
            return queued.later
        del self._queue[call.job]
        return queued.answer

    def _withdraw(self, caller: Caller, call: requests.Withdraw) -> Reply:
        queued = self._queue.get(call.job)
        if queued is not None and queued.answer is None:
            self._settle(queued, process_jobs.refusal(errno.ECANCELED))
            self._give_out()
        return Done()

    def _release(self, caller: Caller, call: requests.Release) -> Reply:
        self.book.release(call.job, call.nodes)
        self._give_out()
        return Done()

    def _give_out(self) -> None:
        """Give nodes to those whose turn it is, and refuse those who can never have any."""
        for queued in list(self._queue.values()):
            if queued.answer is None:
                self._try(queued, probe=True)
        while waiting := self.waiting:
            chosen = self.policy.choose(waiting, self.book.free)
            if chosen is None or not self._try(self._queue[waiting[chosen].job]):
                break
        for place, job in enumerate(self.waiting):
            queued = self._queue[job.job]
            queued.reason = "Resources" if place == 0 else "Priority"

    def _try(self, queued: _Queued, *, probe: bool = False) -> bool:
        """Give a job its nodes, or refuse it for good; return whether that is done.

        With *probe*, only refuse it.
        """
        wanted = queued.waiting
        try:
            if probe:
                self.book.check(wanted.size, queued.hosts)
                return False
            nodes = self.book.allocate(wanted.job, wanted.size, queued.hosts)
        except NodesBusyError:
            return False
        except LaunchError as error:
            self._settle(queued, process_jobs.refusal(errno.EINVAL, str(error)))
        else:
            self._settle(queued, requests.Granted(list(nodes)))
        return True

    def _settle(self, queued: _Queued, answer: Reply) -> None:
        queued.answer = answer
        # If this server was stopped meanwhile nobody awaits it now, but will ask again.
        if queued.later is not None and queued.later.answer(encode(answer)):
            del self._queue[queued.waiting.job]

    # -- how things are ------------------------------------------------------------------------

    def _list_jobs(self, caller: Caller, call: requests.ListJobs) -> Reply:
        return requests.Jobs(list(self._overview.jobs()))

    def _list_nodes(self, caller: Caller, call: requests.ListNodes) -> Reply:
        return requests.Nodes(list(self._overview.nodes()))

    def _signal(self, caller: Caller, call: requests.Signal) -> Reply:
        try:
            self._overview.signal(caller.job, call.job, call.number)
        except OSError as error:
            return process_jobs.refusal(error.errno or errno.EINVAL, error.strerror or "")
        return Done()


_ANSWERS: Final[dict[type, Callable[[AllocationServer, Caller, Any], Reply | Later]]] = {
    requests.Allocate: AllocationServer._allocate,
    requests.Await: AllocationServer._await,
    requests.Withdraw: AllocationServer._withdraw,
    requests.Release: AllocationServer._release,
    requests.ListJobs: AllocationServer._list_jobs,
    requests.ListNodes: AllocationServer._list_nodes,
    requests.Signal: AllocationServer._signal,
}
