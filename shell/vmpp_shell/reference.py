"""The reference of commands, made of the commands themselves.

``python -m vmpp_shell.reference docs/commands.md`` brings the page up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from vmpp.machine.plugins import Plugins
from vmpp_shell.registry import SECTIONS, Registry, ShellCommand

COLUMNS = 88
"""Width of the explanations."""

MARK = "<!-- made by vmpp_shell.reference -->\n"
"""What stands, in the page, above all that is made here."""


class _Paper:
    """What commands print their help on."""

    width = COLUMNS + 1

    def print(self, text: str = "") -> None:
        """Print nothing: the help is asked for as text."""


class _Nobody:
    """Who asks for the help."""

    out = _Paper()
    json = False


def reference(page: str) -> str:
    """Return *page* with the reference of the commands there are, below the mark in it."""
    head, _, _ = page.partition(MARK)
    return head + MARK + "".join(_sections(Registry(Plugins.installed())))


def _sections(commands: Registry) -> Iterator[str]:
    for section, title in SECTIONS.items():
        members = [each for each in commands.values() if each.section == section]
        if members:
            yield f"\n## {title}\n"
            yield from map(_entry, members)


def _entry(command: ShellCommand) -> str:
    context = click.Context(
        command,
        info_name=command.name,
        obj=_Nobody(),
        terminal_width=COLUMNS,
        help_option_names=[],
    )
    text = command.get_help(context)
    return f"\n### {command.name}\n\n```text\n{text}\n```\n"


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(reference(path.read_text()))
