"""Sets of nodes as people write them: ``0..15,20``, ``all``, or the name of a partition.

``0..1023/32`` is every 32nd of these, beginning with the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from vmpp.hardware import Partition

_RANGE: Final = re.compile(r"\s*(\d+)\s*(?:\.\.\s*(\d+)\s*(?:/\s*(\d+)\s*)?)?")
ALL: Final = "all"
MOST: Final = 1 << 20
"""More nodes than there can be; only a bound that catches slips."""
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
            step = int(found[3] or 1)
            if not step:
                raise ValueError(f'"{text.strip()}": every 0th is none')
            if step > 1 and last >= MOST:
                raise ValueError(f'"{text.strip()}": there is no node {last}')
            if step == 1:
                ranges.append((first, last))
            else:
                ranges.extend((number, number) for number in range(first, last + 1, step))
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
        return self._numbers

    @property
    def _numbers(self) -> frozenset[int]:
        return frozenset(n for first, last in self.ranges for n in range(first, last + 1))

    def __str__(self) -> str:
        return self.word or ",".join(
            f"{first}" if first == last else f"{first}..{last}" for first, last in self.ranges
        )


def compute_nodes(text: str) -> frozenset[int] | None:
    """Return the numbers of the compute nodes of a set such as ``0..3,8``; None for all of them.

    Raises:
        ValueError: it is no such set; the message follows on the name of what has the value.
    """
    wanted = NodeSet.parse(text)
    if wanted.word in (ALL, Partition.COMPUTE.value):
        return None
    if wanted.word:
        raise ValueError(f'"{wanted.word}" are no compute nodes')
    last = max(last for _, last in wanted.ranges)
    if last >= MOST:
        raise ValueError(f'"{text.strip()}": there is no node {last}')
    return wanted._numbers
