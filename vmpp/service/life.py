"""The life of a job, as its `yod` goes through it: a task that holds virtual time between steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from vmpp.process import jobs
from vmpp.process.calls import Call, Reply, encode
from vmpp.service import accounting, requests
from vmpp.service.allocator import Request
from vmpp.service.client import NoAnswerError, ServerDownError
from vmpp.service.record import JobRecord
from vmpp.service.rectangles import ANYWHERE

if TYPE_CHECKING:
    from vmpp.service.launcher import Launcher


PATIENCE: Final = 3
"""How often a request may be lost in the network before it is not made again."""


class Life:
    """What `yod` does for one job, from asking for nodes to the last report.

    It begins at the instant at which it is made, whenever the host comes to run its task.
    """

    __slots__ = ("_client", "_delay", "_launcher", "_nodes", "_record", "_reply")

    def __init__(self, record: JobRecord, launcher: Launcher) -> None:
        self._record = record
        self._launcher = launcher
        self._client = launcher.services.client(node=record.id - 1)
        self._reply: Reply | None = None
        self._nodes: Sequence[int] = ()
        self._delay = launcher.service_time

    def request(self) -> Request:
        """Return what the allocation server is asked."""
        record, wishes = self._record, self._record.wishes
        nodes = wishes.nodes or wishes.roles.nodes(record.size)
        wanted = record.id, wishes.owner.uid, nodes, dict(wishes.hosts)
        share = self._launcher.share(record)
        if wishes.site is not ANYWHERE:
            site = wishes.site
            return requests.AllocateWithin(*wanted, share, site.within, site.shape)
        return requests.AllocateShared(*wanted, share) if share else requests.Allocate(*wanted)

    def begin(self, reply: Reply, delay: int | None = None) -> None:
        """Take note of what the allocation server says already, before the task runs.

        Args:
            delay: what passes before the job is loaded, ps; the launcher's service time if None.
        """
        self._reply = reply
        if delay is not None:
            self._delay = delay
        self._answered(reply)

    async def run(self) -> None:
        """Go through all of it: the task."""
        record, launcher, client = self._record, self._launcher, self._client
        with client:
            await self._get_nodes()
            if record.placed:
                await client.act(lambda: launcher.load(record))
                await client.until(record.gone)
                await self._give_nodes_back()
            await self._report()

    async def _get_nodes(self) -> None:
        """Wait until the job has nodes, or it is known that it will not have any."""
        try:
            reply = self._reply
            if reply is None:
                self._check()
                reply = await self._ask(self.request())
                await self._client.act(lambda: self._answered(reply))
            elif self._delay:
                await self._client.sleep(self._delay)
            if isinstance(reply, requests.Queued):
                if self._record.ending:
                    # What was to withdraw it may have overtaken what asked for it.
                    await self._insist(requests.Withdraw(self._record.id))
                granted = await self._insist(requests.Await(self._record.id))
                await self._client.act(lambda: self._answered(granted))
        except ServerDownError as error:
            text = str(error)
            await self._client.act(lambda: self._refused(text))

    def _check(self) -> None:
        """Raise ServerDownError if jobs are launched no more."""
        door = self._launcher.services.servers.get(jobs.LAUNCHER)
        if door is not None and door.dead:
            raise ServerDownError(f"the server {jobs.LAUNCHER!r} does not answer")

    def _answered(self, reply: Any) -> None:
        """Take note of what the allocation server says."""
        record = self._record
        if isinstance(reply, requests.Granted):
            self._nodes = reply.nodes
            self._launcher.place(record, reply.nodes)
        elif isinstance(reply, requests.Queued):
            record.reason = reply.reason
        else:
            self._refused(reply.text)
        record.answered.set()

    def _refused(self, text: str) -> None:
        """Take note that the job will not have nodes."""
        if not self._record.ending:
            self._record.refuse(text)
        self._launcher.bury(self._record)
        self._record.answered.set()

    async def _give_nodes_back(self) -> None:
        await self._give_back(self._record.id, list(self._nodes))

    async def _give_back(self, number: int, nodes: list[int]) -> None:
        """Give the nodes back that a job, or a reservation, has."""
        launcher, client = self._launcher, self._client
        try:
            await self._insist(requests.Release(number, nodes))
        except NoAnswerError:
            await client.act(lambda: launcher.book.release(number))
        await client.act(launcher.on_freed)

    async def _report(self) -> None:
        """Account for the job when it is over, and say that it is done."""
        record, client = self._record, self._client
        await client.until(record.over)
        for other in record.spawned:
            await client.until(other.done)
        for number in record.reservations:
            await self._give_back(number, [])
        # Who is refused at once has never had a job.
        refused = record.refused and not record.reason
        if accounting.SERVER in self._launcher.services.servers and not refused:
            request = encode(accounting.Record(self._launcher.describe(record)))
            try:
                await client.call(accounting.SERVER, request)
            except ServerDownError:
                # Who waits for the job is not kept waiting; it is accounted for as soon as can be.
                await client.act(record.done.set)
                await client.until(self._launcher.services.up(accounting.SERVER))
                await client.tell(accounting.SERVER, request)
        await client.act(record.done.set)
        await client.act(lambda: self._launcher.forget(record))

    async def _ask(self, call: Call[Any]) -> Any:
        return requests.decode_reply(await self._client.call(requests.ALLOCATION, encode(call)))

    async def _insist(self, call: Call[Any]) -> Any:
        """Ask the allocation server, again and again if it is stopped meanwhile.

        Raises:
            NoAnswerError: the network has lost the request, or its reply, every time.
        """
        losses = 0
        while True:
            try:
                return await self._ask(call)
            except NoAnswerError:
                losses += 1
                if losses == PATIENCE:
                    raise
            except ServerDownError:
                await self._client.until(self._launcher.services.up(requests.ALLOCATION))


def withdrawal(record: JobRecord) -> bytes:
    """Return what `yod` tells the allocation server of a job that waits no longer."""
    return encode(requests.Withdraw(record.id))
