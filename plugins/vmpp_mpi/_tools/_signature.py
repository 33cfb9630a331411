"""Type signatures: the predefined datatypes that a message is made of, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

from vmpp_mpi._datatype import Datatype

Run = tuple[str, int]
"""So many elements of one representation in a row."""

_RAW = frozenset(("BYTE", "PACKED"))
OBJECT = "a pickled object"


class Signature(NamedTuple):
    """What a message is made of: *runs* of elements, *times* over.

    Types of one representation, as C's ``long`` and ``int64_t`` may be, count as the same.
    """

    runs: tuple[Run, ...]
    times: int

    @classmethod
    def of(cls, datatype: Datatype, count: int) -> Signature:
        """Return the signature of *count* elements of *datatype*."""
        runs = tuple(_merged(_runs(datatype)))
        if len(runs) == 1:
            return cls(((runs[0][0], runs[0][1] * count),), 1)
        return cls(runs, count)

    @classmethod
    def of_object(cls) -> Signature:
        """Return the signature of a message that a lower-case call sends or receives."""
        return cls(((OBJECT, 1),), 1)

    def mismatch(self, expected: Signature, *, exact: bool = False) -> str | None:
        """Return how a message of this signature does not suit one that is *expected*, or None.

        Args:
            expected: of the receiver.
            exact: whether the message must have as many elements; else it may have fewer.
        """
        sent, wanted = list(self._expanded()), list(expected._expanded())
        place = 0
        while sent and wanted:
            (kind, count), (other, room) = sent[0], wanted[0]
            if kind != other and kind not in _RAW and other not in _RAW:
                return f"{kind} is sent where {other} is expected"
            if kind in _RAW or other in _RAW:
                return None
            step = min(count, room)
            place += step
            sent[0:1] = [(kind, count - step)] if count > step else []
            wanted[0:1] = [(other, room - step)] if room > step else []
        if exact and bool(sent) != bool(wanted):
            return f"{self.elements} elements are sent where {expected.elements} are expected"
        return None

    @property
    def elements(self) -> int:
        """How many predefined elements there are."""
        return self.times * sum(count for _, count in self.runs)

    def _expanded(self) -> Iterator[Run]:
        if len(self.runs) == 1:
            yield self.runs[0][0], self.runs[0][1] * self.times
        else:
            for _ in range(self.times):
                yield from self.runs

    def __str__(self) -> str:
        if self.runs == ((OBJECT, 1),):
            return OBJECT
        inner = ", ".join(f"{count} x {kind}" for kind, count in self.runs[:4])
        more = ", ..." if len(self.runs) > 4 else ""
        return f"{inner}{more}" if self.times == 1 else f"{self.times} x ({inner}{more})"


def _merged(runs: Iterator[Run]) -> list[Run]:
    merged: list[Run] = []
    for kind, count in runs:
        if merged and merged[-1][0] == kind:
            merged[-1] = kind, merged[-1][1] + count
        elif count:
            merged.append((kind, count))
    return merged


def _runs(datatype: Datatype) -> Iterator[Run]:
    """Yield the runs of one element of *datatype*, by the way in which it was made."""
    base, combiner, params = datatype.decode()
    if combiner == "NAMED":
        yield _kind(datatype), 1
    elif combiner == "STRUCT":
        for count, inner in zip(params["blocklengths"], params["datatypes"], strict=True):
            for kind, elements in _merged(_runs(inner)):
                yield kind, elements * count
    elif combiner.startswith("F90") or combiner == "VALUE_INDEX":
        yield _kind(datatype), 1
    else:
        size = base.Get_size()
        inner_runs = _merged(_runs(base))
        times = _elements(combiner, params, datatype.Get_size() // size if size else 0)
        if len(inner_runs) == 1:
            yield inner_runs[0][0], inner_runs[0][1] * times
        else:
            for _ in range(times):
                yield from inner_runs


def _elements(combiner: str, params: dict[str, Any], by_size: int) -> int:
    """Return how many elements of its base a datatype has."""
    if combiner == "SUBARRAY":
        return prod(params["subsizes"])
    return by_size


def _kind(datatype: Datatype) -> str:
    """Return what a predefined datatype is called in reports: its representation."""
    name = datatype.Get_name().removeprefix("MPI_")
    if name in _RAW:
        return name
    return datatype.typestr if datatype.typestr[:1] not in ("", "V") else name
