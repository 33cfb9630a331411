"""System calls about jobs and names: what a process asks of the launcher and the name server.

They are marshalled as those of `vmpp.process.calls`: ``class Spawn(Call[Spawned])`` is answered
with `Spawned`, or with `Failed`.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from vmpp.process.calls import Call, Done, Failed, Reply, encode

if TYPE_CHECKING:
    from vmpp.kernel import Process

LAUNCHER: Final = "yod"
"""The server that starts and connects jobs, as processes call it."""
NAMES: Final = "names"
"""The name server, as processes call it."""
INTERPRETER: Final = "python"
"""What a command says for the interpreter that runs the machine, wherever it is on the host."""

R = TypeVar("R", bound=Reply)


class Command(msgspec.Struct, frozen=True, array_like=True):
    """One program to be started. Names travel as bytes, as the host has them.

    Attributes:
        name: of the program: a script, or the interpreter.
        args: its arguments.
        most: how many processes are to run it.
        fewer: the numbers of processes that will do as well, if there are too few nodes.
        hints: ``wdir``, ``path``, ``host`` and ``file``, as MPI reserves these keys; ``environ``,
            variables as ``NAME=VALUE``, each with a zero byte after it, instead of the spawner's.
    """

    name: bytes
    args: list[bytes]
    most: int
    fewer: list[int]
    hints: dict[str, bytes]


class Spawned(Reply, frozen=True, array_like=True, tag=-21, gc=False):
    """A job runs, which is connected to those asked for.

    Attributes:
        job: its number.
        counts: how many processes run each of its programs.
        nodes: numbers of their nodes, by rank.
        pids: numbers of the processes there, by rank.
    """

    job: int
    counts: list[int]
    nodes: list[int]
    pids: list[int]


class Spawn(Call[Spawned], frozen=True, array_like=True, tag=1, gc=False):
    """Start *commands* as one job, connected to *jobs*, whose processes find *parcel*."""

    commands: list[Command]
    jobs: list[int]
    parcel: bytes


class Reserved(Reply, frozen=True, array_like=True, tag=-24, gc=False):
    """Nodes are kept for the caller's job and what it spawns, until the last of them ends.

    Attributes:
        home: what `SpawnAt` finds them by.
        nodes: their numbers.
    """

    home: int
    nodes: list[int]


class Reserve(Call[Reserved], frozen=True, array_like=True, tag=9, gc=False):
    """Keep *size* nodes for jobs that are to be spawned.

    Attributes:
        size: how many; 0: all that the partition has.
        partition: name of the partition that they are to be in; empty: anywhere.
        shape: rows and columns of the rectangle that they are to be, or nothing.
        corner: place in the partition of the lowest corner of that; -1: anywhere.
        places: places in the partition of the nodes, if just these are wanted; or nothing.
    """

    size: int
    partition: str
    shape: tuple[int, int] | None
    corner: int
    places: list[int]


class SpawnAt(Call[Spawned], frozen=True, array_like=True, tag=10, gc=False):
    """Start *commands* as one job on nodes that are the caller's already, connected to *jobs*.

    Attributes:
        home: what `Reserve` has answered, or the number of a job: whose nodes they are.
        places: places of its nodes, by rank of the new job.
        library: name of the library that the parcel is for.
        settings: keys of the machine's description that are other for this job, by name.
    """

    commands: list[Command]
    jobs: list[int]
    parcel: bytes
    home: int
    places: list[int]
    library: str
    settings: dict[str, str]


class Relative(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A job that has been spawned on certain nodes: its number, places and parcel.

    Attributes:
        job: its number.
        nodes: numbers of its nodes, by rank.
        pids: numbers of the processes there, by rank.
        parcel: what was left for it.
    """

    job: int
    nodes: list[int]
    pids: list[int]
    parcel: bytes


class Relatives(Reply, frozen=True, array_like=True, tag=-25):
    """The jobs that have been spawned on certain nodes and run, in order."""

    jobs: list[Relative]


class ListRelatives(Call[Relatives], frozen=True, array_like=True, tag=11, gc=False):
    """Tell of the jobs that have been spawned at *home*, as in `SpawnAt`, and still run."""

    home: int


class Ended(Reply, frozen=True, array_like=True, tag=-26, gc=False):
    """A process has ended.

    Attributes:
        job: the number of its job.
        rank: its rank there.
        status: its exit status.
        parcel: what it was told when it was started; empty if all have ended.
    """

    job: int
    rank: int
    status: int
    parcel: bytes = b""


class AwaitEnd(Call[Ended], frozen=True, array_like=True, tag=12, gc=False):
    """Answer when a process has ended of those that the caller has started: each is told of once.

    Attributes:
        job: number of its job; 0: any.
        rank: its rank there; -1: any.
        every: whether to answer when all have, with the highest status; then none is left to tell.
        home: by which the launcher knows the nodes that they have been started on.
    """

    job: int
    rank: int
    every: bool
    home: int


class EndProcess(Call[Done], frozen=True, array_like=True, tag=13, gc=False):
    """Kill a process of a job of the caller's family; *rank* -1: all of its processes."""

    job: int
    rank: int


class Connect(Call[Done], frozen=True, array_like=True, tag=2, gc=False):
    """Let *jobs* send to each other; through others, they are connected to the caller's already."""

    jobs: list[int]


class Place(Reply, frozen=True, array_like=True, tag=-22, gc=False):
    """Where a process is: the numbers of its job, its rank, its node, and of it there."""

    job: int
    rank: int
    node: int = 0
    pid: int = 0


class Reach(Call[Place], frozen=True, array_like=True, tag=3, gc=False):
    """Let *jobs* send to the job that opened *port*, and get from it; tell who opened it."""

    port: str
    jobs: list[int]


class Name(Reply, frozen=True, array_like=True, tag=-23, gc=False):
    """The name of a port."""

    name: str


class OpenPort(Call[Name], frozen=True, array_like=True, tag=4, gc=False):
    """Make a port at which others can reach the caller."""


class ClosePort(Call[Done], frozen=True, array_like=True, tag=5, gc=False):
    """Close a port of the caller's job."""

    port: str


class Publish(Call[Done], frozen=True, array_like=True, tag=6, gc=False):
    """Have *port* found under the name of a *service*."""

    service: str
    port: str


class Unpublish(Call[Done], frozen=True, array_like=True, tag=7, gc=False):
    """Take back what the caller's job has published."""

    service: str
    port: str


class LookUp(Call[Name], frozen=True, array_like=True, tag=8, gc=False):
    """Tell the port that is published under the name of a *service*."""

    service: str


AnyCall = (
    Spawn
    | Connect
    | Reach
    | OpenPort
    | ClosePort
    | Publish
    | Unpublish
    | LookUp
    | Reserve
    | SpawnAt
    | ListRelatives
    | AwaitEnd
    | EndProcess
)
"""Every request to these servers."""

_calls: Final[msgspec.msgpack.Decoder[AnyCall]] = msgspec.msgpack.Decoder(AnyCall)
_replies: Final[msgspec.msgpack.Decoder[Any]] = msgspec.msgpack.Decoder(
    Failed | Done | Spawned | Place | Name | Reserved | Relatives | Ended
)

decode_call = _calls.decode
"""Unmarshal a request. Raises one of `GARBAGE` for anything that is none."""


def ask(process: Process, server: str, request: Call[R]) -> R:
    """Ask a *server* of the running *process*, and return its answer; blocks.

    Raises:
        OSError: it refuses, and says why; EIO: it is not there.
    """
    reply: R | Failed = _replies.decode(process.rpc(server, encode(request)))
    if isinstance(reply, Failed):
        raise OSError(reply.errno, reply.text or os.strerror(reply.errno))
    return reply


def refusal(number: int, text: str = "") -> Failed:
    """Return the answer to a request that is refused; *number* is one of `errno`."""
    return Failed(number, text or os.strerror(number))


NOT_A_REQUEST: Final = refusal(errno.EBADMSG)
"""The answer to what is no request at all."""
