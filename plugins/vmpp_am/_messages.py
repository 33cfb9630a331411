"""What a request or reply looks like on the way: arguments and payload in one body."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from operator import index
from struct import Struct, pack, unpack_from
from struct import error as StructError  # noqa: N812 - an error by its name
from typing import Any, Final

from vmpp.portals import USER_BYTES
from vmpp_am._errors import AmError
from vmpp_am._parameters import MOST_ARGUMENTS, WORD

Buffer = bytes | memoryview
"""A payload on its way."""

HANDLERS: Final = 1 << 16
"""Numbers that there are for handlers."""
OWN_HANDLERS: Final = HANDLERS - 256
"""The first of those that the library keeps to itself."""

_COUNT: Final = 16
_FLOATS: Final = 24


def packed(handler: int, arguments: Sequence[Any], payload: Buffer) -> tuple[int, bytes]:
    """Return the match bits and the body of a message.

    Raises:
        AmError: there are too many arguments, or one is neither a 64-bit integer nor a float.
    """
    count = len(arguments)
    if count > MOST_ARGUMENTS:
        raise AmError(f"a handler takes up to {MOST_ARGUMENTS} arguments, not {count}")
    floats = 0
    for place, each in enumerate(arguments):
        if isinstance(each, float):
            floats |= 1 << place
    try:
        body = _layout(count, floats).pack(*arguments)
    except StructError:
        wrong = next(each for each in arguments if not _fits(each))
        raise AmError(
            f"{wrong!r:.60} is no argument of a handler: 64-bit integers and floats are; "
            "what else there is goes as payload"
        ) from None
    if len(payload):
        body += payload
    return handler | count << _COUNT | floats << _FLOATS, body


@cache
def _layout(count: int, floats: int) -> Struct:
    """Return the layout of so many arguments, of which a bit each says whether it is a float."""
    return Struct("<" + "".join("qd"[floats >> place & 1] for place in range(count)))


def _fits(value: Any) -> bool:
    try:
        pack("<d" if isinstance(value, float) else "<q", value)
    except StructError:
        return False
    return True


def unpacked(bits: int, body: bytes | None) -> tuple[int, tuple[Any, ...], bytes]:
    """Return the number of the handler, the arguments and the payload of a message."""
    count = bits >> _COUNT & 31
    floats = bits >> _FLOATS & (1 << MOST_ARGUMENTS) - 1
    data = body or b""
    return bits & HANDLERS - 1, _layout(count, floats).unpack_from(data), data[count * WORD :]


def packed_place(segment: int, offset: int, length: int) -> bytes:
    """Return a stretch of a segment as the user data of a message."""
    return (segment << 80 | offset << 40 | length).to_bytes(USER_BYTES, "little")


def unpacked_place(data: bytes) -> tuple[int, int, int]:
    """Return number of the segment, offset and length."""
    place = int.from_bytes(data, "little")
    return place >> 80, place >> 40 & (1 << 40) - 1, place & (1 << 40) - 1


def as_payload(payload: Any) -> Buffer:
    """Return a payload as bytes.

    Raises:
        AmError: it has no buffer of them, in one piece.
    """
    if type(payload) is bytes:
        return payload
    try:
        return memoryview(payload).cast("B")
    except (TypeError, ValueError):
        raise AmError(
            f"a payload is bytes, or has a buffer of them: {payload!r:.40} is no such"
        ) from None


def whole(value: Any, what: str) -> int:
    """Return a whole number of any kind.

    Raises:
        AmError: it is none.
    """
    try:
        return index(value)
    except TypeError:
        raise AmError(f"{value!r:.40} is no {what}: a whole number is") from None


def words(values: Sequence[int]) -> bytes:
    """Return 64-bit integers as handlers in the kernel read them.

    Raises:
        AmError: there is something else among them.
    """
    try:
        return pack(f"<{len(values)}q", *values)
    except StructError:
        raise AmError(f"{tuple(values)!r:.60} are not all 64-bit integers") from None


def as_words(body: bytes | None) -> tuple[int, ...]:
    """Return the 64-bit integers of a handler's reply."""
    data = body or b""
    return unpack_from(f"<{len(data) // WORD}q", data)
