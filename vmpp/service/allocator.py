"""The allocation server: hands nodes out, and keeps the queue of the jobs that wait for some."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeAlias, get_args

from vmpp.errors import PluginError
from vmpp.process import jobs as process_jobs
from vmpp.process.calls import GARBAGE, Done, Reply, encode
from vmpp.service import partition_calls, requests
from vmpp.service.errors import FragmentedError, LaunchError, NodesBusyError
from vmpp.service.nodebook import NodeBook
from vmpp.service.queueing import QueueingPolicy, Waiting, turn
from vmpp.service.rectangles import ANYWHERE, Site
from vmpp.service.server import Caller, Later
from vmpp.service.status import JobStatus, NodeStatus

_SYSTEM: Final = 0
"""In place of a job's number: that of the system's own processes."""

_ONLY_SYSTEM: Final = frozenset(
    {
        requests.Allocate,
        requests.AllocateShared,
        requests.AllocateWithin,
        requests.Await,
        requests.Withdraw,
        requests.Release,
    }
)


RESOURCES: Final = "Resources"
"""Why a job waits whose turn it is: nodes are taken. As Slurm says it, like the next one."""
PRIORITY: Final = "Priority"
"""Why one waits whose turn it is not."""
FRAGMENTATION: Final = "Fragmentation"
"""Why one waits whose turn it is: nodes are free, and the allocator has no place for it there."""

Request: TypeAlias = requests.Allocate | requests.AllocateShared | requests.AllocateWithin


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

    __slots__ = ("answer", "fragmented", "hosts", "later", "reason", "share", "site", "waiting")

    def __init__(self, waiting: Waiting, hosts: dict[int, int], share: str, site: Site) -> None:
        self.waiting = waiting
        self.hosts = hosts
        self.share = share
        self.site = site
        self.reason = ""
        self.fragmented = False
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

    __slots__ = ("_desk", "_overview", "_queue", "book", "least_service_time", "name", "policy")

    def __init__(
        self,
        book: NodeBook,
        policy: QueueingPolicy,
        overview: Overview,
        least_service_time: int,
        desk: partition_calls.Desk | None = None,
    ) -> None:
        """Set the server up; *desk* answers what is about partitions, if it has any."""
        self.name = requests.ALLOCATION
        self.least_service_time = least_service_time
        self.book = book
        self.policy = policy
        self._desk = desk
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

    def _allocate(self, caller: Caller, call: Request) -> Reply:
        return self.decide(call, caller.time)

    def decide(self, call: Request, now: int = 0) -> Reply:
        """Give nodes to a job, put it into the queue, or refuse it, at time *now*."""
        waiting = Waiting(call.job, call.uid, call.size, now, tuple(sorted(call.hosts.values())))
        share = "" if isinstance(call, requests.Allocate) else call.share
        site = ANYWHERE
        if isinstance(call, requests.AllocateWithin):
            site = Site(call.within, call.shape)
        queued = self._queue[call.job] = _Queued(waiting, call.hosts, share, site)
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
        self.book.release(call.job)
        self._give_out()
        return Done()

    def _give_out(self) -> None:
        """Give nodes to those whose turn it is, and refuse those who can never have any."""
        for queued in list(self._queue.values()):
            if queued.answer is None:
                self._try(queued, probe=True)
        for queued in self._queue.values():
            queued.fragmented = False
        while waiting := self.waiting:
            try:
                chosen = turn(self.policy, waiting, self.book.free)
            except PluginError as error:
                # Or nobody would ever have nodes, and nobody know why.
                text = f"{error}; choose another queue"
                self._settle(self._queue[waiting[0].job], process_jobs.refusal(errno.EINVAL, text))
                continue
            if chosen is None or not self._try(self._queue[waiting[chosen].job]):
                break
        for place, job in enumerate(self.waiting):
            queued = self._queue[job.job]
            head = FRAGMENTATION if queued.fragmented else RESOURCES
            queued.reason = head if place == 0 else PRIORITY

    def _try(self, queued: _Queued, *, probe: bool = False) -> bool:
        """Give a job its nodes, or refuse it for good; return whether that is done.

        With *probe*, only refuse it.
        """
        wanted = queued.waiting
        try:
            if probe:
                self.book.check(wanted.size, queued.hosts, queued.site)
                return False
            nodes = self.book.allocate(
                wanted.job, wanted.size, queued.hosts, share=queued.share, site=queued.site
            )
        except NodesBusyError as error:
            queued.fragmented = isinstance(error, FragmentedError)
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

    def _partition(self, caller: Caller, call: Any) -> Reply:
        desk = self._desk
        return process_jobs.refusal(errno.ENOSYS) if desk is None else desk.answer(caller.job, call)


_ANSWERS: Final[dict[type, Callable[[AllocationServer, Caller, Any], Reply | Later]]] = {
    requests.Allocate: AllocationServer._allocate,
    requests.AllocateShared: AllocationServer._allocate,
    requests.AllocateWithin: AllocationServer._allocate,
    requests.Await: AllocationServer._await,
    requests.Withdraw: AllocationServer._withdraw,
    requests.Release: AllocationServer._release,
    requests.ListJobs: AllocationServer._list_jobs,
    requests.ListNodes: AllocationServer._list_nodes,
    requests.Signal: AllocationServer._signal,
    **dict.fromkeys(get_args(partition_calls.AnyPartitionCall), AllocationServer._partition),
}
