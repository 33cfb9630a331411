"""What is told of samples: tables, cautions, and a picture."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vmpp.errors import suggestion
from vmpp.machine.comparison.picture import SUFFIXES, PictureError
from vmpp.quantities import DURATION
from vmpp_shell.noise.picture import draw
from vmpp_shell.noise.samples import Samples, read
from vmpp_shell.noise.spectra import Line, Spectra, analyse
from vmpp_shell.tables import table

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class Report:
    """What there is to tell of some files.

    Attributes:
        found: their samples, and what recurs in these.
    """

    found: Sequence[tuple[Samples, Spectra]]

    def tables(self) -> list[Table]:
        """Return a table of the files, and one of the lines in their spectra."""
        files = table(
            ("File", "Samples", "Interval", "Lost", "Recurs every"),
            (_file(*each) for each in self.found),
            right=(1, 2, 3, 4),
        )
        lines = table(
            ("File", "Frequency", "Period", "Amplitude", "Strength", "Harmonic"),
            (_line(samples, line) for samples, each in self.found for line in each.lines),
            right=(1, 2, 3, 4),
        )
        return [files, lines] if any(each.lines for _, each in self.found) else [files]

    def cautions(self) -> list[str]:
        """Return what is wrong with the samples, a line for each file that has something."""
        return [
            f"{samples.name}: the samples are not evenly spaced: the last ones begin "
            f"{abs(samples.drift):,.0f} intervals too {'late' if samples.drift > 0 else 'early'}; "
            "what recurs is not to be found in them, or not at its frequency"
            for samples, _ in self.found
            if not samples.even
        ]

    def data(self) -> list[Mapping[str, Any]]:
        """Return the same as data: times in seconds, frequencies in hertz, shares of 1."""
        return [
            {
                "file": samples.name,
                "samples": len(samples.times),
                "interval": samples.interval,
                "lost": samples.share,
                "even": samples.even,
                "period": spectra.period,
                "lines": list(map(_line_data, spectra.lines)),
            }
            for samples, spectra in self.found
        ]

    def picture(self, path: str) -> bytes:
        """Return the picture, in the format that the suffix of *path* names."""
        return draw(self.found, check_suffix(path))


def report(files: Iterable[tuple[str, bytes]], *, stretches: int, most: int) -> Report:
    """Return the report on *files*, names with contents.

    Args:
        stretches, most: see `vmpp_shell.noise.spectra.analyse`.

    Raises:
        SamplesError: one is no file of samples.
    """
    every = [read(content.decode("utf-8", "replace"), name) for name, content in files]
    return Report([(each, analyse(each, stretches=stretches, most=most)) for each in every])


def check_suffix(path: str) -> str:
    """Return the format of the picture *path*. Raises PictureError: there is no such format."""
    suffix = posixpath.splitext(path)[1]
    if suffix not in SUFFIXES:
        raise PictureError(
            f"{path!r} names no picture{suggestion(suffix, SUFFIXES)} "
            f"(there is: {', '.join(SUFFIXES)})"
        )
    return suffix[1:]


def _file(samples: Samples, spectra: Spectra) -> Sequence[str]:
    return (
        samples.name,
        f"{len(samples.times):,}",
        _time(samples.interval),
        f"{samples.share:.3%}",
        "" if spectra.period is None else _time(spectra.period),
    )


def _line(samples: Samples, line: Line) -> Sequence[str]:
    return (
        samples.name,
        f"{line.frequency:,.2f} Hz",
        _time(1 / line.frequency),
        f"{line.amplitude:.3%}",
        f"{line.level:.0f} dB",
        "" if line.harmonic is None else f"{line.harmonic[0]} x {line.harmonic[1]:,.2f} Hz",
    )


def _line_data(line: Line) -> Mapping[str, Any]:
    return {
        "frequency": line.frequency,
        "period": 1 / line.frequency,
        "amplitude": line.amplitude,
        "level": line.level,
        "harmonic": None if line.harmonic is None else line.harmonic[0],
    }


def _time(seconds: float) -> str:
    return DURATION.write(round(seconds * 1e12))
