"""What messages are made of, as far as a sender and a receiver have to agree on it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from vmpp_mpi._datatype import Datatype
from vmpp_mpi._datatype._signature import Basic, Signature, elements, repeated, runs

_RAW: Final = frozenset(("MPI_BYTE", "MPI_PACKED"))
_OBJECT: Final = Basic(name="a pickled object", size=1, external=1, align=1)
_SHOWN: Final = 4


class MessageType(NamedTuple):
    """The numbers that a message is made of, in their order.

    Types of one representation, as C's ``long`` and ``int64_t`` may be, count as the same.
    """

    signature: Signature

    @classmethod
    def of(cls, datatype: Datatype, count: int) -> MessageType:
        """Return the type of a message of *count* elements of *datatype*."""
        return cls(repeated(datatype._get().signature, count))

    @classmethod
    def of_object(cls) -> MessageType:
        """Return the type of a message that a lower-case call sends or receives."""
        return cls(((1, _OBJECT),))

    def mismatch(self, expected: MessageType, *, exact: bool = False) -> str | None:
        """Return how a message of this type does not suit one that is *expected*, or None.

        Args:
            expected: by the receiver.
            exact: whether the message must have as many elements; else it may have fewer.
        """
        if any(_is_raw(each) for each in (self, expected)):
            return None
        sent, wanted = runs(self.signature), runs(expected.signature)
        given, room = next(sent, None), next(wanted, None)
        while given is not None and room is not None:
            (count, basic), (places, other) = given, room
            if _kind(basic) != _kind(other):
                return f"{_kind(basic)} is sent where {_kind(other)} is expected"
            given = (count - places, basic) if count > places else next(sent, None)
            room = (places - count, other) if places > count else next(wanted, None)
        if exact and (given is None) != (room is None):
            mine, theirs = elements(self.signature), elements(expected.signature)
            return f"{mine} elements are sent where {theirs} are expected"
        return None

    def __str__(self) -> str:
        if self == MessageType.of_object():
            return _OBJECT.name
        shown = list(islice(_merged(self.signature), _SHOWN + 1))
        text = ", ".join(f"{count} x {kind}" for count, kind in shown[:_SHOWN])
        return f"{text}, ..." if len(shown) > _SHOWN else text or "nothing"


def _is_raw(message: MessageType) -> bool:
    """Return whether a message is of bytes, which go with everything."""
    return any(basic.name in _RAW for _, basic in islice(runs(message.signature), 1))


def _kind(basic: Basic) -> str:
    """Return what a number is called in reports: its representation."""
    return basic.kind or basic.name.removeprefix("MPI_")


def _merged(signature: Signature) -> Iterator[tuple[int, str]]:
    """Yield how many of which kind follow one another."""
    count, kind = 0, ""
    for more, basic in runs(signature):
        if count and _kind(basic) != kind:
            yield count, kind
            count = 0
        count, kind = count + more, _kind(basic)
    if count:
        yield count, kind
