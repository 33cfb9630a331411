"""Virtual times as tables show them."""

from __future__ import annotations

from typing import Final

from vmpp.engine import SECOND

MINUTE: Final = 60 * SECOND
_UNITS: Final = ((SECOND, "s"), (10**9, "ms"), (10**6, "us"), (10**3, "ns"), (1, "ps"))
NOT_YET: Final = "Unknown"
"""What stands for a time that has not come, as in Slurm's tables."""


def elapsed(duration: int) -> str:
    """Return a duration in picoseconds in one word: ``512us``, and from a minute on as Slurm does.

    That is ``[days-][hours:]minutes:seconds``: ``1:02``, ``3:00:00``, ``2-00:00:00``. Below a
    minute Slurm's own form would say nothing of most virtual times.
    """
    if duration >= MINUTE:
        return _clock(duration // SECOND)
    for unit, symbol in _UNITS:
        if duration >= unit:
            return _significant(duration, unit) + symbol
    return "0s"


def _significant(duration: int, unit: int) -> str:
    """Return *duration* in *unit*, with three digits at least, cut off and not rounded up."""
    whole, rest = divmod(duration, unit)
    decimals = max(0, 3 - len(str(whole)))
    fraction = str(rest * 10**decimals // unit).rjust(decimals, "0")
    text = f"{whole}.{fraction}" if decimals else str(whole)
    return text.rstrip("0").rstrip(".") if decimals else text


def _clock(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}-{hours:02}:{minutes:02}:{seconds:02}"
    if hours:
        return f"{hours}:{minutes:02}:{seconds:02}"
    return f"{minutes}:{seconds:02}"


def instant(time: int | None) -> str:
    """Return a time of the machine, in picoseconds since it booted; None has not come."""
    return NOT_YET if time is None else elapsed(time)
