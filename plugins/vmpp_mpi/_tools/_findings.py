"""What the checker has found, put together for the end of the job."""

from __future__ import annotations

from typing import NamedTuple

from vmpp.machine.report import ranges
from vmpp_mpi._tools._calls import Call, Place


class Site(NamedTuple):
    """A call in a finding: what it was, and where."""

    text: str
    place: Place


class Findings:
    """Findings of one job; those that differ only in the rank are one."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, tuple[Site, ...]], list[int]] = {}

    def add(self, headline: str, rank: int, *sites: Site) -> None:
        """Note a finding about *rank*."""
        ranks = self._found.setdefault((headline, sites), [])
        if rank not in ranks:
            ranks.append(rank)

    def __len__(self) -> int:
        return len(self._found)

    def render(self) -> str:
        """Return all findings in words, in the order in which they were made."""
        blocks = []
        for (headline, sites), ranks in self._found.items():
            lines = [f"vmpp: check: {ranges(sorted(ranks))}: {headline}"]
            for site in sites:
                lines.append(f"  {site.text}")
                lines += [f"  {line}" for line in str(site.place).splitlines()]
            blocks.append("\n".join(lines))
        total = len(self._found)
        blocks.append(f"vmpp: check: {total} finding{'s' if total != 1 else ''}")
        return "\n".join(blocks)


def site(call: Call, what: str = "") -> Site:
    """Return *call* as part of a finding, with *what* else there is to say of it."""
    return Site(f"{call.label}{': ' if what else ''}{what}", call.place)
