"""Finding scenarios: in files, and in folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from vmpp.errors import VmppError
from vmpp.scenario.errors import ScenarioError
from vmpp.scenario.markdown import parse_page
from vmpp.scenario.transcript import Scenario, parse, text_of

SUFFIX: Final = ".vmpp"
PAGE: Final = ".md"


class NoScenarioError(VmppError):
    """There is no scenario where one was asked for."""


def scenarios_in(path: Path) -> tuple[Scenario, ...]:
    """Return the scenarios of one file: of a page of Markdown those that it has, perhaps none.

    Raises:
        ScenarioError: the file cannot be read, or is no scenario.
    """
    text = text_of(path)
    return parse_page(text, path) if path.suffix == PAGE else (parse(text, path),)


def found(paths: Iterable[Path]) -> tuple[list[Scenario], list[ScenarioError]]:
    """Return the scenarios at *paths*, files and folders, and what is wrong with others there.

    In folders these are the files ``*.vmpp`` and ``*.md``, in order of their names.

    Raises:
        NoScenarioError: there is nothing at one of *paths*, or no scenario.
    """
    scenarios: list[Scenario] = []
    errors: list[ScenarioError] = []
    for path in paths:
        before = len(scenarios) + len(errors)
        for file in _files(path):
            try:
                scenarios += scenarios_in(file)
            except ScenarioError as error:
                errors.append(error)
        if len(scenarios) + len(errors) == before:
            raise NoScenarioError(
                f"no scenario in {path}: scenarios are files *{SUFFIX}, "
                f"and blocks ```vmpp in files *{PAGE}"
            )
    return scenarios, errors


def _files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise NoScenarioError(f"no such file or folder: {path}")
    if not path.is_dir():
        yield path
        return
    for each in sorted(path.rglob("*")):
        hidden = any(part.startswith(".") for part in each.relative_to(path).parts)
        if each.suffix in {SUFFIX, PAGE} and each.is_file() and not hidden:
            yield each
