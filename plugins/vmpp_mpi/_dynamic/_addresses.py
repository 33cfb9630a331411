"""Addresses of processes as bytes, for processes that know each other from messages only.

A process has one object for each process that it knows, its own job's being those of the job. Those
of other jobs become known by their bytes, and every process makes the same object of the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from vmpp.portals import Address

if TYPE_CHECKING:
    from vmpp.kernel import Job

_ADDRESS: Final = Struct("<IIiI")
_Numbers = tuple[int, int, int, int]
_foreign: Final[WeakValueDictionary[_Numbers, Address]] = WeakValueDictionary()


def pack(addresses: Sequence[Address]) -> bytes:
    """Return *addresses* as bytes."""
    return b"".join([_ADDRESS.pack(a.nid, a.pid, a.rank, a.group) for a in addresses])


def unpack(table: bytes, job: Job) -> tuple[Address, ...]:
    """Return the addresses that *table* has, for a process of *job*."""
    return roster(table).seen_from(job)


@lru_cache(maxsize=8)
def roster(table: bytes) -> Roster:
    """Return the processes in *table*; all processes of a job share one."""
    return Roster(table)


class Roster:
    """Processes whose addresses came as bytes: looked up once for all processes of a job."""

    __slots__ = ("_made", "_table")

    def __init__(self, table: bytes) -> None:
        self._table = table
        self._made: tuple[Address, tuple[Address, ...]] | None = None

    def seen_from(self, job: Job) -> tuple[Address, ...]:
        """Return the addresses, in their order; the processes of *job* are those it has."""
        first = job.addresses[0]
        if self._made is None or self._made[0] is not first:
            found = tuple([_known(numbers, job) for numbers in _ADDRESS.iter_unpack(self._table)])
            self._made = first, found
        return self._made[1]


def _known(numbers: _Numbers, job: Job) -> Address:
    nid, pid, rank, group = numbers
    if group == job.addresses[0].group:
        return job.addresses[rank]
    found = _foreign.get(numbers)
    if found is None:
        found = _foreign[numbers] = Address(nid, pid, rank, group)
    return found
