"""The boxes that a job of some size fits into."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod


def shapes(wanted: int, extents: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the boxes for *wanted* nodes that fit into *extents*, the best first.

    They are those of at least *wanted* nodes that would be too small if any side were shorter by
    one. The best has the shortest way from corner to corner, so it is as near to a cube as can be;
    of such the one that leaves the fewest nodes over.
    """
    found = [shape for shape in _enough(wanted, extents) if _is_tight(shape, wanted)]
    return sorted(found, key=lambda shape: (sum(shape), prod(shape), shape))


def _enough(wanted: int, extents: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield all boxes, with the last side as short as it may be."""
    first, rest = extents[0], extents[1:]
    if not rest:
        if wanted <= first:
            yield (wanted,)
        return
    for side in range(1, min(first, wanted) + 1):
        for others in _enough(-(-wanted // side), rest):
            yield (side, *others)


def _is_tight(shape: tuple[int, ...], wanted: int) -> bool:
    size = prod(shape)
    return all(size // side * (side - 1) < wanted for side in shape)
