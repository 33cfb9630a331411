"""The table that people read and the record that programs read."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from benchmarks.measure import Measurement

NOTHING = ""


def table(found: Sequence[Measurement]) -> Table:
    """Return one table of all that was measured."""
    columns = ("Messages", "Yardstick", "Ratio", "Round", "GB/s", "CPU s", "Wall s", "Peak MB")
    made = Table(title="vmpp, per second of CPU time", title_justify="left")
    made.add_column("Case", no_wrap=True)
    for name in ("Ranks", *columns, "Target"):
        made.add_column(name, justify="right")
    made.add_column("Met")
    for one in found:
        made.add_row(*_row(one))
    return made


def _row(one: Measurement) -> list[str]:
    case = one.case
    met = {None: NOTHING, True: "[green]yes[/]", False: "[red]no[/]"}[one.met]
    return [
        case.group,
        f"{case.ranks:,}",
        _number(one.rate, ",.0f"),
        _number(one.yardstick, ",.0f"),
        _number(one.ratio, ".2f"),
        _time(one.seconds_a_round),
        _number(one.gigabytes, ".1f"),
        _number(one.cpu_s, ".2f" if (one.cpu_s or 1) >= 0.1 else ".2g"),
        _number(one.elapsed_s, ".2f"),
        f"{one.peak_bytes / 1e6:,.0f}",
        _target(one),
        met,
    ]


def _number(value: float | None, form: str) -> str:
    return NOTHING if value is None else format(value, form)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return NOTHING
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} us"


def _target(one: Measurement) -> str:
    case = one.case
    if case.target is None:
        return NOTHING
    if case.kind in {"start", "prompt", "picture", "sharing"}:
        memory = f", {case.memory_target / 1e6:,.0f} MB" if case.memory_target else ""
        return f"{case.target:g} s{memory}"
    return f"{case.target:g}" + (" GB/s" if case.kind == "bandwidth" else "")


def record(found: Sequence[Measurement], environment: dict[str, object]) -> dict[str, object]:
    """Return all that was measured, and where, as JSON takes it."""
    return {
        "environment": environment,
        "cases": [
            {
                "case": one.case.group,
                "ranks": one.case.ranks,
                "program": one.case.program,
                "machine": one.case.machine,
                "messages_per_cpu_s": one.rate,
                "yardstick_per_cpu_s": one.yardstick,
                "ratio": one.ratio,
                "cpu_s_per_round": one.seconds_a_round,
                "gigabytes_per_cpu_s": one.gigabytes,
                "cpu_s": one.cpu_s,
                "elapsed_s": one.elapsed_s,
                "peak_bytes": one.peak_bytes,
                "target": one.case.target,
                "memory_target_bytes": one.case.memory_target,
                "met": one.met,
            }
            for one in found
        ],
    }
