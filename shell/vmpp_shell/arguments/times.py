"""Times as Slurm's commands take them. Source: the manual page srun(1)."""

from __future__ import annotations

import re
from typing import Final

from vmpp.engine import SECOND
from vmpp.quantities import DURATION
from vmpp_shell.arguments.types import ReadType

_MINUTE, _HOUR, _DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
_TIME: Final = re.compile(r"(?:(?P<days>\d+)-)?(?P<fields>\d+(?::\d+){0,2})", re.ASCII)
_UNITS: Final = {
    (False, 1): (_MINUTE,),
    (False, 2): (_MINUTE, SECOND),
    (False, 3): (_HOUR, _MINUTE, SECOND),
    (True, 1): (_HOUR,),
    (True, 2): (_HOUR, _MINUTE),
    (True, 3): (_HOUR, _MINUTE, SECOND),
}
"""What the fields of a time count, by whether days stand before them, and how many there are."""


def time_limit(text: str) -> int:
    """Return a time as srun's ``-t`` takes it, or a duration with its unit, in picoseconds.

    The forms are minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes
    and days-hours:minutes:seconds.

    Raises:
        ValueError: it is neither.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        try:
            return DURATION.read(text)
        except ValueError:
            raise ValueError(
                f"{text!r} is no time; write minutes, hours:minutes:seconds, or such as '5 ms'"
            ) from None
    fields = found["fields"].split(":")
    units = _UNITS[found["days"] is not None, len(fields)]
    return int(found["days"] or 0) * _DAY + sum(
        int(field) * unit for field, unit in zip(fields, units, strict=True)
    )


TIME: Final = ReadType("time", int, time_limit)
