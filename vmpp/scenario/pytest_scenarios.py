"""Scenarios as items of pytest."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from _pytest._code.code import ExceptionInfo, TerminalRepr
from _pytest._io import TerminalWriter

from vmpp.errors import VmppError
from vmpp.scenario.accepting import accept
from vmpp.scenario.finding import scenarios_in
from vmpp.scenario.replaying import Outcome
from vmpp.scenario.suite import outcome
from vmpp.scenario.transcript import Scenario
from vmpp.scenario.updating import difference


class ScenarioFailed(Exception):
    """A scenario gave something else than it says."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome.scenario.path))
        self.outcome = outcome


class ScenarioFile(pytest.File):
    """A file with scenarios."""

    def collect(self) -> Iterable[pytest.Item]:
        """Yield the scenarios."""
        try:
            found = scenarios_in(self.path)
        except VmppError as error:
            raise self.CollectError(str(error)) from None
        for number, scenario in enumerate(found):
            name = self.path.stem if len(found) == 1 else f"{self.path.stem}-{number + 1}"
            yield ScenarioItem.from_parent(self, name=name, scenario=scenario)


class ScenarioItem(pytest.Item):
    """A scenario to replay.

    Attributes:
        obj: nothing; other plugins, such as pytest-trio's mode for all tests, look for a function.
    """

    obj: object = None

    def __init__(self, *, scenario: Scenario, **options: Any) -> None:
        super().__init__(**options)
        self.scenario = scenario

    def runtest(self) -> None:
        """Replay the scenario."""
        told = outcome(self.scenario)
        accepted = self.config.getoption("--vmpp-update") and accept([told])
        if not told.passed and not accepted:
            raise ScenarioFailed(told)

    def repr_failure(
        self, excinfo: ExceptionInfo[BaseException], style: Any = None
    ) -> str | TerminalRepr:
        """Return the difference, without a traceback."""
        if isinstance(excinfo.value, ScenarioFailed):
            return _Difference(excinfo.value.outcome)
        if isinstance(excinfo.value, VmppError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Return where the scenario is."""
        return Path(self.path), self.scenario.commands[0].line - 1, self.name


class _Difference(TerminalRepr):
    """What differs, in colours if the terminal has any."""

    def __init__(self, outcome: Outcome) -> None:
        self.lines = list(difference(outcome))
        self.error = outcome.error

    def toterminal(self, tw: TerminalWriter) -> None:
        """Write it."""
        for line in self.lines:
            tw.line(line, **_markup(line))
        if self.error is not None:
            tw.line(self.error, red=True)


def _markup(line: str) -> dict[str, bool]:
    if line.startswith(("---", "+++")):
        return {"bold": True}
    return {{"-": "red", "+": "green", "@": "cyan"}.get(line[:1], "white"): True} if line else {}
