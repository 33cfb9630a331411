"""The launcher: makes a `yod` for every job, and knows all jobs that have not ended."""

from __future__ import annotations

import errno
import os
import signal as signals
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from struct import pack
from typing import Any, NamedTuple

from vmpp.engine import Streams
from vmpp.exit_status import INTERRUPTED, SIGNALLED
from vmpp.kernel import Job, Process, QuintessentialKernel, Roles, Surroundings
from vmpp.pct import Control
from vmpp.process.calls import Reply
from vmpp.service.allocator import Request
from vmpp.service.errors import LaunchError
from vmpp.service.identity import Credentials
from vmpp.service.introductions import Introductions
from vmpp.service.life import Life, withdrawal
from vmpp.service.nodebook import NodeBook
from vmpp.service.partition import ServicePartition
from vmpp.service.record import MOST_URGENT, JobRecord, Loadable, Wishes
from vmpp.service.rectangles import Site
from vmpp.service.requests import ALLOCATION, Granted
from vmpp.service.status import JobStatus
from vmpp.service.yod import Yod


class Home(NamedTuple):
    """Nodes that a job is to have which somebody has already.

    Attributes:
        number: of the job, or the reservation, that has them.
        nodes: their numbers, in the order of the new job's.
        library: name of the library that the new job's parcel is for.
        description: what libraries are set up by in its processes; None: as in its origin's.
    """

    number: int
    nodes: tuple[int, ...]
    library: str
    description: Any = None


class Launcher:
    """Makes jobs, and ends them.

    Attributes:
        services: the service partition that `yod`s run in.
        book: of the nodes.
        policy: name of the scheduling policy of the nodes.
        service_time: the least that it takes for a job before it loads it, in picoseconds.
        chunk: bytes of a program in one message.
        fanout: nodes that each node of the tree passes it on to.
        records: the jobs that wait, or of which processes are left, by number.
        known: the same, and those whose `yod` is not done with them.
        introductions: of jobs to each other.
        started: told of every job when its processes are about to run.
        ended: told of every job when it is over.
        over: told what there was to tell of a job that is forgotten.
        lost: told of every rank whose node has crashed.
        abnormal: told of a job that is about to be ended abnormally.
        share: says what jobs have in common with which a job may share nodes; nothing if none may.
        on_exit: told of the end of a process.
        on_freed: told that nodes have been given back.
    """

    __slots__ = (
        "_distance", "_jobs", "_processes", "_reset", "_seed", "_surroundings", "abnormal", "book",
        "chunk", "ended", "fanout",
        "introductions", "known", "lost", "on_exit",
        "on_freed", "over", "policy", "records",
        "service_time", "services", "share", "started",
    )  # fmt: skip

    def __init__(
        self,
        services: ServicePartition,
        book: NodeBook,
        *,
        service_time: int,
        chunk: int,
        fanout: int,
        seed: int,
        surroundings: Callable[[Sequence[int]], Surroundings],
        started: Callable[[JobRecord], object],
        ended: Callable[[JobRecord], object],
        lost: Callable[[JobRecord, int], object] = lambda record, rank: None,
        abnormal: Callable[[JobRecord], object] = lambda record: None,
        reset: Callable[[int, Job], object] = lambda node, job: None,
        processes: Callable[[JobRecord], Iterable[Process]] = lambda record: (),
        share: Callable[[JobRecord], str] = lambda record: "",
        distance: Callable[[Sequence[int]], float | None] = lambda nodes: None,
    ) -> None:
        """Set the launcher up.

        Args:
            surroundings: gives what a job on these nodes can know of its machine.
            reset: ends what a node still has of a job.
            processes: gives the processes of a job that are there.
            share: says what jobs have in common with which a job may share nodes; nothing if it
                has its nodes to itself.
            distance: gives the mean number of links between two nodes, if it is known.
        """
        self.services = services
        self.book = book
        self.policy = ""
        self.chunk = chunk
        self.fanout = fanout
        self.started = started
        self.ended = ended
        self.lost = lost
        self.abnormal = abnormal
        self._reset = reset
        self._processes = processes
        self.share = share
        self._distance = distance
        self.over: Callable[[JobStatus], object] = lambda status: None
        self.on_exit: Callable[[], object] = lambda: None
        self.on_freed: Callable[[], object] = lambda: None
        self.introductions = Introductions()
        self.records: dict[int, JobRecord] = {}
        self.known: dict[int, JobRecord] = {}
        self.service_time = service_time
        self._seed = seed
        self._surroundings = surroundings
        self._jobs = 0

    # -- making jobs ---------------------------------------------------------------------------

    def launch(
        self,
        parts: Sequence[tuple[Loadable, int]],
        wishes: Wishes | None = None,
        decide: Callable[[Request], Reply] | None = None,
    ) -> JobRecord:
        """Make a job; its `yod` asks for nodes for it.

        Args:
            parts: its programs, each with the number of its ranks; most jobs have one.
            decide: what the allocation server says to a request, for a job that is launched from
                outside of the machine: it is known at once whether it has nodes, or waits.

        Raises:
            ValueError: there are no ranks.
        """
        record = self.make(parts, wishes)
        life = Life(record, self)
        if decide is not None:
            life.begin(decide(life.request()))
        self.services.start_task(life.run)
        return record

    def make(
        self,
        parts: Sequence[tuple[Loadable, int]],
        wishes: Wishes | None = None,
        origin: JobRecord | None = None,
        **more: Any,
    ) -> JobRecord:
        """Make a job without nodes, and a `yod` for it. Raises ValueError as `launch`."""
        size = sum(part[1] for part in parts)
        if size < 1:
            raise ValueError(f"a job has at least one process, not {size}")
        self._jobs += 1
        number = self._jobs
        several = parts if len(parts) > 1 else ()
        job = Job(number, (), parts[0][0], Streams(self._seed), parts=several, **more)
        record = JobRecord(job, size, wishes, origin, self.now)
        job.policy = record.wishes.policy
        job.mode, job.roles = record.wishes.mode, record.wishes.roles
        job.priority = record.wishes.priority
        job.description = record.wishes.description

        def yod(kernel: QuintessentialKernel, pid: int) -> Yod:
            return Yod(kernel, pid, self, record)

        record.yod = self.services.enter(number - 1, yod)
        job.launcher = record.yod.address
        self.records[number] = self.known[number] = record
        return record

    def go_on_after(self, number: int) -> None:
        """Give further jobs higher numbers than *number*, which an earlier boot has given."""
        self._jobs = max(self._jobs, number)

    @property
    def now(self) -> int:
        """The virtual time, in picoseconds."""
        return self.services.now

    def place(self, record: JobRecord, nodes: Sequence[int]) -> None:
        """Give a job its nodes, each for as many ranks as its mode puts there."""
        ranks = record.job.roles.ranks
        record.job.places = places = record.wishes.places
        if places:
            record.job.application = tuple(nodes)
            nodes = [nodes[place] for place in places]
        by_rank = tuple(nodes[rank // ranks] for rank in range(record.size))
        surroundings = self._surroundings(by_rank)
        if ranks > 1:
            surroundings = replace(surroundings, universe=surroundings.universe * ranks)
        record.job.row = self.book.row_of(record.id)
        record.job.place(by_rank, surroundings)
        record.placed = True
        record.distance = self._distance(nodes)

    def load(self, record: JobRecord) -> None:
        """Have a job that has nodes loaded."""
        nodes = record.job.nodes
        record.yod.load()
        for rank, node in enumerate(nodes):
            # What crashed while the answer was on its way is news to nobody else.
            if node in self.book.crashed and rank not in record.lost and not record.gone.is_set():
                record.yod.lose(rank)

    def spawn(
        self,
        spawner: JobRecord,
        parts: Sequence[tuple[Loadable, int]],
        hosts: Mapping[int, int],
        parcel: bytes,
        friends: Iterable[JobRecord],
        on_loaded: Callable[[JobRecord, str | None], object],
        home: Home | None = None,
    ) -> JobRecord:
        """Allocate nodes and begin to load programs on them, as one more job of a family.

        Args:
            spawner: the job that asks for it.
            parts: the programs, each with the number of its ranks.
            hosts: the nodes that some ranks must have, by rank.
            parcel: what the job's processes find in `Job.parcel`.
            friends: jobs whose messages the new one gets from the start.
            on_loaded: told when the job is loaded, and waits for `go`; or why it is not, and then
                nothing is left of it.
            home: the nodes that it is to have, others' though they be; None: free ones.

        Raises:
            LaunchError: there are not as many nodes, or the policy has chosen what cannot be.
            NodesBusyError: there are, but not free.
        """
        roles = spawner.wishes.roles
        if home is None:
            nodes = self.book.allocate(
                self._jobs + 1,
                roles.nodes(sum(part[1] for part in parts)),
                _by_place(hosts, roles),
                share=self.share(spawner),
                more=True,
            )
        else:
            nodes, shared = home.nodes, bool(self.share(spawner))
            self.book.sublet(home.number, self._jobs + 1, nodes, shared=shared)
        known = frozenset(friend.id for friend in friends)
        library = "" if home is None else home.library
        record = self.make(
            parts, None, spawner.origin, parcel=parcel, friends=known, library=library
        )
        record.home = 0 if home is None else home.number
        if home is not None and home.description is not None:
            record.job.description = home.description
        record.parent = spawner.id
        record.connected.update(known)
        record.on_loaded = on_loaded
        life = Life(record, self)
        life.begin(Granted(list(nodes)), delay=0)
        self.services.start_task(life.run)
        return record

    def reserve(
        self, record: JobRecord, size: int, site: Site, hosts: Mapping[int, int]
    ) -> tuple[int, tuple[int, ...]]:
        """Keep nodes for what a job spawns, until the last of its family has ended.

        Returns:
            A number, as if of a job, and the nodes.

        Raises:
            LaunchError: as `spawn`.
        """
        number = self._jobs + 1
        nodes = self.book.reserve(number, size, hosts, share=self.share(record), site=site)
        self._jobs = number
        record.origin.reservations.append(number)
        return number, nodes

    def go(self, record: JobRecord) -> None:
        """Have a job that is loaded run."""
        record.yod.go()

    def describe(self, record: JobRecord) -> JobStatus:
        """Return what there is to tell of a job, with what those of its processes have sent that
        are still there."""
        job = record.job
        messages, sent, calls = job.messages, job.bytes, job.calls
        for process in self._processes(record):
            messages += process.messages
            sent += process.bytes
            calls += process.calls
        return record.describe(messages, sent, calls, self.policy)

    def job(self, number: int) -> Job | None:
        """Return the job of that number, or None if it has ended."""
        record = self.records.get(number)
        return None if record is None else record.job

    def forget(self, record: JobRecord) -> None:
        """Forget a job with which its `yod` is done."""
        # Who is refused at once has never had a job.
        if record.reason or not record.refused:
            self.over(self.describe(record))
        del self.known[record.id]
        self.services.leave(record.yod)

    # -- ending jobs ---------------------------------------------------------------------------

    def end(self, record: JobRecord, status: int, failure: str | None = None) -> None:
        """End the family of a job with *status*: every process that still runs is killed."""
        origin = record.origin
        if origin.ending or origin.over.is_set():
            return
        if origin.interrupted:
            status, failure = INTERRUPTED, None
            origin.cancelled = True
        if status or failure:
            self.abnormal(origin)
        if failure is not None and record is not origin:
            failure = f"in job {record.id}, which was spawned: {failure}"
        if origin.failure is not None and not origin.interrupted:
            # A rank has failed before, which did not end the job, but may be why it ends.
            failure = "\n".join(filter(None, (origin.failure.rstrip("\n"), failure)))
        origin.status = status
        origin.failure = failure
        for each in list(origin.family):
            each.ending = True
            each.killed = record.killed
            self.services.abandon(each.id)
            # What is still being loaded is killed when it has been.
            if each.loaded:
                each.yod.kill()
        # It may have ended itself, when others of its family have not.
        origin.ending = True
        if not origin.placed:
            self._withdraw(origin)
        self.services.bridge.wake()

    def _withdraw(self, record: JobRecord) -> None:
        """Have a job wait for nodes no longer."""
        server = self.services.addresses.get(ALLOCATION)
        if server is not None:
            record.yod.tell(server, withdrawal(record))

    def fails(self, record: JobRecord, rank: int, status: int, text: str) -> None:
        """Take note that a rank has ended by an error, which ends the job unless it wants not."""
        if record.wishes.kills:
            self.end(record, status, text)
        elif not record.ending and record.origin.failure is None:
            self.abnormal(record.origin)
            record.origin.failure = text

    def signal(self, number: int, signal: int, by: Credentials | None = None) -> None:
        """Send a signal to every process of a job.

        What waits or is being loaded ends. SIGKILL ends every process; any other goes to the
        program's own handler if it has one, and ends its process if it has not.

        Args:
            number: of the job.
            signal: number of the signal, as on the host.
            by: on whose behalf; None: the system's.

        Raises:
            OSError: ESRCH, there is no such job any more; EPERM, it is somebody else's; EINVAL,
                there is no such signal.
        """
        record = self.records.get(number)
        if record is None or record.gone.is_set():
            raise OSError(errno.ESRCH, f"no job {number} waits or runs")
        if by is not None and not by.may_command(record.wishes.owner):
            raise OSError(
                errno.EPERM, f"job {number} belongs to {record.wishes.owner.name}, not to {by.name}"
            )
        if signal not in signals.valid_signals():
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        if signal == signals.SIGKILL or not record.running:
            self.terminate(record, signal)
        elif not record.ending:
            record.sent(signal)
            record.yod.tell_root(Control.SIGNAL, value=signal)
            self.services.bridge.wake()

    def set_priority(self, user: Credentials, number: int, priority: int) -> None:
        """Make a job as urgent as *priority* says, up to what its partition lets it be.

        Raises:
            OSError: ESRCH, there is no such job; EPERM, it is somebody else's; EINVAL, there is no
                such priority.
        """
        record = self.records.get(number)
        if record is None:
            raise OSError(errno.ESRCH, f"no job {number} waits or runs")
        if not user.may_command(record.wishes.owner):
            raise OSError(errno.EPERM, f"job {number} belongs to {record.wishes.owner.name}")
        if not -MOST_URGENT <= priority <= record.wishes.most_urgent:
            raise OSError(
                errno.EINVAL,
                f"{priority} is no priority of job {number}; it can have those from "
                f"{-MOST_URGENT} to {record.wishes.most_urgent}",
            )
        record.job.priority = priority
        record.wishes = replace(record.wishes, priority=priority)

    def dismiss(self, record: JobRecord, ranks: Iterable[int]) -> None:
        """End some processes of a job, which does not count as a failure of it."""
        left = [rank for rank in ranks if record.statuses[rank] is None]
        record.dismissed.update(left)
        if record.running:
            for rank in left:
                record.yod.tell_ranks([rank], Control.END)

    def terminate(self, record: JobRecord, signal: int) -> None:
        """End a job by a signal: its ranks have the status that says so."""
        origin = record.origin
        if origin.ending or origin.over.is_set():
            return
        record.killed = SIGNALLED + signal
        origin.signal = signal
        origin.cancelled = True
        self.end(record, SIGNALLED + signal)

    def bury(self, record: JobRecord) -> None:
        """Take note that no process of a job is left."""
        record.running = False
        del self.records[record.id]
        self.introductions.forget(record)
        record.gone.set()
        origin = record.origin
        origin.family.remove(record)
        if record is not origin:
            if not origin.ending and not record.ending:
                origin.status = max(origin.status, record.status)
            self._close(record)
        if not origin.family:
            self._close(origin)

    def _close(self, record: JobRecord) -> None:
        """Take note that a job is over; an origin is when all of its family are."""
        record.finish("run", self.now)
        record.end = self.now
        record.over.set()
        self.ended(record)

    # -- crashes -------------------------------------------------------------------------------

    def lose(self, node: int) -> None:
        """Have the jobs that have processes on a node that has crashed learn of it."""
        for record in list(self.records.values()):
            for rank, own in enumerate(record.job.nodes):
                if own == node:
                    record.yod.lose(rank)

    def forsake(self, record: JobRecord, reason: str) -> None:
        """Take back the nodes of a job of which nothing is heard any more, for messages were lost.

        Called from an event, when nothing else happens; whatever is left of the job is ended by
        resetting its nodes. *reason* is what becomes the job's failure, unless it has one.
        """
        if self.records.get(record.id) is not record:
            return
        origin = record.origin
        if not record.loaded:
            record.finish("load", self.now)
            record.loaded = True
            if record.on_loaded is not None and not record.ending:
                record.ending = True
                record.on_loaded(record, reason)
        if not origin.ending and record is origin:
            origin.ending = True
            origin.status = origin.status or 1
            origin.failure = origin.failure or reason
        for rank, node in enumerate(record.job.nodes):
            self._reset(node, record.job)
            record.exited(rank, -1, self.now)
        self.bury(record)

    def tell_connected(self, record: JobRecord, rank: int) -> None:
        """Tell the jobs that are connected to one of a rank that it has lost."""
        number = pack("<I", record.id)
        for other in sorted(record.connected):
            found = self.records.get(other)
            if found is not None and found.running and not found.ending:
                found.yod.tell_root(Control.LOST, number, rank)

    # -- connected jobs ------------------------------------------------------------------------

    def related(self, record: JobRecord) -> set[int]:
        """Return the numbers of the jobs that are connected to *record*, be it through others."""
        found = {record.id}
        fresh = [record]
        while fresh:
            for number in sorted(fresh.pop().connected - found):
                found.add(number)
                if number in self.records:
                    fresh.append(self.records[number])
        return found


def _by_place(hosts: Mapping[int, int], roles: Roles) -> dict[int, int]:
    """Return the nodes that ranks must have by the places of their nodes.

    Raises:
        LaunchError: ranks that share a node must have different ones.
    """
    places: dict[int, int] = {}
    for rank, node in hosts.items():
        if places.setdefault(rank // roles.ranks, node) != node:
            raise LaunchError(f"rank {rank} shares a node with the rank before it, not node {node}")
    return places
