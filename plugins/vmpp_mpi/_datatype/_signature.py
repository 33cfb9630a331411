"""Type signatures: the sequence of numbers that an element consists of, without where they lie.

A signature is a tree: a tuple of ``(count, item)``, where an item is a `Basic` or a signature
again. A million structures are so described by as few objects as one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias


@dataclass(slots=True, eq=False, kw_only=True)
class Basic:
    """A number, or a pair of numbers, of which data consist.

    Attributes:
        name: of the predefined datatype.
        size: in bytes.
        external: bytes in ``external32``.
        align: alignment in a C structure.
        code: the type code by which a program may name the datatype, None for a pair.
        kind: NumPy's type string, empty for a pair.
        char: NumPy's type character.
        parts: value and index of a pair, for `MAXLOC` and `MINLOC`; empty for a number.
    """

    name: str
    size: int
    external: int
    align: int
    code: str | None = None
    kind: str = ""
    char: str = ""
    parts: tuple[Basic, ...] = ()


Signature: TypeAlias = "tuple[tuple[int, Basic | Signature], ...]"

BASICS: Final[dict[str, Basic]] = {}
"""The numbers and pairs of the predefined datatypes, by name."""


def repeated(signature: Signature, count: int) -> Signature:
    """Return *count* times the *signature*."""
    if count == 0 or not signature:
        return ()
    if count == 1:
        return signature
    if len(signature) == 1:
        number, item = signature[0]
        return ((number * count, item),)
    return ((count, signature),)


def joined(signatures: Iterator[Signature]) -> Signature:
    """Return the *signatures* one after the other."""
    found: list[tuple[int, Basic | Signature]] = []
    for signature in signatures:
        for count, item in signature:
            if found and found[-1][1] is item:
                found[-1] = found[-1][0] + count, item
            else:
                found.append((count, item))
    return tuple(found)


def runs(signature: Signature) -> Iterator[tuple[int, Basic]]:
    """Yield how many of which basic follow, in order; neighbours may be of the same basic."""
    for count, item in signature:
        if isinstance(item, Basic):
            yield count, item
        else:
            for _ in range(count):
                yield from runs(item)


def only_basic(signature: Signature) -> Basic | None:
    """Return the basic of which all the data are, None if there are several or none."""
    found: Basic | None = None
    for _, item in signature:
        basic = item if isinstance(item, Basic) else only_basic(item)
        if basic is None or (found is not None and found is not basic):
            return None
        found = basic
    return found


def elements(signature: Signature) -> int:
    """Return how many numbers there are; a pair counts as two."""
    return sum(count * _numbers(item) for count, item in signature)


def _numbers(item: Basic | Signature) -> int:
    if isinstance(item, Basic):
        return len(item.parts) or 1
    return elements(item)


def nbytes(signature: Signature) -> int:
    """Return the bytes of the data."""
    return sum(count * _size(item) for count, item in signature)


def _size(item: Basic | Signature) -> int:
    return item.size if isinstance(item, Basic) else nbytes(item)


def elements_in(signature: Signature, size: int) -> tuple[int, int]:
    """Return how many whole numbers the first *size* bytes are, and the bytes left over."""
    found = 0
    for count, item in signature:
        whole = min(size // _size(item), count)
        found += whole * _numbers(item)
        size -= whole * _size(item)
        if whole < count:
            more, size = elements_in(_inside(item), size)
            return found + more, size
    return found, size


def bytes_of(signature: Signature, count: int) -> tuple[int, int]:
    """Return the bytes of the first *count* numbers, and how many of these there are not."""
    size = 0
    for number, item in signature:
        each = _numbers(item)
        whole = min(count // each, number)
        size += whole * _size(item)
        count -= whole * each
        if count and whole < number:
            more, count = bytes_of(_inside(item), count)
            return size + more, count
    return size, count


def _inside(item: Basic | Signature) -> Signature:
    """Return what an *item* consists of: a pair of its parts, a number of nothing."""
    return tuple([(1, part) for part in item.parts]) if isinstance(item, Basic) else item


def to_words(signature: Signature) -> list[Any]:
    """Return the *signature* as nested lists of numbers and names; `from_words` is the way back."""
    return [[count, _item_words(item)] for count, item in signature]


def _item_words(item: Basic | Signature) -> Any:
    return item.name if isinstance(item, Basic) else to_words(item)


def from_words(words: list[Any]) -> Signature:
    """Return the signature of which `to_words` made *words*."""
    return tuple((count, _item_of(item)) for count, item in words)


def _item_of(item: Any) -> Basic | Signature:
    return BASICS[item] if isinstance(item, str) else from_words(item)
