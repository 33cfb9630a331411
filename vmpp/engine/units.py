"""Units of virtual time."""

from __future__ import annotations

from typing import Final

PICOSECOND: Final = 1
NANOSECOND: Final = 1_000
MICROSECOND: Final = 1_000_000
MILLISECOND: Final = 1_000_000_000
SECOND: Final = 1_000_000_000_000


def to_ps(seconds: float) -> int:
    """Return *seconds* as a whole number of picoseconds, rounded to nearest."""
    return round(seconds * SECOND)


def to_seconds(ps: int) -> float:
    """Return *ps* picoseconds in seconds."""
    return ps / SECOND
