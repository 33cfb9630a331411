"""What the allocation server is asked: nodes for jobs by `yod`, and how things are by anybody.

Marshalled as the system calls of `vmpp.process.calls`: ``class Allocate(Call[Granted])`` is
answered with `Granted`, or with what its docstring says, or with `Failed`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from vmpp.process.calls import Call, Done, Failed, Reply
from vmpp.service.partition_calls import AnyPartitionCall, Partition, Partitions
from vmpp.service.status import JobStatus, NodeStatus

ALLOCATION: Final = "allocation"
"""The server that hands nodes out, as its clients call it."""


class Granted(Reply, frozen=True, array_like=True, tag=-51, gc=False):
    """The nodes of a job, in the order of its ranks."""

    nodes: list[int]


class Queued(Reply, frozen=True, array_like=True, tag=-52, gc=False):
    """The job waits; *reason* says what for."""

    reason: str


class Jobs(Reply, frozen=True, array_like=True, tag=-53):
    """The jobs that wait or run, by number."""

    jobs: list[JobStatus]


class Nodes(Reply, frozen=True, array_like=True, tag=-54):
    """All nodes, by number."""

    nodes: list[NodeStatus]


class Allocate(Call[Granted], frozen=True, array_like=True, tag=1, gc=False):
    """Give nodes to *job*; answered with `Queued` if it has to wait. Only the system may ask.

    Attributes:
        job: its number.
        uid: number of the user whose it is.
        size: how many nodes it wants.
        hosts: the nodes that it must have, by their places in the job, counted from 0.
    """

    job: int
    uid: int
    size: int
    hosts: dict[int, int]


class AllocateShared(Call[Granted], frozen=True, array_like=True, tag=8, gc=False):
    """Give nodes to *job*, which shares them; answered as `Allocate`. Only the system may ask.

    Attributes:
        job, uid, size, hosts: as of `Allocate`.
        share: what jobs have in common that may have nodes together.
    """

    job: int
    uid: int
    size: int
    hosts: dict[int, int]
    share: str


class AllocateWithin(Call[Granted], frozen=True, array_like=True, tag=9, gc=False):
    """Give nodes to *job* at a site; answered as `Allocate`. Only the system may ask.

    Attributes:
        job, uid, size, hosts, share: as of `AllocateShared`; empty: it shares none.
        within: numbers of the nodes that will do; empty: all will.
        shape: rows and columns of the rectangle that they are to be, or nothing.
    """

    job: int
    uid: int
    size: int
    hosts: dict[int, int]
    share: str
    within: tuple[int, ...]
    shape: tuple[int, int] | None


class Await(Call[Granted], frozen=True, array_like=True, tag=2, gc=False):
    """Answer when it is the turn of *job*, which waits. Only the system may ask."""

    job: int


class Withdraw(Call[Done], frozen=True, array_like=True, tag=3, gc=False):
    """Forget *job*, which waits no longer. Only the system may ask."""

    job: int


class Release(Call[Done], frozen=True, array_like=True, tag=4, gc=False):
    """Take back all that *job* has, which has ended on *nodes*. Only the system may ask."""

    job: int
    nodes: list[int]


class ListJobs(Call[Jobs], frozen=True, array_like=True, tag=5, gc=False):
    """Tell of the jobs that wait or run."""


class ListNodes(Call[Nodes], frozen=True, array_like=True, tag=6, gc=False):
    """Tell of all nodes."""


class Signal(Call[Done], frozen=True, array_like=True, tag=7, gc=False):
    """Send a signal, by *number*, to all processes of *job*: EPERM for another user's, ESRCH."""

    job: int
    number: int


AnyCall = (
    Allocate
    | AllocateShared
    | AllocateWithin
    | Await
    | Withdraw
    | Release
    | ListJobs
    | ListNodes
    | Signal
    | AnyPartitionCall
)
"""Every request to this server."""

_calls: Final[msgspec.msgpack.Decoder[AnyCall]] = msgspec.msgpack.Decoder(AnyCall)
_replies: Final[msgspec.msgpack.Decoder[Any]] = msgspec.msgpack.Decoder(
    Failed | Done | Granted | Queued | Jobs | Nodes | Partition | Partitions
)

decode_call = _calls.decode
"""Unmarshal a request. Raises one of `GARBAGE` for anything that is none."""

decode_reply = _replies.decode
"""Unmarshal a reply."""
