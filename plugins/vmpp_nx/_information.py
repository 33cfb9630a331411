"""What a program is told of the message that it has received or probed last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from vmpp_nx._bits import source_ptype, type_of
from vmpp_nx._calls import call
from vmpp_nx._out import fill
from vmpp_nx._state import State, find

if TYPE_CHECKING:
    from vmpp.portals import Header

LONGS: Final = 8
"""Places of an array of information, of which the first four are told of."""


class MessageInformation:
    """NX's own array ``msginfo``: of the message that was received or probed last.

    Its places are type, length, node and process type, then four that mean nothing. It is the
    running process's.
    """

    __slots__ = ()

    def __len__(self) -> int:
        return LONGS

    def __getitem__(self, place: int | slice) -> Any:
        return _facts(find())[place]

    def __iter__(self) -> Iterator[int]:
        return iter(_facts(find()))

    def __setitem__(self, place: int, value: int) -> None:
        raise TypeError("msginfo tells of the last message; a program fills arrays of its own")

    def __eq__(self, other: object) -> bool:
        return other is self or list(self) == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"msginfo{list(self)}"


msginfo: Final = MessageInformation()


def facts(state: State, header: Header) -> tuple[int, int, int, int]:
    """Return type, length, node and process type of a message."""
    bits = header.bits
    return type_of(bits), header.length, state.messages.sender(header), source_ptype(bits)


def _facts(state: State) -> list[int]:
    header = state.messages.last
    told = (-1, -1, -1, -1) if header is None else facts(state, header)
    return [*told, *[0] * (LONGS - len(told))]


def report(state: State, header: Header, info: Any) -> None:
    """Tell of a message, in *info*; or by the calls that tell of the last if it is `msginfo`.

    Raises:
        Refused: EQPBUF: *info* has no four places.
    """
    if info is None or info is msginfo:
        state.messages.last = header
        return
    for place, value in enumerate(facts(state, header)):
        fill(info, place, value)


@call()
def infocount(state: State) -> int:
    """Return the length in bytes of the message that was received or probed last."""
    return _facts(state)[1]


@call()
def infonode(state: State) -> int:
    """Return the node of the sender of the message that was received or probed last."""
    return _facts(state)[2]


@call()
def infotype(state: State) -> int:
    """Return the type of the message that was received or probed last."""
    return _facts(state)[0]


@call("infopid")
def infoptype(state: State) -> int:
    """Return the process type of the sender of the message that was received or probed last."""
    return _facts(state)[3]
