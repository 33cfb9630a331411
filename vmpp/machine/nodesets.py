"""Sets of nodes as people write them: ``0..15,20``, ``all``, or the name of a partition."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from vmpp.hardware import Partition

_RANGE: Final = re.compile(r"\s*(\d+)\s*(?:\.\.\s*(\d+)\s*)?")
ALL: Final = "all"
WORDS: Final = (ALL, *(partition.value for partition in Partition))


@dataclass(frozen=True, slots=True)
class NodeSet:
    """A set of nodes: a word, or ranges of numbers.

    Attributes:
        word: ``all``, or a partition's name; empty if the numbers are given.
        ranges: first and last numbers otherwise.
    """

    word: str = ""
    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, text: str) -> NodeSet:
        """Read a set such as ``0..3,8``.

        Raises:
            ValueError: it is none; the message follows on the name of what has the value.
        """
        word = text.strip().lower()
        if word in WORDS:
            return cls(word)
        ranges = []
        for part in text.split(","):
            found = _RANGE.fullmatch(part)
            if found is None:
                raise ValueError(
                    f'"{text.strip()}" is no set of nodes; write numbers and ranges such as '
                    f'"0..3,8", or {", ".join(WORDS[:-1])} or {WORDS[-1]}'
                )
            first, last = int(found[1]), int(found[2] or found[1])
            if last < first:
                raise ValueError(f'"{text.strip()}": {first}..{last} is empty')
            ranges.append((first, last))
        return cls("", tuple(ranges))

    def numbers(self, partitions: Iterable[Partition]) -> frozenset[int]:
        """Return the numbers of the nodes.

        Args:
            partitions: those that the machine's nodes belong to, by number.

        Raises:
            ValueError: the machine lacks some.
        """
        known = list(partitions)
        if self.word == ALL:
            return frozenset(range(len(known)))
        if self.word:
            return frozenset(n for n, each in enumerate(known) if each.value == self.word)
        for _, last in self.ranges:
            if last >= len(known):
                raise ValueError(f"there is no node {last}: they are 0 to {len(known) - 1}")
        return frozenset(n for first, last in self.ranges for n in range(first, last + 1))

    def __str__(self) -> str:
        return self.word or ",".join(
            f"{first}" if first == last else f"{first}..{last}" for first, last in self.ranges
        )
