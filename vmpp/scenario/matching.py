"""Whether an output is the expected one; if not, what would be expected that is nearest to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from vmpp.scenario.lines import Expected, literal

E = TypeVar("E")
A = TypeVar("A")

_ABSORB: Final = 1
_SWAP: Final = 2
_ONE_SIDED: Final = 3
_LARGEST: Final = 400_000
"""How many pairs of lines are compared at most to find out which of them belong together."""

_TOKEN: Final = re.compile(r"\w+|\s+|.", re.DOTALL)


def alike(expected: Sequence[Expected], actual: Sequence[str]) -> bool:
    """Return whether the lines *expected* stand for the lines *actual*."""
    at = here = 0
    star, star_here = -1, 0
    while here < len(actual):
        if at < len(expected) and expected[at].any_lines:
            star, star_here = at, here
            at += 1
        elif at < len(expected) and expected[at].matches(actual[here]):
            at += 1
            here += 1
        elif star >= 0:
            star_here += 1
            at, here = star + 1, star_here
        else:
            return False
    return all(line.any_lines for line in expected[at:])


def nearest(expected: Sequence[Expected], actual: Sequence[str]) -> list[Expected]:
    """Return what stands for *actual*, with as much of *expected* as still does.

    Wildcards stay where what surrounds them does.
    """
    merged: list[Expected] = []
    for pair in _pairs(expected, actual, Expected.matches, lambda line: line.any_lines):
        if not pair.new:
            merged += pair.old
        elif not pair.old:
            merged += map(literal, pair.new)
        else:
            merged.append(_nearest_line(pair.old[0], pair.new[0]))
    return merged


def _nearest_line(old: Expected, new: str) -> Expected:
    """Return what stands for the line *new*, with the wildcards of *old* if most of it is there."""
    plain = literal(new)
    if len(old.parts) == 1:
        return plain
    tokens: list[str | None] = []
    for number, part in enumerate(old.parts):
        tokens += [None] * bool(number)
        tokens += _TOKEN.findall(part)
    parts, kept = [""], 0
    for pair in _pairs(tokens, _TOKEN.findall(plain.parts[0]), _equal, _is_wildcard):
        if pair.new:
            parts[-1] += pair.new[0]
        elif pair.old[0] is None:
            parts.append("")
        else:
            parts[-1] += pair.old[0]
            kept += len(pair.old[0].strip())
    there = sum(len(token.strip()) for token in tokens if token)
    return Expected("", tuple(parts), plain.eol) if kept and 2 * kept >= there else plain


def _equal(old: str | None, new: str) -> bool:
    return old == new


def _is_wildcard(token: str | None) -> bool:
    return token is None


class _Pair(NamedTuple, Generic[E, A]):
    """What has become of what: an old one that stays, a new one, or one in the place of another."""

    old: tuple[E, ...]
    new: tuple[A, ...]


def _pairs(
    old: Sequence[E],
    new: Sequence[A],
    same: Callable[[E, A], bool],
    is_wildcard: Callable[[E], bool],
) -> Iterator[_Pair[E, A]]:
    """Yield, in order, how *old* becomes *new* at the least cost."""
    if len(old) * len(new) > _LARGEST:
        yield from (_Pair[E, A]((), (each,)) for each in new)
        return
    costs = _costs(old, new, same, is_wildcard)
    i = j = 0
    while i < len(old) or j < len(new):
        cost = costs[i][j]
        if i < len(old) and is_wildcard(old[i]):
            # What it swallows is not to be seen; it is yielded when it has had enough.
            if cost == costs[i + 1][j]:
                yield _Pair((old[i],), ())
                i += 1
            else:
                j += 1
        elif i < len(old) and j < len(new) and same(old[i], new[j]) and cost == costs[i + 1][j + 1]:
            yield _Pair((old[i],), ())
            i, j = i + 1, j + 1
        elif i < len(old) and j < len(new) and cost == costs[i + 1][j + 1] + _SWAP:
            yield _Pair((old[i],), (new[j],))
            i, j = i + 1, j + 1
        elif j < len(new) and cost == costs[i][j + 1] + _ONE_SIDED:
            yield _Pair((), (new[j],))
            j += 1
        else:
            i += 1


def _costs(
    old: Sequence[E],
    new: Sequence[A],
    same: Callable[[E, A], bool],
    is_wildcard: Callable[[E], bool],
) -> list[list[int]]:
    """Return, for each pair of positions, the least cost of making the rest of *old* that of *new*.

    A wildcard that swallows a line costs less than any change, but more than a match: otherwise
    one would swallow all that has changed near it.
    """
    columns = len(new)
    costs = [[0] * (columns + 1) for _ in range(len(old) + 1)]
    costs[-1] = [(columns - j) * _ONE_SIDED for j in range(columns + 1)]
    for i in range(len(old) - 1, -1, -1):
        row, below, one = costs[i], costs[i + 1], old[i]
        wild = is_wildcard(one)
        row[columns] = below[columns] + (0 if wild else _ONE_SIDED)
        for j in range(columns - 1, -1, -1):
            if wild:
                row[j] = min(below[j], row[j + 1] + _ABSORB)
            else:
                diagonal = below[j + 1] + (0 if same(one, new[j]) else _SWAP)
                row[j] = min(diagonal, below[j] + _ONE_SIDED, row[j + 1] + _ONE_SIDED)
    return costs
