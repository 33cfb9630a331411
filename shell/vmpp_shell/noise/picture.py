"""The picture of a report: time series, spectrum and cepstrum of each file, one below the other."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from vmpp_shell.noise.samples import Samples
from vmpp_shell.noise.spectra import NEAREST, Spectra

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURED: Final = "#0072B2"
FOUND: Final = "#D55E00"
"""Colours that the colour-blind can tell apart (Okabe and Ito, 2008)."""
LABELLED: Final = 4
"""How many of the lines of a spectrum have their frequency beside them."""


def draw(found: Sequence[tuple[Samples, Spectra]], kind: str) -> bytes:
    """Return a picture of that *kind*, such as ``png``, with a column for each file."""
    from matplotlib import rc_context  # noqa: PLC0415 - takes half a second
    from matplotlib.figure import Figure  # noqa: PLC0415 - likewise

    # What is drawn is the same on every host and at every time, in its text formats, too.
    with rc_context({"svg.hashsalt": "vmpp", "font.size": 9, "axes.titlesize": 10}):
        figure = Figure(figsize=(1 + 5.5 * len(found), 8), layout="constrained")
        grid = figure.subplots(3, len(found), squeeze=False)
        for column, (samples, spectra) in enumerate(found):
            _time_series(grid[0, column], samples)
            _spectrum(grid[1, column], spectra)
            _cepstrum(grid[2, column], spectra)
        for axes in grid.flat:
            axes.spines[["top", "right"]].set_visible(False)
        written = io.BytesIO()
        dated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
        figure.savefig(written, format=kind, dpi=150, metadata=dated.get(kind))
    return written.getvalue()


def _time_series(axes: Axes, samples: Samples) -> None:
    axes.plot(samples.times, 100 * samples.lost, ".", markersize=2, color=MEASURED, rasterized=True)
    axes.set_title(f"{samples.name}: {samples.share:.3%} lost")
    axes.set_xlabel("time (s)")
    axes.set_ylabel("lost of a sample (%)")


def _spectrum(axes: Axes, spectra: Spectra) -> None:
    axes.plot(spectra.frequencies, spectra.levels, linewidth=0.8, color=MEASURED)
    axes.set_xlabel("frequency (Hz)")
    axes.set_ylabel("spectrum (dB)")
    axes.margins(y=0.15)
    strongest = sorted(spectra.lines, key=lambda line: -line.amplitude)[:LABELLED]
    for line in spectra.lines:
        place = round(line.frequency / float(spectra.frequencies[1]))
        top = line.frequency, float(spectra.levels[min(place, len(spectra.levels) - 1)])
        axes.plot(*top, "v", color=FOUND, markersize=4)
        if line in strongest:
            axes.annotate(
                f"{line.frequency:.4g}", top, (0, 5), textcoords="offset points",
                ha="center", color=FOUND, fontsize=8,
            )  # fmt: skip


def _cepstrum(axes: Axes, spectra: Spectra) -> None:
    periods = 1000 * spectra.periods[NEAREST:]
    axes.plot(periods, spectra.cepstrum[NEAREST:], linewidth=0.8, color=MEASURED)
    axes.set_xlabel("period (ms)")
    axes.set_ylabel("cepstrum")
    axes.margins(y=0.15)
    if spectra.period is not None:
        place = int(spectra.period / float(spectra.periods[1]) + 0.5)
        top = 1000 * spectra.period, float(spectra.cepstrum[place])
        axes.plot(*top, "v", color=FOUND, markersize=4)
        axes.annotate(
            f"{1000 * spectra.period:.4g} ms", top, (0, 5), textcoords="offset points",
            ha="center", color=FOUND, fontsize=8,
        )  # fmt: skip
