"""How busy links are, as shades."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from vmpp.engine import SECOND
from vmpp_shell.views.canvas import Cell

SHADES: Final = " ░▒▓█"
PLAIN_SHADES: Final = " .:=#"
_STYLES: Final = ("", "cyan", "cyan", "yellow", "bold red")
_PREFIXES: Final = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


@dataclass(frozen=True, slots=True)
class LinkUse:
    """What went over links between neighbours while time passed.

    Attributes:
        bytes: in both directions together, by the numbers of both ends, the lower one first.
        interval: how much virtual time passed, in picoseconds.
        where: says in words where the link between two ends is.
    """

    bytes: Mapping[tuple[int, int], int] = field(default_factory=dict)
    interval: int = 0
    where: Callable[[int, int], str] = "between {} and {}".format

    @property
    def most(self) -> int:
        """Bytes of the busiest link."""
        return max(self.bytes.values(), default=0)

    def between(self, one: int, other: int) -> int:
        """Return the bytes between two nodes."""
        return self.bytes.get((min(one, other), max(one, other)), 0)

    def shade(self, one: int, other: int, *, ascii_only: bool) -> Cell:
        """Return the shade of the link between two nodes: a quarter of the busiest a step."""
        return _shade(self.between(one, other), self.most, ascii_only=ascii_only)

    def around(self, *, ascii_only: bool) -> dict[int, Cell]:
        """Return, by node, the shade of the busiest link of each."""
        found: dict[int, int] = {}
        for pair, carried in self.bytes.items():
            for node in pair:
                found[node] = max(found.get(node, 0), carried)
        most = self.most
        return {
            node: _shade(carried, most, ascii_only=ascii_only) for node, carried in found.items()
        }

    def words(self, *, ascii_only: bool) -> list[Cell]:
        """Say what the shades mean."""
        if not self.interval:
            return [("links: watched from now on", "none")]
        if not self.most:
            return [("links: nothing sent", "none")]
        shades = PLAIN_SHADES if ascii_only else SHADES
        (one, other), carried = max(self.bytes.items(), key=lambda item: (item[1], item[0]))
        cells: list[Cell] = [("links: ", "none")]
        cells += [(shade, style) for shade, style in zip(shades[1:], _STYLES[1:], strict=True)]
        busiest = f" up to {amount(carried)}, {self.where(one, other)}"
        rate = amount(carried * SECOND // self.interval)
        return [*cells, (f"{busiest} ({rate}/s)", "none")]


def _shade(carried: int, most: int, *, ascii_only: bool) -> Cell:
    step = -(-4 * carried // most) if most else 0
    return (PLAIN_SHADES if ascii_only else SHADES)[step], _STYLES[step]


def amount(number: float, unit: str = "B") -> str:
    """Return *number* bytes, or others, in one word with three digits: ``1.23MB``."""
    for size, prefix in _PREFIXES:
        if number >= size:
            scaled = number / size
            decimals = 2 if scaled < 10 else 1 if scaled < 100 else 0
            return f"{scaled:.{decimals}f}{prefix[:-1]}{unit}"
    return f"{number:.0f}{unit}"
