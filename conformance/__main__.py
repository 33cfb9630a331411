"""Run mpi4py's own test suite on virtual machines, and write down what becomes of each test.

python -m conformance [-n N]... [--jobs N] [--limit SECONDS] [--resume] [--write FOLDER]
                      [MODULE]...
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conformance.outcomes import Outcome
from conformance.report import as_csv, as_page, summary
from conformance.runs import Run
from conformance.suite import FetchError, SuiteTest, expected, fetch

BUILD = Path(__file__).resolve().parents[1] / "build" / "conformance"
SIZES = (1, 2, 3, 5, 8)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="only these: test_win, ...")
    parser.add_argument(
        "-n",
        type=int,
        action="append",
        metavar="N",
        help=f"ranks; may be repeated; {', '.join(map(str, SIZES))} if left out",
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="runs at a time")
    parser.add_argument(
        "--limit", type=float, default=600, metavar="SECONDS", help="the most that one run takes"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with what was interrupted; repeat no run"
    )
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FOLDER",
        help="write conformance.md and .csv there, instead of printing what does not pass",
    )
    return parser.parse_args()


def _run(
    run: Run, tests: Mapping[str, Sequence[str]], sizes: Sequence[int], jobs: int
) -> dict[int, dict[str, Outcome]]:
    """Return what becomes of *tests*, given by module, on each number of ranks."""
    matrix: dict[int, dict[str, Outcome]] = {ranks: {} for ranks in sizes}
    with ThreadPoolExecutor(jobs) as pool:
        started = {
            (ranks, module): pool.submit(run.module, module, names, ranks)
            for ranks in sizes
            for module, names in tests.items()
        }
        for (ranks, module), future in started.items():
            found = future.result()
            matrix[ranks] |= found
            passed = sum(outcome.kind == "pass" for outcome in found.values())
            print(f"n = {ranks}: {module}: {passed} of {len(found)} passed", file=sys.stderr)
    return matrix


def _chosen(modules: Sequence[str]) -> list[SuiteTest]:
    tests = list(expected().values())
    known = {test.module for test in tests}
    if unknown := set(modules) - known:
        raise SystemExit(f"conformance: error: the suite has no {min(unknown)}")
    return [test for test in tests if not modules or test.module in modules]


def main() -> int:
    """Run what is asked for; return the exit status: 1 if a test to reach did not pass."""
    arguments = _arguments()
    tests = _chosen(arguments.modules)
    try:
        suite = fetch(BUILD)
    except FetchError as error:
        print(f"conformance: error: {error}", file=sys.stderr)
        return 2
    by_module: dict[str, list[str]] = {}
    for test in tests:
        by_module.setdefault(test.module, []).append(test.name)
    run = Run(suite, BUILD / "runs", arguments.limit, arguments.resume)
    matrix = _run(run, by_module, arguments.n or SIZES, arguments.jobs)
    if arguments.write is None:
        _print_missed(tests, matrix)
    else:
        (arguments.write / "conformance.csv").write_text(as_csv(tests, matrix), "utf-8")
        (arguments.write / "conformance.md").write_text(as_page(tests, matrix), "utf-8")
    print(summary(tests, matrix))
    return int(
        any(
            test.to_reach(ranks) and found[test.name].kind != "pass"
            for ranks, found in matrix.items()
            for test in tests
        )
    )


def _print_missed(tests: Sequence[SuiteTest], matrix: Mapping[int, Mapping[str, Outcome]]) -> None:
    for ranks, found in matrix.items():
        for test in tests:
            outcome = found[test.name]
            if test.to_reach(ranks) and outcome.kind != "pass":
                print(f"n = {ranks}: {outcome.kind}: {test.name}: {outcome.reason}")


if __name__ == "__main__":
    sys.exit(main())
