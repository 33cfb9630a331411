"""Whole numbers in few characters: those that follow each other as a range."""

from __future__ import annotations

from collections.abc import Iterable


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return the first and last of each run of numbers that follow each other, in their order."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found


def write_ranges(numbers: Iterable[int], *, to: str = "-", between: str = ",") -> str:
    """Return *numbers* in their order, with runs as ranges: ``0-15,20,3``."""
    return between.join(
        f"{first}" if first == last else f"{first}{to}{last}" for first, last in runs(numbers)
    )
