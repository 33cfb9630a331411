"""The pages' scenarios, blocks ``vmpp``, are true."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmpp.scenario.finding import scenarios_in
from vmpp.scenario.suite import outcome
from vmpp.scenario.transcript import Scenario
from vmpp.scenario.updating import difference

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
SCENARIOS = [scenario for page in PAGES for scenario in scenarios_in(page)]


@pytest.mark.parametrize(
    "scenario", SCENARIOS, ids=lambda scenario: Path(scenario.name).relative_to(ROOT).as_posix()
)
def test_every_session_goes_as_the_page_says(scenario: Scenario) -> None:
    told = outcome(scenario)
    assert told.error is None
    assert list(difference(told)) == []
