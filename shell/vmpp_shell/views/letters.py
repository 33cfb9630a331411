"""The letters that stand for jobs in pictures of the machine, as in ``showmesh`` of Cplant."""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_lowercase


def letter(place: int) -> str:
    """Return the letter of the job at *place*: a to z, then aa, ab and so on."""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, len(ascii_lowercase))
        text = ascii_lowercase[rest] + text
    return text


def letters(jobs: Iterable[int]) -> dict[int, str]:
    """Return the letter of each job, in order of their numbers."""
    return {number: letter(place) for place, number in enumerate(sorted(jobs))}
