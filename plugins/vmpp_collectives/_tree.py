"""K-nomial trees: a place's number in base k says who its parent and children are.

The parent has the lowest digit that is not zero set to zero; a subtree covers the places from its
root on, as many as that digit counts. With k = 2 these are binomial trees.
"""

from __future__ import annotations

from collections.abc import Iterator


def span(place: int, size: int, radix: int) -> int:
    """Return how many places the subtree of *place* would cover if there were no end."""
    step = 1
    while step < size and not place // step % radix:
        step *= radix
    return step


def parent(place: int, step: int, radix: int) -> int:
    """Return the parent of *place*, whose subtree spans *step*."""
    return place - place // step % radix * step


def children(count: int, step: int, radix: int) -> Iterator[tuple[int, int]]:
    """Yield the children of a place whose subtree has *count* places and spans *step*.

    For each how far away it is, and how many places its subtree has; the furthest come first, which
    have the largest subtrees.
    """
    while step > 1:
        step //= radix
        for distance in reversed(range(step, min(step * radix, count), step)):
            yield distance, min(step, count - distance)
