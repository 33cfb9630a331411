"""Where a program spends its time in MPI: a table of calls, as mpiP and other profilers make."""

from __future__ import annotations

from io import StringIO
from typing import Final

from rich.console import Console
from rich.table import Table

from vmpp_mpi._tools._calls import Call, Place

_WIDTH: Final = 110
_ROWS: Final = 20
_PS: Final = 1e12


class _Row:
    """What all ranks together have spent at one line in one call."""

    __slots__ = ("calls", "largest", "messages", "nbytes", "ranks", "total")

    def __init__(self) -> None:
        self.calls = 0
        self.total = 0
        self.largest = 0
        self.messages = 0
        self.nbytes = 0
        self.ranks: set[int] = set()


class Profile:
    """Counts and times of the calls of a job.

    Times are virtual: from the call to its return on the rank's clock. Messages and bytes are those
    that the rank's node sends meanwhile, acknowledgements included.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, Place], _Row] = {}
        self._ranks: dict[int, int] = {}

    def add(self, call: Call, duration: int, messages: int, nbytes: int) -> None:
        """Count a *call* that took *duration* picoseconds."""
        row = self._rows.setdefault((call.label, call.place), _Row())
        row.calls += 1
        row.total += duration
        row.largest = max(row.largest, duration)
        row.messages += messages
        row.nbytes += nbytes
        row.ranks.add(call.rank)

    def finish(self, rank: int, lived: int) -> None:
        """Note that *rank* has run for *lived* picoseconds."""
        self._ranks[rank] = lived

    def render(self) -> str:
        """Return the table of the calls that took the longest."""
        lived = sum(self._ranks.values())
        spent = sum(row.total for row in self._rows.values())
        share = f"{100 * spent / lived:.1f} %" if lived else "nothing"
        title = f"vmpp: profile: MPI takes {share} of {len(self._ranks)} ranks' virtual time"
        table = Table(title=title, title_justify="left", title_style="")
        for heading in ("Call", "Line"):
            table.add_column(heading)
        for heading in ("Ranks", "Calls", "Total s", "Mean us", "Longest us", "Messages", "Bytes"):
            table.add_column(heading, justify="right")
        ordered = sorted(self._rows.items(), key=lambda item: (-item[1].total, item[0]))
        for (name, place), row in ordered[:_ROWS]:
            table.add_row(
                name,
                f"{place.file.rpartition('/')[2]}:{place.line}",
                str(len(row.ranks)),
                f"{row.calls:,}",
                f"{row.total / _PS:.6f}",
                f"{row.total / row.calls / 1e6:.3f}",
                f"{row.largest / 1e6:.3f}",
                f"{row.messages:,}",
                f"{row.nbytes:,}",
            )
        out = StringIO()
        Console(file=out, width=_WIDTH, no_color=True).print(table)
        more = len(ordered) - _ROWS
        return out.getvalue().rstrip() + (f"\n(and {more} more lines)" if more > 0 else "")
