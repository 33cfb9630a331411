"""The report that continuous-integration servers read: JUnit's XML."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from vmpp.errors import VmppError
from vmpp.scenario.replaying import Outcome
from vmpp.scenario.updating import difference


class ReportError(VmppError):
    """The report cannot be written."""


def write(outcomes: Iterable[Outcome], path: Path) -> None:
    """Write a test suite to *path*: a case for each scenario, its diff if it has failed.

    Raises:
        ReportError: the file cannot be written.
    """
    suite = TestSuite("vmpp")
    for outcome in outcomes:
        suite.add_testcase(_case(outcome))
    report = JUnitXml("vmpp")
    report.add_testsuite(suite)
    try:
        report.write(str(path), pretty=True)
    except OSError as error:
        raise ReportError(f"{path}: {error.strerror}") from error


def _case(outcome: Outcome) -> TestCase:
    scenario = outcome.scenario
    case = TestCase(scenario.path.stem, str(scenario.path.parent), round(outcome.seconds, 3))
    case.result = list(_results(outcome))
    return case


def _results(outcome: Outcome) -> Iterable[Failure | Error]:
    if outcome.failed:
        commands = ", ".join(f"line {each.command.line}" for each in outcome.failed)
        failure = Failure(f"other output than expected: {commands}")
        failure.text = _printable("\n".join(difference(outcome)))
        yield failure
    if outcome.error is not None:
        error = Error(outcome.error.splitlines()[-1])
        error.text = _printable(outcome.error)
        yield error


def _printable(text: str) -> str:
    """Return *text* without what XML cannot hold."""
    return "".join(each if each in "\t\n" or each.isprintable() else "\ufffd" for each in text)
