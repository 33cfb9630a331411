"""Files of samples, as ``ftq`` and ``fwq`` write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, Final

from vmpp.errors import VmppError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST: Final = 64
"""Fewer samples than that have no spectrum worth looking at."""

_FREQUENCY: Final = re.compile(r"#\s*Frequency\s+(\S+)", re.IGNORECASE)
_WORK: Final = re.compile(r"#\s*fwq\b", re.IGNORECASE)


class SamplesError(VmppError):
    """A file has no samples that can be made sense of."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What a program has measured.

    Attributes:
        name: of the file.
        fixed_work: whether samples took the same work, and their time was measured; otherwise they
            took the same time, and their work was counted.
        interval: seconds from one sample to the next, as they are meant to be.
        times: seconds from the first sample's beginning to each one's.
        lost: what part of each is lost to noise: of its work, or of its time.
    """

    name: str
    fixed_work: bool
    interval: float
    times: NDArray[Any]
    lost: NDArray[Any]

    @property
    def share(self) -> float:
        """What part of the whole time is lost."""
        mean = float(self.lost.mean())
        return mean / (1 + mean) if self.fixed_work else mean

    @property
    def drift(self) -> float:
        """How late samples begin towards the end, in intervals, compared with even spacing.

        That is the median of the last tenth: one may be late because the CPU was away just then.
        """
        import numpy as np  # noqa: PLC0415 - takes a while

        late = self.times / self.interval - np.arange(len(self.times))
        return float(np.median(late[-(len(late) // 10) :]))

    @property
    def even(self) -> bool:
        """Whether samples are spaced evenly, as whoever computes a spectrum takes for granted."""
        return abs(self.drift) < 1


def read(text: str, name: str) -> Samples:
    """Return the samples that the file *name* holds: two columns, time in ns and value.

    Lines that begin with ``#`` are comments; of those ``# Frequency``, in Hz, and ``# fwq`` are
    looked at.

    Raises:
        SamplesError: there are too few, or a line is none of this.
    """
    import numpy as np  # noqa: PLC0415 - takes a while

    rows = [
        _row(line, f"{name}:{number}")
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]
    if len(rows) < FEWEST:
        raise SamplesError(f"{name}: {len(rows)} samples are too few; take {FEWEST} at least")
    times, values = np.array(rows).T
    times = (times - times[0]) / 1e9
    if not (np.diff(times) >= 0).all() or not times[-1]:
        raise SamplesError(f"{name}: the samples are not in the order of their times")
    fixed_work = _WORK.search(text) is not None
    best = values.min() if fixed_work else values.max()
    if best <= 0:
        raise SamplesError(f"{name}: nothing but zeros was measured")
    lost = values / best - 1 if fixed_work else 1 - values / best
    return Samples(name, fixed_work, _interval(text, times, name), times, lost)


def _row(line: str, where: str) -> tuple[float, float]:
    try:
        when, value = map(float, line.split())
    except ValueError:
        when = value = nan
    if not (isfinite(when) and isfinite(value) and value >= 0):
        raise SamplesError(f"{where}: {line.strip()[:40]!r} is not a time and a value")
    return when, value


def _interval(text: str, times: NDArray[Any], name: str) -> float:
    """Return the interval that a file tells of, or else the mean one that it has."""
    found = _FREQUENCY.search(text)
    if found is None:
        return float(times[-1] / (len(times) - 1))
    try:
        frequency = float(found[1])
    except ValueError:
        frequency = 0.0
    if not 0 < frequency < float("inf"):
        raise SamplesError(f"{name}: {found[0]!r} tells no frequency")
    return 1 / frequency
