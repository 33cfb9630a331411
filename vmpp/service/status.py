"""What the service partition tells of jobs, nodes and servers: frozen records, also on the wire."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class JobState(StrEnum):
    """Where a job is in its life; the values are Slurm's short codes."""

    PENDING = "PD"
    LOADING = "CF"
    RUNNING = "R"
    COMPLETING = "CG"
    COMPLETED = "CD"
    FAILED = "F"
    CANCELLED = "CA"
    NODE_FAIL = "NF"
    TIMEOUT = "TO"

    @property
    def ended(self) -> bool:
        """Whether nothing is left of the job."""
        return self in _ENDED


_ENDED = frozenset(
    {
        JobState.COMPLETED,
        JobState.FAILED,
        JobState.CANCELLED,
        JobState.NODE_FAIL,
        JobState.TIMEOUT,
    }
)


class JobStatus(Struct, frozen=True, kw_only=True):
    """One job, while it waits, runs and afterwards: a row of accounting.

    Times are virtual, in picoseconds since the machine booted; None for what has not happened.

    Attributes:
        id: its number.
        user: name of its owner.
        uid: number of its owner.
        name: of its program.
        command: the program with its arguments.
        size: how many ranks it has.
        nodes: node numbers by rank, empty while it waits.
        distance: mean number of links between two of its nodes; None while it waits, and if there
            are so many that it would take long to say.
        state: where it is in its life.
        reason: why it waits, or what ended it; empty if there is nothing to say.
        mode: CPU mode.
        policy: scheduling policy of its nodes.
        submit: when it was asked for.
        start: when its processes began.
        end: when its last process was gone.
        exit: its exit status.
        signal: number of the signal that ended it; 0 if none did.
        messages, bytes: what its processes have sent.
        system_calls: what its processes have asked of servers.
        priority: how urgent it is on nodes that it shares; 0 is usual.
    """

    id: int
    user: str
    uid: int
    name: str
    command: str
    size: int
    nodes: tuple[int, ...] = ()
    distance: float | None = None
    state: JobState = JobState.PENDING
    reason: str = ""
    mode: str = ""
    policy: str = ""
    submit: int = 0
    start: int | None = None
    end: int | None = None
    exit: int | None = None
    signal: int = 0
    messages: int = 0
    bytes: int = 0
    system_calls: int = 0
    priority: int = 0


class RankStatus(Struct, frozen=True, kw_only=True):
    """How one rank of a job has ended: a row of `yod`'s completion table.

    Attributes:
        rank: its number.
        node: number of its node; -1 if it has none yet.
        pid: its number there, which is the service partition's name for the process.
        elapsed: how long it has run, in picoseconds of virtual time.
        exit: its exit status; None while it runs.
        signal: number of the signal that ended it; 0 if none did.
    """

    rank: int
    node: int
    pid: int
    elapsed: int
    exit: int | None = None
    signal: int = 0


class NodeState(StrEnum):
    """What a node is to whoever hands nodes out."""

    FREE = "free"
    ALLOCATED = "allocated"
    """Given to a job that has no process there yet, or no more."""
    BUSY = "busy"
    DOWN = "down"


class Activity(StrEnum):
    """What the CPU of a node does at this moment."""

    COMPUTE = "compute"
    KERNEL = "kernel"
    READY = "ready"
    """Of a process: it could run, and others have the CPU."""
    WAITING = "waiting"
    """There is a process, and it waits for a message."""
    IDLE = "idle"
    """There is no process."""
    NONE = "none"
    """The node is down."""


class ProcessStatus(Struct, frozen=True, kw_only=True):
    """One process of a compute node, or the place for one that is not loaded yet, or has ended.

    Attributes:
        job: number of its job.
        rank: its number there.
        pid: its number on the node.
        activity: what it does now.
        memory: bytes of the node's memory that it holds.
    """

    job: int
    rank: int
    pid: int
    activity: Activity
    memory: int


class NodeStatus(Struct, frozen=True, kw_only=True):
    """One node.

    Attributes:
        number: of the node.
        name: as processes are told it.
        partition: ``compute``, ``service`` or ``io``.
        place: its coordinates in the topology.
        state: what it is to the allocator.
        job: number of the job that has it; 0 if none. If several do: one that computes, or else
            the first.
        rank: of that job, there, the lowest if there are several; -1 if none, as on a node that it
            holds besides those of its ranks.
        jobs: numbers of all jobs that have it.
        activity: what it does now.
        memory: bytes of its memory.
        memory_used: those that processes hold.
        servers: names of the servers that run there.
        processes: those of jobs, by job and rank.
    """

    number: int
    name: str
    partition: str
    place: tuple[int, ...]
    state: NodeState
    job: int = 0
    rank: int = -1
    jobs: tuple[int, ...] = ()
    activity: Activity = Activity.IDLE
    memory: int = 0
    memory_used: int = 0
    servers: tuple[str, ...] = ()
    processes: tuple[ProcessStatus, ...] = ()


class ServerStatus(Struct, frozen=True, kw_only=True):
    """One server of the service partition.

    Attributes:
        name: what it is called by.
        node: number of its node.
        pid: its number there.
        running: whether it answers.
        requests: how many have arrived.
        least_service_time: of a request, in picoseconds of virtual time.
    """

    name: str
    node: int
    pid: int
    running: bool
    requests: int
    least_service_time: int


class ParallelServerStatus(Struct, frozen=True, kw_only=True):
    """One parallel file server, with the disk of its I/O node.

    Attributes:
        name: what it is called by.
        node: number of its node.
        running: whether it answers.
        crashed: whether its node has crashed.
        requests: how many have arrived.
        bytes_read, bytes_written: moved from and to the disk on behalf of processes.
        hits, misses: blocks that were read and were in memory, or were not.
        busy: how long the disk has worked, or will have when it is done with what it has been
            told, in picoseconds of virtual time.
        dirty: bytes in memory that are to be written to the disk yet.
        used: bytes of the blocks that files have.
        capacity: bytes of the disk.
        transfers: how many it is at.
    """

    name: str
    node: int
    running: bool
    crashed: bool
    requests: int
    bytes_read: int
    bytes_written: int
    hits: int
    misses: int
    busy: int
    dirty: int
    used: int
    capacity: int
    transfers: int
