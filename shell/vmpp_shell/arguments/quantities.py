"""Options that are quantities with units, as machine files write them."""

from __future__ import annotations

from typing import Final

from vmpp.process.calls import LATEST
from vmpp.quantities import DURATION, SIZE
from vmpp_shell.arguments.types import ReadType


def duration(text: str) -> int:
    """Return a duration in picoseconds.

    Raises:
        ValueError: it is none, or longer than virtual time can be told.
    """
    found = DURATION.read(text)
    if found > LATEST:
        raise ValueError(f'"{text}" is too long: virtual time is told up to 106 days')
    return found


SIZE_TYPE: Final = ReadType("size", int, SIZE.read)
DURATION_TYPE: Final = ReadType("duration", int, duration)
