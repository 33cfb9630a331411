"""Extended sizes: numbers of bytes beyond what a long holds, and arithmetic on them.

To a program of Python an ``esize_t`` is a number like any other; the calls are there for programs
that were written with them.
"""

from __future__ import annotations

from typing import Any, Final

from vmpp_nx._buffers import incoming
from vmpp_nx._calls import call
from vmpp_nx._errors import Refused
from vmpp_nx._state import State

_HALF: Final = 31
"""Bits of each of the two halves."""
_LIMIT: Final = 1 << 2 * _HALF


class esize_t(int):  # noqa: N801 - it is NX's name
    """An extended size: a whole number of up to 62 bits, and a sign.

    Attributes:
        slow, shigh: its lower and higher 31 bits, as NX keeps them.
    """

    __slots__ = ()

    @property
    def slow(self) -> int:
        """The lower 31 bits."""
        return int(self) & ((1 << _HALF) - 1)

    @property
    def shigh(self) -> int:
        """What is above these."""
        return int(self) >> _HALF


def extended(number: int) -> esize_t:
    """Return a number as an extended size. Raises Refused: EQESIZE: it is none."""
    if not hasattr(number, "__index__") or not -_LIMIT < number < _LIMIT:
        raise Refused("EQESIZE", f"{number!r} is no number of up to {2 * _HALF} bits")
    return esize_t(number)


@call()
def eadd(state: State, e1: int, e2: int) -> esize_t:
    """Return the sum of two extended sizes."""
    return extended(extended(e1) + extended(e2))


@call()
def esub(state: State, e1: int, e2: int) -> esize_t:
    """Return the difference of two extended sizes."""
    return extended(extended(e1) - extended(e2))


@call()
def eadd1(state: State, e: int, n: int) -> esize_t:
    """Return the sum of an extended size and a whole number."""
    return extended(extended(e) + extended(n))


@call()
def esub1(state: State, e: int, n: int) -> esize_t:
    """Return the difference of an extended size and a whole number."""
    return extended(extended(e) - extended(n))


@call()
def emul(state: State, e: int, n: int) -> esize_t:
    """Return an extended size times a whole number."""
    return extended(extended(e) * extended(n))


@call()
def ediv(state: State, e: int, n: int) -> int:
    """Return how often a whole number goes into an extended size, as C divides: towards 0."""
    return _divided(e, n)[0]


@call()
def emod(state: State, e: int, n: int) -> int:
    """Return what `ediv` leaves over."""
    return _divided(e, n)[1]


def _divided(e: int, n: int) -> tuple[int, int]:
    size, number = extended(e), extended(n)
    if not number:
        raise Refused("EQESIZE", f"{size} is divided by 0")
    quotient = abs(size) // abs(number)
    if (size < 0) != (number < 0):
        quotient = -quotient
    return quotient, size - quotient * number


@call()
def ecmp(state: State, e1: int, e2: int) -> int:
    """Return -1, 0 or 1: whether the first of two extended sizes is less, the same or more."""
    one, other = extended(e1), extended(e2)
    return (one > other) - (one < other)


@call()
def etos(state: State, e: int, s: Any = None) -> str:
    """Return an extended size as a text, in decimal digits.

    Args:
        e: the size.
        s: memory that gets the text as well, and a zero byte after it; or None.
    """
    text = str(int(extended(e)))
    if s is not None:
        incoming(s, len(text) + 1)[:] = text.encode() + b"\0"
    return text


@call()
def stoe(state: State, text: str) -> esize_t:
    """Return the extended size that a text of decimal digits says."""
    try:
        return extended(int(text))
    except (TypeError, ValueError):
        raise Refused("EQESIZE", f"{text!r} is no number") from None
