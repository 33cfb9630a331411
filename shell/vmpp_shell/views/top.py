"""Who does how much now, as ``top`` shows it: of two looks at the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

from vmpp.engine import SECOND
from vmpp.service.status import Activity, JobState, JobStatus, NodeStatus
from vmpp_shell.views import activity, canvas, jobs
from vmpp_shell.views.canvas import Cell
from vmpp_shell.views.durations import elapsed
from vmpp_shell.views.links import amount
from vmpp_shell.views.listing import Column, Listing

AROUND: Final = 6
"""Lines besides the jobs."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of the machine at one moment.

    Attributes:
        host: the host's time, in seconds.
        now: virtual time, in picoseconds.
        nodes, jobs: what there was.
        counters: of the machine.
    """

    host: float
    now: int
    nodes: Sequence[NodeStatus]
    jobs: Sequence[JobStatus]
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Row:
    """A job, and what it did since the last look."""

    job: JobStatus
    doing: Mapping[Activity, int]
    messages: float
    bytes: float
    calls: float


class Top:
    """Of the machine: time, its rate, messages, and what nodes do; then the jobs, busiest first."""

    def __init__(self, before: Look | None, after: Look, *, heading: str = "") -> None:
        """Compare two looks; without one before there are no rates yet."""
        self._before = after if before is None else before
        self._after = after
        self._heading = heading

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        table = Measurement.get(console, options, self._table(self._rows()))
        return Measurement(40, max(79, table.maximum))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        styles: dict[str, Style] = {}
        width = min(options.max_width, 200)
        compute = [node for node in self._after.nodes if node.partition == jobs.PARTITION]
        for cells in [
            self._time(),
            self._traffic(),
            [("nodes: ", "none"), *activity.legend(compute, ascii_only=options.ascii_only)],
            activity.bar(compute, max(10, width - 1), ascii_only=options.ascii_only),
            [],
        ]:
            yield from canvas.line(cells, console, styles)
        rows = self._rows()
        most = max(1, options.height - AROUND - 1) if options.height else len(rows)
        yield self._table(rows[:most])
        if len(rows) > most:
            yield Segment(f"and {len(rows) - most} more")
            yield Segment.line()

    # -- the machine ---------------------------------------------------------------------------

    def _time(self) -> list[Cell]:
        passed = self._after.now - self._before.now
        host = self._host()
        name = f"{self._heading}   " if self._heading else ""
        rate = f", {passed / SECOND / host:.3g} s in a second of the host's" if host else ""
        return [(f"{name}{elapsed(self._after.now)}", "bold"), (f" of virtual time{rate}", "none")]

    def _traffic(self) -> list[Cell]:
        after, before = self._after.counters, self._before.counters
        text = f"{after.get('messages', 0)} messages, {amount(after.get('bytes', 0))}"
        if after.get("lost"):
            text += f", {after['lost']} lost"
        host = self._host()
        if host:
            sent = after.get("messages", 0) - before.get("messages", 0)
            text += f"; {amount(sent / host, '')} messages in a second of the host's"
        return [(text, "none")]

    def _host(self) -> float:
        """Return how much time of the host's is between the looks, in seconds."""
        return self._after.host - self._before.host

    # -- jobs ----------------------------------------------------------------------------------

    def _rows(self) -> list[_Row]:
        earlier = {job.id: job for job in self._before.jobs}
        doing = activity.by_job(self._after.nodes)
        passed = (self._after.now - self._before.now) / SECOND
        rows = []
        for job in self._after.jobs:
            if job.state.ended:
                continue
            was = earlier.get(job.id, job)
            rate = [
                (new - old) / passed if passed else 0.0
                for new, old in (
                    (job.messages, was.messages),
                    (job.bytes, was.bytes),
                    (job.system_calls, was.system_calls),
                )
            ]
            rows.append(_Row(job, doing.get(job.id, {}), *rate))
        return sorted(rows, key=lambda row: (-_busy(row), -row.messages, row.job.id))

    def _table(self, rows: Sequence[_Row]) -> Listing[_Row]:
        now = self._after.now
        columns: list[Column[_Row]] = [
            Column("JOBID", lambda row: str(row.job.id), right=True),
            Column("USER", lambda row: row.job.user),
            Column("ST", lambda row: row.job.state.value, style=jobs.state_style),
            Column("NODES", lambda row: jobs.node_count(row.job), right=True),
            Column("TIME", lambda row: jobs.time(row.job, now), right=True),
            Column("COMPUTE", lambda row: _share(row, Activity.COMPUTE), right=True),
            Column("KERNEL", lambda row: _share(row, Activity.KERNEL), right=True),
            Column("WAITING", lambda row: _share(row, Activity.WAITING), right=True),
            Column("MSG/S", lambda row: amount(row.messages, ""), right=True),
            Column("BYTE/S", lambda row: amount(row.bytes), right=True),
            Column("CALL/S", lambda row: amount(row.calls, ""), right=True),
            Column("COMMAND", lambda row: row.job.command or row.job.name),
        ]
        return Listing(columns, rows, fold=False)


def _busy(row: _Row) -> int:
    """Return by what jobs are sorted: those that wait for nodes come last."""
    if row.job.state is JobState.PENDING:
        return -1
    return row.doing.get(Activity.COMPUTE, 0) + row.doing.get(Activity.KERNEL, 0)


def _share(row: _Row, what: Activity) -> str:
    whole = sum(row.doing.values())
    return f"{100 * row.doing.get(what, 0) // whole}%" if whole else "-"
