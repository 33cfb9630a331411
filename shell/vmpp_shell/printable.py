"""Names that others have chosen, on somebody's terminal."""

from __future__ import annotations


def printable(name: str) -> str:
    """Return a name on one line, in which nothing makes a terminal do what its author wants."""
    return "".join(character if character.isprintable() else "?" for character in name)
