"""What the allocation server is asked about partitions of the compute nodes, by anybody.

Marshalled as the other requests to that server (`vmpp.service.requests`).
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import msgspec

from vmpp.process.calls import Call, Done, Reply
from vmpp.process.jobs import refusal
from vmpp.service.identity import Credentials
from vmpp.service.node_partitions import (
    EXECUTE,
    READ,
    NodePartition,
    NodePartitions,
    PartitionError,
)
from vmpp.service.record import MOST_URGENT


class PartitionStatus(msgspec.Struct, frozen=True):
    """A partition, and the numbers of the jobs that wait or run in it."""

    partition: NodePartition
    jobs: list[int]


class Partition(Reply, frozen=True, array_like=True, tag=-55):
    """One partition."""

    status: PartitionStatus


class Partitions(Reply, frozen=True, array_like=True, tag=-56):
    """Several partitions, by name; each before those in it."""

    partitions: list[PartitionStatus]


class MakePartition(Call[Partition], frozen=True, array_like=True, tag=21):
    """Make a partition; as `NodePartitions.make`."""

    name: str
    size: int = 0
    nodes: tuple[int, ...] = ()
    shape: tuple[int, int] | None = None
    mode: int = 0o755
    policy: str = ""
    most_urgent: int = MOST_URGENT


class RemovePartition(Call[Done], frozen=True, array_like=True, tag=22, gc=False):
    """Remove a partition, with *deep* those in it as well; with *force* jobs in them are killed."""

    name: str
    force: bool = False
    deep: bool = False


class ChangePartition(Call[Partition], frozen=True, array_like=True, tag=23, gc=False):
    """Change a partition; as `NodePartitions.change`."""

    name: str
    new_name: str = ""
    uid: int = -1
    gid: int = -1
    mode: int = -1
    policy: str | None = None
    most_urgent: int | None = None


class ListPartitions(Call[Partitions], frozen=True, array_like=True, tag=24, gc=False):
    """Tell of the partitions in one, with *deep* of those in these as well."""

    name: str
    deep: bool = False


class DescribePartition(Call[Partition], frozen=True, array_like=True, tag=25, gc=False):
    """Tell of one partition that the caller may see, or may run jobs in."""

    name: str


class SetPriority(Call[Done], frozen=True, array_like=True, tag=26, gc=False):
    """Make *job* as urgent as *priority* says: EPERM for another user's, ESRCH, EINVAL."""

    job: int
    priority: int


AnyPartitionCall = (
    MakePartition
    | RemovePartition
    | ChangePartition
    | ListPartitions
    | DescribePartition
    | SetPriority
)
"""Every request about partitions."""


class Jobs(Protocol):
    """What the machine knows of jobs, for whoever serves these requests."""

    def credentials(self, caller: int) -> Credentials | None:
        """Return whose session or job has a number; None for the system. Raises OSError(EPERM)."""
        ...

    def jobs_in(self, names: Iterable[str]) -> Sequence[int]:
        """Return the numbers of the jobs that wait or run in the partitions of these names."""
        ...

    def may_kill(self, user: Credentials, job: int) -> bool:
        """Return whether *user* may kill a job."""
        ...

    def kill(self, job: int) -> None:
        """Kill a job, for the system."""
        ...

    def set_priority(self, user: Credentials, job: int, priority: int) -> None:
        """Change how urgent a job is. Raises OSError(EPERM, ESRCH, EINVAL)."""
        ...


class Desk:
    """Answers what the allocation server is asked about partitions."""

    __slots__ = ("_jobs", "_partitions")

    def __init__(self, partitions: NodePartitions, jobs: Jobs) -> None:
        self._partitions = partitions
        self._jobs = jobs

    def answer(self, caller: int, call: Any) -> Reply:
        """Do what *call* asks for, and return the answer; *caller* is a session's or job's."""
        try:
            user = self._jobs.credentials(caller)
            if user is None:
                return refusal(errno.EPERM)
            return _ANSWERS[type(call)](self._partitions, self._jobs, user, call)
        except PartitionError as error:
            return refusal(error.errno, str(error))
        except OSError as error:
            return refusal(error.errno or errno.EINVAL, error.strerror or "")


def _make(partitions: NodePartitions, jobs: Jobs, user: Credentials, call: MakePartition) -> Reply:
    made = partitions.make(
        user,
        call.name,
        size=call.size,
        nodes=call.nodes,
        shape=call.shape,
        mode=call.mode,
        policy=call.policy,
        most_urgent=call.most_urgent,
    )
    return Partition(PartitionStatus(made, []))


def _remove(
    partitions: NodePartitions, jobs: Jobs, user: Credentials, call: RemovePartition
) -> Reply:
    names = [each.name for each in partitions.removable(user, call.name, deep=call.deep)]
    there = jobs.jobs_in(names)
    if there and not call.force:
        return refusal(errno.EBUSY, f"job {there[0]} is in partition {names[-1]}")
    for job in there:
        if not jobs.may_kill(user, job):
            return refusal(errno.EPERM, f"job {job} in partition {names[-1]} is another user's")
    partitions.remove(user, call.name, deep=call.deep)
    for job in there:
        jobs.kill(job)
    return Done()


def _change(
    partitions: NodePartitions, jobs: Jobs, user: Credentials, call: ChangePartition
) -> Reply:
    found = partitions.find(user, call.name)
    there = jobs.jobs_in([found.name])
    if call.new_name and there:
        return refusal(errno.EBUSY, f"job {there[0]} is in partition {found.name}")
    changed = partitions.change(
        user,
        call.name,
        new_name=call.new_name,
        uid=call.uid,
        gid=call.gid,
        mode=call.mode,
        policy=call.policy,
        most_urgent=call.most_urgent,
    )
    return Partition(_status(jobs, changed))


def _list(partitions: NodePartitions, jobs: Jobs, user: Credentials, call: ListPartitions) -> Reply:
    found = partitions.within(user, call.name, deep=call.deep)
    return Partitions([_status(jobs, each) for each in found])


def _describe(
    partitions: NodePartitions, jobs: Jobs, user: Credentials, call: DescribePartition
) -> Reply:
    found = partitions.find(user, call.name)
    if not found.permits(user, READ):
        partitions.find(user, call.name, EXECUTE)
    return Partition(_status(jobs, found))


def _set_priority(
    partitions: NodePartitions, jobs: Jobs, user: Credentials, call: SetPriority
) -> Reply:
    jobs.set_priority(user, call.job, call.priority)
    return Done()


def _status(jobs: Jobs, partition: NodePartition) -> PartitionStatus:
    return PartitionStatus(partition, list(jobs.jobs_in([partition.name])))


_ANSWERS: Final[dict[type, Callable[[NodePartitions, Jobs, Credentials, Any], Reply]]] = {
    MakePartition: _make,
    RemovePartition: _remove,
    ChangePartition: _change,
    ListPartitions: _list,
    DescribePartition: _describe,
    SetPriority: _set_priority,
}
