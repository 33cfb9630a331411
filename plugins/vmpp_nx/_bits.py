"""Match bits: how a message says what it is, and a receive what it takes.

From the highest bit down: a flag for messages of global operations; a flag for those that ask
before they take memory; two bits for the class of the type; 30 for the type; 15 each for the
process types of sender and receiver.

A type of 0 to 28 has a bit of its own. So a mask can name any set of them, as a negative selector
does: all bits of the others must be zero. Higher types are numbers, up to 999,999,999 in one class
and from 1,000,000,000 on in another, each of which is one bit of a selector.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from vmpp_nx._errors import Refused

GLOBAL: Final = 1 << 63
ASKS: Final = 1 << 62

_SHIFT: Final = 30
_HIGH: Final = 1 << 61
_MIDDLE: Final = 1 << 60
_CLASS: Final = _HIGH | _MIDDLE
_NUMBER: Final = ((1 << 30) - 1) << _SHIFT
_TYPE: Final = _CLASS | _NUMBER
_SOURCE_SHIFT: Final = 15
_PTYPE: Final = (1 << 15) - 1
_SOURCE: Final = _PTYPE << _SOURCE_SHIFT

FORCE: Final = _HIGH
"""The bit that messages of force types have, of a program's."""

SMALL_TYPES: Final = 29
"""How many types have a bit of their own in selectors."""
FIRST_FORCED: Final = 1_000_000_000
"""The first type of messages that are thrown away unless somebody has posted a receive."""
FORCE_TYPE: Final = 0x40000000
"""Where NX's own header lets them begin."""
TYPES: Final = 2_000_000_000
"""The first type that is not a program's."""
PTYPES: Final = 1 << 15
"""How many process types there are."""
ANY: Final = -1

Selection = tuple[tuple[int, int], ...]
"""Match bits and masks, one of which must fit."""


def type_bits(kind: int) -> int:
    """Return what a message of type *kind* has in its match bits."""
    if kind < SMALL_TYPES:
        return 1 << _SHIFT + kind
    if kind < FIRST_FORCED:
        return _MIDDLE | kind << _SHIFT
    return _HIGH | kind - FIRST_FORCED << _SHIFT


def type_of(bits: int) -> int:
    """Return the type of a message with these match bits."""
    number = (bits & _NUMBER) >> _SHIFT
    if bits & _HIGH:
        return FIRST_FORCED + number
    return number if bits & _MIDDLE else number.bit_length() - 1


def source_ptype(bits: int) -> int:
    """Return the process type of the sender of a message with these match bits."""
    return bits >> _SOURCE_SHIFT & _PTYPE


def ptype_bits(source: int, dest: int) -> int:
    """Return what a message from and to these process types has in its match bits."""
    return source << _SOURCE_SHIFT | dest


@lru_cache(maxsize=1024)
def selection(typesel: int, ptypesel: int, own: int) -> Selection:
    """Return what a receive of a process of type *own* takes.

    Args:
        typesel: a type; -1 for any; or another negative number of 32 bits, whose bits 0 to 28 stand
            for the types of those numbers, 29 for those up to 999,999,999, 30 for all above.
        ptypesel: process type of the sender; -1 for any.
        own: process type that messages must be meant for.

    Raises:
        Refused: EQTYPE or EQPID: these are no selectors.
    """
    if not ANY <= ptypesel < PTYPES:
        raise Refused("EQPID", f"{ptypesel} is neither from 0 to {PTYPES - 1} nor -1")
    bits, mask = own, GLOBAL | _PTYPE
    if ptypesel != ANY:
        bits |= ptypesel << _SOURCE_SHIFT
        mask |= _SOURCE
    return tuple((bits | more, mask | also) for more, also in _types(typesel))


def _types(typesel: int) -> list[tuple[int, int]]:
    """Return the bits of the types that a selector names, with their masks."""
    if typesel == ANY:
        return [(0, 0)]
    if 0 <= typesel < TYPES:
        return [(type_bits(typesel), _TYPE)]
    if 1 << 31 <= typesel < 1 << 32:
        # A set as an unsigned number, which it is no more to a C program.
        typesel -= 1 << 32
    chosen = typesel & (1 << 31) - 1
    if not -1 << 31 <= typesel < 0 or not chosen:
        raise Refused("EQTYPE", f"{typesel} selects none")
    small = chosen & (1 << SMALL_TYPES) - 1
    found = []
    if small:
        others = ((1 << 30) - 1 & ~small) << _SHIFT
        found.append((0, _CLASS | others))
    if chosen >> SMALL_TYPES & 1:
        found.append((_MIDDLE, _CLASS))
    if chosen >> SMALL_TYPES + 1 & 1:
        found.append((_HIGH, _CLASS))
    return found
