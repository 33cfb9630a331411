"""What vmpp says to the person who runs it, as opposed to what a program inside a machine sees."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class VmppError(Exception):
    """Base of every error that a user can cause and mend.

    Its string is one line which names the culprit and, where there is one, the way out. The
    command line prints it after ``vmpp: error:``; from Python it is raised. A defect of vmpp itself
    is never one of these.
    """


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the one of *choices* that *word* was most likely meant to be, or None."""
    # Sorted, so that of two that are equally near the same one is named each time.
    known = {choice.lower(): choice for choice in sorted(choices, reverse=True)}
    close = get_close_matches(word.lower(), sorted(known), n=1, cutoff=0.6)
    return known[close[0]] if close else None


def suggestion(word: str, choices: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest of *choices*, or nothing."""
    found = nearest(word, choices)
    return "" if found is None else f"; did you mean {found!r}?"
