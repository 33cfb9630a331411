"""The reference of commands says what the commands themselves say."""

from __future__ import annotations

from pathlib import Path

from vmpp_shell.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def test_the_reference_is_that_of_the_commands_there_are() -> None:
    page = PAGE.read_text()
    assert page == reference(page), "python -m vmpp_shell.reference docs/commands.md"
