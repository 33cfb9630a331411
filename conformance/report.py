"""The matrix of a conformance run: as a table to read, as one for machines, and in a few lines."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from conformance.outcomes import Outcome
from conformance.suite import VERSION, SuiteTest

Matrix = Mapping[int, Mapping[str, Outcome]]
"""What became of each test, by the number of ranks and the test's name."""

INTRODUCTION = """\
# Conformance

`make conformance` fetches the source distribution of mpi4py {version}, runs its own test suite
under `vmpp run -n N`, and writes this page and [conformance.csv](conformance.csv). A test counts
once for each number of ranks. It passes if it passes at every rank; one that the suite skips is
not passed. *To reach* is what MPICH or Open MPI pass (up to 5 ranks; beyond, what they pass at 5),
without the {exempt} tests that look at a C library's objects in memory, or for its headers and
shared library. Tests that were not run on a number of ranks count neither way there.
"""

UNREACHED = """\
## Tests to reach that do not pass

With what became of them at each number of ranks, and why.
"""

OTHERS = """\
## Other tests that do not pass

Neither MPICH nor Open MPI passes them at that number of ranks, or they are about a C library.
"""


def as_csv(tests: Iterable[SuiteTest], matrix: Matrix) -> str:
    """Return the matrix with a line for each test: its area, and what became of it at each size."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["test", "area", *(f"n{ranks}" for ranks in matrix)])
    for test in tests:
        writer.writerow([test.name, test.area, *(_kinds(test, matrix))])
    return out.getvalue()


def _kinds(test: SuiteTest, matrix: Matrix) -> Iterator[str]:
    return (found[test.name].kind if test.name in found else "" for found in matrix.values())


def as_page(tests: Sequence[SuiteTest], matrix: Matrix) -> str:
    """Return the matrix as a page in Markdown, with a reason for each test that did not pass."""
    exempt = sum(test.exempt for test in tests)
    parts = [
        INTRODUCTION.format(version=VERSION, exempt=exempt),
        _areas(tests, matrix),
        UNREACHED,
        _reasons(tests, matrix, to_reach=True),
        OTHERS,
        _reasons(tests, matrix, to_reach=False),
    ]
    return "\n".join(parts)


def summary(tests: Sequence[SuiteTest], matrix: Matrix) -> str:
    """Return the totals of each area in a few lines, for a terminal."""
    lines = []
    for ranks, found in matrix.items():
        lines.append(f"n = {ranks}: passed / to reach, and missing")
        for area, chosen in {**_by_area(tests), "all": list(tests)}.items():
            passed, wanted, missing = _count(chosen, found, ranks)
            lines.append(f"  {area:44} {passed:5} / {wanted:5} {missing or '':>5}")
    return "\n".join(lines)


def _by_area(tests: Iterable[SuiteTest]) -> dict[str, list[SuiteTest]]:
    areas: dict[str, list[SuiteTest]] = defaultdict(list)
    for test in tests:
        areas[test.area].append(test)
    return dict(sorted(areas.items()))


def _count(
    tests: Iterable[SuiteTest], found: Mapping[str, Outcome], ranks: int
) -> tuple[int, int, int]:
    """Return how many of the *tests* that have to pass did, how many have to, how many did not."""
    wanted = [test for test in tests if test.name in found and test.to_reach(ranks)]
    passed = sum(found[test.name].kind == "pass" for test in wanted)
    return passed, len(wanted), len(wanted) - passed


def _areas(tests: Sequence[SuiteTest], matrix: Matrix) -> str:
    lines = [
        "Passed / to reach, and in brackets how many of these do not pass.\n",
        "| Area | Tests | " + " | ".join(f"n = {ranks}" for ranks in matrix) + " |",
        "| --- | ---: |" + " ---: |" * len(matrix),
    ]
    for area, chosen in {**_by_area(tests), "**all**": list(tests)}.items():
        cells = []
        for ranks, found in matrix.items():
            passed, wanted, missing = _count(chosen, found, ranks)
            cells.append(f"{passed:,} / {wanted:,}" + (f" (**{missing:,}**)" if missing else ""))
        lines.append(f"| {area} | {len(chosen):,} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _reasons(tests: Iterable[SuiteTest], matrix: Matrix, *, to_reach: bool) -> str:
    """Return a table of the tests that did not pass, those of a class with one fate in one row."""
    rows: dict[tuple[str, tuple[str, ...], str], list[str]] = defaultdict(list)
    for test in tests:
        missed = {
            ranks: found[test.name]
            for ranks, found in matrix.items()
            if found.get(test.name, Outcome("pass")).kind != "pass"
            and test.to_reach(ranks) == to_reach
        }
        if missed:
            owner, _, method = test.name.rpartition(".")
            fate = tuple(missed[ranks].kind if ranks in missed else "" for ranks in matrix)
            reasons = dict.fromkeys(_brief(outcome.reason) for outcome in missed.values())
            rows[owner, fate, "; ".join(reasons)].append(method)
    if not rows:
        return "None.\n"
    lines = [
        "| Tests | " + " | ".join(f"n = {ranks}" for ranks in matrix) + " | Reason |",
        "| --- |" + " --- |" * len(matrix) + " --- |",
    ]
    for (owner, fate, reason), methods in rows.items():
        names = f"`{owner}`: " + ", ".join(method.removeprefix("test") for method in methods)
        lines.append(f"| {names} | " + " | ".join(fate) + f" | {reason} |")
    return "\n".join(lines) + "\n"


def _brief(reason: str) -> str:
    """Return *reason* as a cell of a table takes it, without folders and addresses of the host."""
    text = _ADDRESSES.sub("", _FOLDERS.sub("", " ".join(reason.split())))
    text = text.replace("|", "\\|").replace("<", "&lt;")
    return text if len(text) <= LONGEST else text[:LONGEST] + " ..."


_FOLDERS = re.compile(r"(?<![\w.])/(?:[\w.+-]+/)+")
_ADDRESSES = re.compile(r" at 0x[0-9a-f]+")

LONGEST = 200
"""Characters of a reason that are shown."""
