"""The letters that stand for jobs in pictures of the machine, as in ``showmesh`` of Cplant."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from string import ascii_lowercase


def letter(at: int) -> str:
    """Return the letter of the job at place *at*: a to z, then aa, ab and so on."""
    text = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, len(ascii_lowercase))
        text = ascii_lowercase[rest] + text
    return text


def place(text: str) -> int:
    """Return the place of the job with this letter: the inverse of `letter`."""
    number = 0
    for character in text:
        number = number * len(ascii_lowercase) + ascii_lowercase.index(character) + 1
    return number - 1


def letters(jobs: Iterable[int]) -> dict[int, str]:
    """Return the letter of each job, in order of their numbers."""
    return {number: letter(at) for at, number in enumerate(sorted(jobs))}


class Lettering:
    """Gives letters to jobs, which keep them as long as they are there."""

    def __init__(self) -> None:
        self._places: dict[int, int] = {}

    def of(self, jobs: Iterable[int]) -> dict[int, str]:
        """Return the letter of each job; new ones get the first that are free."""
        there = sorted(jobs)
        self._places = {job: self._places[job] for job in there if job in self._places}
        taken = set(self._places.values())
        free = (at for at in count() if at not in taken)
        for job in there:
            if job not in self._places:
                self._places[job] = next(free)
        return {job: letter(self._places[job]) for job in there}
