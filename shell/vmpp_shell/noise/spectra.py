"""What recurs in samples: their spectrum, the lines in it, and the cepstrum.

The spectrum is Welch's: the mean of those of stretches that overlap by half, each under a Hamming
window. Something that recurs is a line in it, with harmonics the sharper it is. The cepstrum is the
transform of its logarithm (Bogert, Healy and Tukey, 1963), in which all the harmonics of a line
make one peak, at its period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vmpp_shell.noise.samples import Samples

CLEAR: Final = 13.0
"""Decibels by which a line stands out of its surroundings; chance alone hardly ever gets there."""
SURROUNDINGS: Final = 65
"""Points of the spectrum whose median a line is compared with."""
FLOOR: Final = 1e-12
"""Of a spectrum, so that it has a logarithm: a millionth of a sample's time, squared."""
NEAREST: Final = 3
"""Of spectrum and cepstrum, the points next to zero, where the window shows and not the samples."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something that recurs.

    Attributes:
        frequency: in hertz.
        amplitude: of the wave, as a part of the time.
        level: decibels above its surroundings.
        harmonic: which multiple of a lower line it is, and that line's frequency; None: of none.
    """

    frequency: float
    amplitude: float
    level: float
    harmonic: tuple[int, float] | None = None


@dataclass(frozen=True, slots=True)
class Spectra:
    """What `analyse` finds.

    Attributes:
        frequencies: in hertz.
        levels: of the spectrum at these, in decibels below a wave that takes all of the time.
        lines: the strongest, by frequency.
        periods: in seconds.
        cepstrum: at these.
        period: where that has its clearest peak; None: it has none.
    """

    frequencies: NDArray[Any]
    levels: NDArray[Any]
    lines: Sequence[Line]
    periods: NDArray[Any]
    cepstrum: NDArray[Any]
    period: float | None


def analyse(samples: Samples, *, stretches: int = 4, most: int = 10) -> Spectra:
    """Return what recurs in *samples*, which are taken to be evenly spaced.

    Args:
        stretches: how many to cut them into; more make the spectrum smoother, and coarser.
        most: of how many lines to tell.
    """
    import numpy as np  # noqa: PLC0415 - takes a while
    from scipy import signal  # noqa: PLC0415 - likewise

    frequencies, power = signal.welch(
        samples.lost,
        1 / samples.interval,
        window="hamming",
        nperseg=max(32, len(samples.lost) // stretches),
        detrend="linear",
        scaling="spectrum",
    )
    power = np.maximum(power, FLOOR)
    cepstrum = np.fft.irfft(np.log(power))[: len(power)]
    return Spectra(
        frequencies,
        10 * np.log10(power),
        _lines(frequencies, power, most),
        np.arange(len(cepstrum)) * samples.interval,
        cepstrum,
        _period(cepstrum, samples.interval),
    )


def _lines(frequencies: NDArray[Any], power: NDArray[Any], most: int) -> list[Line]:
    """Return the *most* strongest lines, by frequency."""
    import numpy as np  # noqa: PLC0415 - takes a while
    from scipy import ndimage, signal  # noqa: PLC0415 - likewise

    level = 10 * np.log10(power / ndimage.median_filter(power, SURROUNDINGS, mode="mirror"))
    # What ends in the middle of a line is one, too.
    peaks = signal.find_peaks(np.append(level, -np.inf), height=CLEAR, distance=NEAREST)[0]
    peaks = peaks[peaks > NEAREST]
    strongest = sorted(peaks, key=lambda peak: (-power[peak], peak))[:most]
    found: list[Line] = []
    for peak in sorted(strongest):
        frequency = _refined(frequencies, power, peak)
        amplitude = float(np.sqrt(2 * power[peak]))
        resolution = float(frequencies[1])
        harmonic = _harmonic(frequency, found, resolution)
        found.append(Line(frequency, amplitude, float(level[peak]), harmonic))
    return found


def _refined(frequencies: NDArray[Any], power: NDArray[Any], peak: int) -> float:
    """Return where the parabola through a peak and its neighbours has its top."""
    import numpy as np  # noqa: PLC0415 - takes a while

    if peak + 1 >= len(power):
        return float(frequencies[peak])
    left, top, right = np.log(power[peak - 1 : peak + 2])
    bend = left - 2 * top + right
    shift = 0.5 * (left - right) / bend if bend else 0.0
    return float(frequencies[peak] + shift * frequencies[1])


def _harmonic(frequency: float, lower: Sequence[Line], near: float) -> tuple[int, float] | None:
    for line in lower:
        number = round(frequency / line.frequency)
        meets = abs(frequency - number * line.frequency) < near
        if line.harmonic is None and number > 1 and meets:
            return number, line.frequency
    return None


def _period(cepstrum: NDArray[Any], interval: float) -> float | None:
    """Return the period at which the cepstrum has its first clear peak, or None."""
    import numpy as np  # noqa: PLC0415 - takes a while
    from scipy import signal  # noqa: PLC0415 - likewise

    searched = cepstrum[NEAREST : len(cepstrum) - NEAREST]
    # Chance alone does not get to six standard deviations. Multiples of a period have peaks, too.
    least = max(6 * float(np.std(searched)), float(searched.max()) / 2)
    clear = signal.find_peaks(searched, height=least, prominence=least / 2)[0]
    return (int(clear[0]) + NEAREST) * interval if len(clear) else None
