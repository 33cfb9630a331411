"""Quantities with units, as people write them, and the whole numbers that the machine counts in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import isfinite
from typing import Final

from vmpp.engine import SECOND

FEMTO: Final = 10**15


@dataclass(frozen=True, slots=True)
class Unit:
    """A kind of quantity: how it is written, and in what it is counted.

    Attributes:
        noun: what the quantity is called in messages.
        symbol: the unit that it is written with, besides a prefix such as ``k`` or ``Mi``.
        example: one that is written well.
        counted: what one counts, for documentation.
        count: turns a positive number of `symbol` into that.
    """

    noun: str
    symbol: str
    example: str
    counted: str
    count: Callable[[Fraction], Fraction]

    def read(self, text: object) -> int:
        """Return the whole number that *text* stands for, rounded to nearest.

        Raises:
            ValueError: *text* is not such a quantity, or is too small to be counted; the message
                says what was wanted and follows on the name of what has the value.
        """
        wanted = f'write {self.noun} such as "{self.example}"'
        if isinstance(text, int | float) and not isinstance(text, bool):
            raise ValueError(f"{text} has no unit; {wanted}")
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is not {self.noun}; {wanted}")
        number, symbol = _parsed(text)
        if number is None or symbol not in (self.symbol, ""):
            raise ValueError(f'"{text}" is not {self.noun}; {wanted}')
        if not symbol:
            raise ValueError(f'"{text}" has no unit; {wanted}')
        return self._counted(text, number)

    def _counted(self, text: str, number: Fraction) -> int:
        if number < 0:
            raise ValueError(f'"{text}" is negative')
        if number == 0 and self.symbol.endswith("/s"):
            raise ValueError(f'"{text}" would take forever')
        exact = self.count(number)
        counted = round(exact)
        if counted == 0 and exact:
            limit = "fast" if self.symbol.endswith("/s") else "small"
            raise ValueError(f'"{text}" is too {limit} to be counted in {self.counted}')
        return counted

    def write(self, counted: int) -> str:
        """Return *counted* as a person would write it."""
        from quantiphy import Quantity  # noqa: PLC0415 - 30 ms that most runs need not pay

        if self.symbol == "B":
            return _binary(counted)
        if not counted:
            return f"0 {self.symbol}"
        number = (
            Fraction(FEMTO, counted) if self.symbol.endswith("/s") else Fraction(counted, SECOND)
        )
        return str(Quantity(float(number), self.symbol).render(prec=4))


@lru_cache(maxsize=1024)
def _parsed(text: str) -> tuple[Fraction | None, str]:
    """Return the number and the unit of *text*; no number if there is none that is finite."""
    from quantiphy import Quantity  # noqa: PLC0415 - 30 ms that most runs need not pay

    try:
        quantity = Quantity(text, binary=True)
    except (ValueError, TypeError):
        return None, ""
    number = float(quantity)
    # The shortest decimal of the float is what was written; its exact binary value is not.
    return (Fraction(repr(number)) if isfinite(number) else None), quantity.units


def _binary(counted: int) -> str:
    for power, prefix in ((4, "Ti"), (3, "Gi"), (2, "Mi"), (1, "Ki")):
        whole, rest = divmod(counted, 1024**power)
        if whole and not rest:
            return f"{whole} {prefix}B"
    return f"{counted} B"


DURATION: Final = Unit("a duration", "s", "40 ns", "picoseconds", lambda seconds: seconds * SECOND)
RATE: Final = Unit("a rate", "B/s", "160 MB/s", "femtoseconds a byte", lambda rate: FEMTO / rate)
FLOPS: Final = Unit(
    "a speed", "flop/s", "50 Mflop/s", "femtoseconds an operation", lambda rate: FEMTO / rate
)
SIZE: Final = Unit("a size", "B", "64 MiB", "bytes", lambda size: size)


def duration(text: str) -> int:
    """Return a duration such as ``"40 ns"`` in picoseconds."""
    return DURATION.read(text)


def rate(text: str) -> int:
    """Return a rate such as ``"160 MB/s"`` in femtoseconds a byte."""
    return RATE.read(text)


def flops(text: str) -> int:
    """Return a speed such as ``"50 Mflop/s"`` in femtoseconds an operation."""
    return FLOPS.read(text)


def size(text: str) -> int:
    """Return a size such as ``"64 MiB"`` in bytes."""
    return SIZE.read(text)
