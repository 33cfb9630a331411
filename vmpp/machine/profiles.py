"""The report on where the time of a job's processes went."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import Final

from vmpp.engine import to_seconds
from vmpp.pct import Profile
from vmpp.process.library import Report

_WIDTH: Final = 110
_MOST_RANKS: Final = 64
"""Ranks that the table lists; of all others it has the sums."""
_PARTS: Final = ("computing", "kernel", "blocked", "descheduled")


def report(job: int, profiles: Sequence[Profile]) -> Report | None:
    """Return what there is to say of the processes of *job*; None if nobody has observed them."""
    return Report(_render(job, by_rank(profiles))) if profiles else None


def by_rank(profiles: Sequence[Profile]) -> tuple[Profile, ...]:
    """Return *profiles* in the order of ranks."""
    return tuple(sorted(profiles, key=lambda profile: profile.rank))


def _render(job: int, profiles: Sequence[Profile]) -> str:
    # Most jobs are not observed, and need not wait for this.
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(
        title=f"vmpp: where the time of job {job} went, in seconds",
        title_justify="left",
        title_style="",
    )
    for heading in ("Rank", "Node", "Elapsed", "Computing", "Kernel", "Blocked", "Descheduled"):
        table.add_column(heading, justify="right")
    for profile in profiles[:_MOST_RANKS]:
        table.add_row(str(profile.rank), str(profile.node), *_seconds(_times([profile])))
    more = len(profiles) - _MOST_RANKS
    if more > 0:
        table.add_row(f"{more} more", "", *_seconds(_times(profiles[_MOST_RANKS:])))
    table.add_section()
    sums = _times(profiles)
    table.add_row("all", "", *_seconds(sums))
    table.add_row("", "", *(f"{100 * each / sums[0]:.1f} %" if sums[0] else "" for each in sums))
    out = StringIO()
    Console(file=out, width=_WIDTH, no_color=True).print(table)
    return out.getvalue().rstrip()


def _times(profiles: Sequence[Profile]) -> list[int]:
    """Return the sums of all times, and of their parts, in picoseconds."""
    elapsed = sum(profile.elapsed for profile in profiles)
    return [elapsed, *(sum(getattr(each, part) for each in profiles) for part in _PARTS)]


def _seconds(times: Sequence[int]) -> list[str]:
    return [f"{to_seconds(each):.9f}" for each in times]
