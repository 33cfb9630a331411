"""Attributes that applications and partitions are made by: numbers, each with its values.

Their numbers are those of the Paragon's header; how many values follow each is our reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from vmpp_nx._errors import Refused

NX_ATTR_END: Final = -1

_NAMES: Final = (
    "SZ", "RECT", "MAP", "ANCHOR", "SCHED", "RELAXED", "EPL", "RQ", "MOD", "SEL", "PRI", "PKT",
    "MBF", "MEX", "MEA", "NOC", "STH", "SCT", "GTH", "PLK", "ACCT", "GUEST",
)  # fmt: skip

CONSTANTS: Final[dict[str, int]] = {
    "NX_ATTR_END": NX_ATTR_END,
    **{f"NX_ATTR_{name}": number for number, name in enumerate(_NAMES, 1)},
    "NX_SUNMOS": 1,
}

_PAIRS: Final = frozenset(("RECT", "MAP"))
"""Attributes that two values follow: rows and columns, how many nodes and their places."""


def read_attributes(attributes: Iterable[Any]) -> dict[str, Any]:
    """Return what *attributes* say, by name.

    Args:
        attributes: numbers, each with its values behind it, up to ``NX_ATTR_END`` or the end; or a
            mapping of numbers to values.

    Raises:
        Refused: EQPARAM: there is no such attribute, or its value lacks.
    """
    given = tuple(attributes)
    if len(given) == 1 and isinstance(given[0], Mapping):
        return {_name(number): value for number, value in given[0].items()}
    return dict(_read(iter(given)))


def _read(words: Iterator[Any]) -> Iterator[tuple[str, Any]]:
    for number in words:
        if number == NX_ATTR_END:
            return
        name = _name(number)
        count = 2 if name in _PAIRS else 1
        values = tuple(islice(words, count))
        if len(values) < count:
            raise Refused("EQPARAM", f"NX_ATTR_{name} lacks its value")
        yield name, values if name in _PAIRS else values[0]


def _name(number: Any) -> str:
    if not (hasattr(number, "__index__") and 1 <= number <= len(_NAMES)):
        raise Refused("EQPARAM", f"there is no attribute {number!r:.60}")
    return _NAMES[number - 1]


def nodes_of(value: tuple[int, Any]) -> tuple[int, ...]:
    """Return the places of nodes that ``NX_ATTR_MAP`` says. Raises Refused: EQPARAM."""
    count, listed = value
    if not 0 < count <= len(listed):
        raise Refused("EQPARAM", f"{count} of {len(listed)} nodes")
    return tuple(int(node) for node in listed[:count])
