"""Names of many nodes in few words, as Slurm writes them: ``n[001-010,015]``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from vmpp.ranges import runs

_NAME: Final = re.compile(r"(.*?)(\d*)", re.DOTALL)
_PART: Final = re.compile(r"([^,\[\]]*)(?:\[([^\[\]]*)\])?")
_SPAN: Final = re.compile(r"(\d+)(?:-(\d+))?")


def compress(names: Iterable[str]) -> str:
    """Return the list of *names*, each of which ends in a number, or not.

    Names stand in order of their numbers; those are together whose numbers are equally wide.
    """
    parts = []
    for (prefix, width), group in groupby(sorted(map(_split, set(names))), lambda key: key[:2]):
        spans = runs(number for *_, number in group) if width else []
        words = [
            f"{first:0{width}}" if first == last else f"{first:0{width}}-{last:0{width}}"
            for first, last in spans
        ]
        if not width or (len(words) == 1 and "-" not in words[0]):
            parts.append(prefix + "".join(words))
        else:
            parts.append(f"{prefix}[{','.join(words)}]")
    return ",".join(parts)


def expand(text: str) -> list[str]:
    """Return the names that a list stands for, in its order.

    Raises:
        ValueError: it is no such list.
    """
    names: list[str] = []
    place = 0 if text else 1
    while place <= len(text):
        found = _PART.match(text, place)
        if found is None or not found[0] or text[found.end() : found.end() + 1] not in ("", ","):
            raise ValueError(f'"{text}" is no list of nodes; write one such as "n[001-010,015]"')
        names += _expanded(found[1], found[2], text)
        place = found.end() + 1
    return names


def _split(name: str) -> tuple[str, int, int]:
    """Return prefix, width of the number, and the number of *name*."""
    found = _NAME.fullmatch(name)
    assert found is not None
    prefix, digits = found[1], found[2]
    return prefix, len(digits), int(digits or 0)


def _expanded(prefix: str, spans: str | None, text: str) -> list[str]:
    if spans is None:
        return [prefix]
    names = []
    for span in spans.split(","):
        found = _SPAN.fullmatch(span)
        if found is None:
            raise ValueError(f'"{text}": "{span}" is no number and no range')
        first, last = int(found[1]), int(found[2] or found[1])
        names += [f"{prefix}{number:0{len(found[1])}}" for number in range(first, last + 1)]
    return names
