"""Measure, print a table, and write it down as JSON.

python -m benchmarks [--quick] [--only NAME ...] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.cases import CASES, Case
from benchmarks.environment import describe
from benchmarks.measure import CaseFailedError, Measurement, measure
from benchmarks.report import record, table

RESULTS = Path(__file__).resolve().parent / "results"
QUICK_SHARE = 0.3
"""Part of the rounds that a quick look runs."""

TABLE_WIDTH = 120


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="once, with fewer rounds, up to 4,096 ranks"
    )
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        help="only cases whose name begins so: ring, 'ring 64', wormhole; may be repeated",
    )
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="the best of N counts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the record goes")
    return parser.parse_args()


def _chosen(only: Sequence[str] | None, quick: bool) -> list[Case]:
    """Return the cases that are asked for, and those which they are measured against."""
    cases = [
        case
        for case in CASES
        if (only is None or any(case.name.startswith(name) for name in only))
        and not (quick and case.ranks > 4096)
    ]
    wanted = {case.name for case in cases} | {case.against for case in cases}
    return [case for case in CASES if case.name in wanted]


def main() -> int:
    """Run the cases; return the exit status: 1 if one of them failed."""
    arguments = _arguments()
    cases = _chosen(arguments.only, arguments.quick)
    if not cases:
        known = ", ".join(dict.fromkeys(case.group for case in CASES))
        print(f"benchmarks: error: no case is called so (there is: {known})", file=sys.stderr)
        return 2
    share, repetitions = (QUICK_SHARE, 1) if arguments.quick else (1.0, arguments.repeat)
    environment = describe()
    progress = Console(stderr=True)
    # In a pipe and in a narrow window the table is better wide than folded.
    console = Console(width=max(TABLE_WIDTH, progress.width))
    found: dict[str, Measurement] = {}
    failed = False
    for case in cases:
        try:
            with progress.status(case.name):
                found[case.name] = measure(case, repetitions, share, found)
        except CaseFailedError as error:
            failed = True
            print(f"benchmarks: error: {error}", file=sys.stderr)
    console.print(table(list(found.values())))
    begun = datetime.now(UTC)
    path = arguments.json or RESULTS / f"{begun:%Y%m%d-%H%M%S}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    environment["date"] = begun.isoformat(timespec="seconds")
    path.write_text(json.dumps(record(list(found.values()), environment), indent=2) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
