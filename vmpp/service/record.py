"""What is known of a job from when it is asked for until it is forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from vmpp.engine import Occasion
from vmpp.exit_status import KILLED, SIGNALLED, TERMINATED
from vmpp.kernel import SHARED_CPU, Job, Roles
from vmpp.service.errors import LaunchError
from vmpp.service.identity import Credentials, host_user
from vmpp.service.rectangles import ANYWHERE, Site
from vmpp.service.status import JobState, JobStatus, RankStatus

if TYPE_CHECKING:
    from vmpp.service.yod import Yod

MOST_URGENT: Final = 1000
"""The highest priority of a job; its negative is the lowest."""

LOST: Final = KILLED
"""Exit status of a rank whose node crashed, and of the job that ends because of it."""


class Loadable(Protocol):
    """What the launcher needs to know of a program."""

    image: bytes
    name: str


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of a launch.

    Attributes:
        name: of the phase.
        virtual_ps: what it took in virtual time, picoseconds.
        host_s: what it took on the host, seconds.
        cpu_s: CPU time of the host's process, seconds.
    """

    name: str
    virtual_ps: int
    host_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a job is to be launched.

    Attributes:
        owner: whose it is.
        hosts: the nodes that it must have, by the places of its nodes, counted from 0: by rank, if
            a node takes one rank of it.
        keeps_going: whether it goes on without ranks whose nodes crash.
        kills: whether it ends when one of its processes ends abnormally, by an error or a signal;
            otherwise that is reported, and the others run on.
        traces: whether it is looked where all its processes stand before it is ended abnormally.
        name: what the job is called; empty: as its program.
        policy: scheduling policy of its nodes; empty: the machine's.
        priority: how urgent it is on nodes that it shares; 0 is usual, more is more urgent.
        description: what libraries are set up by in its processes; None: the machine's.
        mode: CPU mode of its nodes.
        roles: what that makes of the CPUs of the machine's nodes.
        limit: how long it may run, in picoseconds of virtual time; None: for ever.
        partition: whole name of the partition that it runs in; empty: in none.
        site: where its nodes are to be.
        most_urgent: the highest priority that it can be given while it runs.
        nodes: how many nodes it is to have, if these are more than its ranks need; 0: as they need.
        places: of these, by the places of its nodes, those that its ranks are on; empty: the first.
    """

    owner: Credentials
    hosts: tuple[tuple[int, int], ...] = ()
    keeps_going: bool = False
    kills: bool = True
    traces: bool = False
    name: str = ""
    policy: str = ""
    priority: int = 0
    description: Any = None
    mode: str = ""
    roles: Roles = SHARED_CPU
    limit: int | None = None
    partition: str = ""
    site: Site = ANYWHERE
    most_urgent: int = MOST_URGENT
    nodes: int = 0
    places: tuple[int, ...] = ()


def checked_priority(priority: int) -> int:
    """Return *priority*, of a job. Raises LaunchError: no job can have it."""
    if not -MOST_URGENT <= priority <= MOST_URGENT:
        raise LaunchError(
            f"{priority} is no priority; there are those from {-MOST_URGENT} to {MOST_URGENT}"
        )
    return priority


def usual_wishes() -> Wishes:
    """Return how a job is launched if nobody says: on behalf of who runs vmpp."""
    return Wishes(host_user())


class JobRecord:
    """What is known of one job.

    Attributes:
        job: the job, as kernels know it; without nodes as long as it waits for them.
        size: how many ranks it has.
        wishes: how it is to be launched.
        yod: its launcher.
        statuses: exit status by rank; None while it runs.
        ends: when the ranks ended, in picoseconds; None while they run.
        signals: number of the signal that ended a rank, by rank, for those that one ended.
        status: the job's own: the highest of its ranks', or the one it was ended with.
        signal: number of the signal that ended it; 0 if none did.
        killed: status of a rank that is killed with the job.
        failure: what to tell the user, or None.
        reason: why it waits.
        phases: allocation, load and run, as they end.
        steps: the same in more detail, in the words of ASCI Red's and Cplant's ``yod -timing``.
        traced: where its processes stood when it was ended abnormally, if that was asked for.
        submit, start, end: when it was asked for, when its processes began, when the last was gone,
            in picoseconds; None for what has not happened.
        placed: whether it has nodes.
        distance: mean number of links between two of them; None without nodes, or if not known.
        refused: whether it cannot be launched, for the reason that is its failure.
        loaded: whether every node has reported that it is loaded, or cannot be.
        running: whether it has been started and has not ended.
        ending: whether it is being ended before its time.
        lost: the ranks whose nodes have crashed; if it keeps going they do not count for its
            status.
        cancelled: whether somebody has asked to end it.
        timed_out: whether it has been told to end because its time is over.
        interrupted: whether the user has struck ^C; whatever else goes wrong then is no news.
        origin: the job that it all began with, if this one was spawned; itself otherwise.
        family: of an origin: the jobs of which processes are left, itself and what was spawned.
        spawned: of an origin: all jobs that were spawned.
        connected: numbers of the jobs whose processes may send to this job's, and get from them.
        parent: number of the job that spawned it; 0: none.
        dismissed: ranks that its family has ended, whose statuses do not count.
        home: who had its nodes before, if it was spawned on nodes that somebody had; 0 otherwise.
        reservations: of an origin: what nodes are kept by for what its family spawns.
        on_loaded: told, of a spawned job, that it is loaded, or why it cannot be.
        answered: happens when it is known whether the job has nodes, waits, or is refused.
        gone: happens when none of its own processes is left.
        over: happens when none of its family's is, for an origin; with `gone` otherwise.
        done: happens when its nodes are free again and its end has been accounted for.
    """

    __slots__ = (
        "_mark", "_missing", "_passed", "answered", "cancelled", "connected", "dismissed",
        "distance", "done", "end", "ending", "ends", "failure", "family", "gone", "home",
        "interrupted", "job", "killed", "loaded", "lost", "on_loaded", "origin", "over", "parent",
        "phases", "placed", "reason", "refused", "reservations",
        "running", "signal", "signals", "size", "spawned", "start", "status", "statuses", "steps",
        "submit", "timed_out", "traced", "wishes", "yod",
    )  # fmt: skip

    def __init__(
        self,
        job: Job,
        size: int,
        wishes: Wishes | None = None,
        origin: JobRecord | None = None,
        now: int = 0,
    ) -> None:
        self.job = job
        self.size = size
        self.origin = self if origin is None else origin
        self.wishes: Wishes = wishes or (self.origin.wishes if origin else usual_wishes())
        self.yod: Yod
        self.family: list[JobRecord] = []
        self.spawned: list[JobRecord] = []
        self.origin.family.append(self)
        if origin is not None:
            origin.spawned.append(self)
        self.connected: set[int] = set()
        self.parent = 0
        self.dismissed: set[int] = set()
        self.home = 0
        self.reservations: list[int] = []
        self.on_loaded: Callable[[JobRecord, str | None], object] | None = None
        self.statuses: list[int | None] = [None] * size
        self.ends: list[int | None] = [None] * size
        self.signals: dict[int, int] = {}
        self.status = 0
        self.signal = 0
        self.killed = TERMINATED
        self.failure: str | None = None
        self.reason = ""
        self.phases: list[Phase] = []
        self.steps: list[Phase] = []
        self.traced: str | None = None
        self.submit = now
        self.start: int | None = None
        self.end: int | None = None
        self.placed = False
        self.distance: float | None = None
        self.refused = False
        self.loaded = False
        self.running = False
        self.ending = False
        self.cancelled = False
        self.timed_out = False
        self.interrupted = False
        self.lost: set[int] = set()
        self.answered = Occasion()
        self.gone = Occasion()
        self.over = Occasion()
        self.done = Occasion()
        self._missing = size
        self._mark = self._passed = (now, time.perf_counter(), time.process_time())

    @property
    def id(self) -> int:
        """Number of the job."""
        return self.job.id

    @property
    def keeps_going(self) -> bool:
        """Whether it goes on without ranks whose nodes crash."""
        return self.wishes.keeps_going

    def elapsed(self, now: int) -> int:
        """Return how long the phase under way has taken up to *now*."""
        return now - self._mark[0]

    def finish(self, name: str, now: int) -> None:
        """End the phase under way, calling it *name*, and begin the next."""
        phase, self._mark = _phase(name, self._mark, now)
        self.phases.append(phase)

    def passes(self, name: str, now: int) -> None:
        """End the step under way, calling it *name*, and begin the next."""
        step, self._passed = _phase(name, self._passed, now)
        self.steps.append(step)

    def refuse(self, text: str) -> None:
        """Note why the job cannot be launched."""
        self.status = 1
        self.failure = text
        self.refused = True

    def sent(self, signal: int) -> None:
        """Note that a signal is on its way to all ranks; those that it ends are killed."""
        self.killed = SIGNALLED + signal

    def exited(self, rank: int, status: int, now: int) -> bool:
        """Note the status of *rank*, negative if it was killed; return whether it was the last."""
        if self.statuses[rank] is not None:
            return False
        if rank in self.dismissed:
            return self._ended(rank, self.killed if status < 0 else status, now)
        if status < 0:
            status = self.killed
            if status > SIGNALLED:
                self.signals[rank] = status - SIGNALLED
            if not self.ending:
                self.signal = status - SIGNALLED
                self.cancelled = True
        if not self.ending:
            self.status = max(self.status, status)
        return self._ended(rank, status, now)

    def loses(self, rank: int, now: int) -> bool:
        """Note that *rank* is lost; return whether it was the last."""
        self.lost.add(rank)
        if self.statuses[rank] is not None:
            return False
        return self._ended(rank, LOST, now)

    def _ended(self, rank: int, status: int, now: int) -> bool:
        self.statuses[rank] = status
        self.ends[rank] = now
        if rank in self.lost:
            self.signals[rank] = LOST - SIGNALLED
        self._missing -= 1
        return not self._missing

    @property
    def state(self) -> JobState:
        """Where it is in its life."""
        if self.over.is_set():
            return self._ended_state
        if self.placed and (self.ending or not self._missing):
            return JobState.COMPLETING
        if self.running:
            return JobState.RUNNING
        return JobState.LOADING if self.placed else JobState.PENDING

    @property
    def _ended_state(self) -> JobState:
        if self.timed_out:
            return JobState.TIMEOUT
        if self.cancelled:
            return JobState.CANCELLED
        if self.status == LOST and self.origin.lost and self.failure is not None:
            return JobState.NODE_FAIL
        return JobState.FAILED if self.status or self.failure else JobState.COMPLETED

    def describe(self, messages: int, sent: int, calls: int, policy: str) -> JobStatus:
        """Return what there is to tell of it.

        Args:
            messages: what its processes have sent so far.
            sent: bytes of these.
            calls: what they have asked of servers.
            policy: scheduling policy of nodes for which nothing else is wished.
        """
        program = self.job.programs[0]
        owner = self.wishes.owner
        over = self.over.is_set()
        waits = not self.placed and not over
        reason = self.reason if waits else (self.failure or "").partition("\n")[0]
        return JobStatus(
            id=self.id,
            user=owner.name,
            uid=owner.uid,
            name=self.wishes.name or program.name,
            command=" ".join(map(str, getattr(program, "argv", ()) or (program.name,))),
            size=self.size,
            nodes=tuple(self.job.nodes),
            distance=self.distance,
            state=self.state,
            reason=reason,
            mode=self.wishes.mode,
            policy=self.wishes.policy or policy,
            priority=self.wishes.priority,
            submit=self.submit,
            start=self.start,
            end=self.end,
            exit=self.status if over else None,
            signal=self.signal,
            messages=messages,
            bytes=sent,
            system_calls=calls,
        )

    def completion(self, now: int) -> list[RankStatus]:
        """Return how each rank has ended, or how long it has run, at time *now*."""
        start = now if self.start is None else self.start
        rows = []
        for rank, (status, end) in enumerate(zip(self.statuses, self.ends, strict=True)):
            address = self.job.addresses[rank] if self.placed else None
            rows.append(
                RankStatus(
                    rank=rank,
                    node=-1 if address is None else address.nid,
                    pid=-1 if address is None else address.pid,
                    elapsed=max(0, (now if end is None else end) - start),
                    exit=status,
                    signal=self.signals.get(rank, 0),
                )
            )
        return rows


_Mark = tuple[int, float, float]


def _phase(name: str, mark: _Mark, now: int) -> tuple[Phase, _Mark]:
    """Return the phase that began at *mark* and ends now, and the mark of the next."""
    virtual, host, cpu = mark
    after = (now, time.perf_counter(), time.process_time())
    return Phase(name, now - virtual, after[1] - host, after[2] - cpu), after
