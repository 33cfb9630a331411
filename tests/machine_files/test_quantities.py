"""Quantities are read with their units, and written so that they read back."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.quantities import DURATION, RATE, SIZE, Unit, duration, flops, rate, size

PREFIXES = {"": 0, "m": -3, "u": -6, "µ": -6, "n": -9, "p": -12}


@pytest.mark.parametrize(
    ("read", "text", "counted"),
    [
        (duration, "1.5 us", 1_500_000),
        (duration, "70us", 70_000_000),
        (duration, "0 s", 0),
        (duration, "33.3333 ns", 33_333),
        (rate, "1 GB/s", 1_000_000),
        (rate, "1 GiB/s", 931_323),
        (flops, "75 Mflop/s", 13_333_333),
        (size, "16 MiB", 16 * 2**20),
        (size, "1 kB", 1000),
    ],
)
def test_reads(read: object, text: str, counted: int) -> None:
    assert callable(read)
    assert read(text) == counted


@given(st.integers(1, 10**6), st.sampled_from(sorted(PREFIXES)))
def test_durations_are_exact(number: int, prefix: str) -> None:
    assert duration(f"{number} {prefix}s") == number * Fraction(10) ** (12 + PREFIXES[prefix])


@given(st.integers(0, 2**50))
def test_sizes_read_back(counted: int) -> None:
    assert SIZE.read(SIZE.write(counted)) == counted


@given(st.sampled_from([DURATION, RATE]), st.integers(1, 9999), st.integers(0, 6))
def test_what_has_four_digits_reads_back(unit: Unit, digits: int, zeros: int) -> None:
    counted = digits * 10**zeros
    assert unit.read(unit.write(counted)) == pytest.approx(counted, rel=1e-4)


@given(st.text())
def test_garbage_is_refused(text: str) -> None:
    with suppress(ValueError):
        assert duration(text) >= 0


@pytest.mark.parametrize(
    "text", ["inf s", "nan s", "5 min", "5 m", "", "s", "1 s s", True, None, []]
)
def test_these_are_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="40 ns"):
        duration(text)
