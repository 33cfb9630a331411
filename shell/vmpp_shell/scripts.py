"""Command files: how text falls into the lines that are carried out one by one."""

from __future__ import annotations

from collections.abc import Iterator

from vmpp_shell.syntax import SyntaxMistake, Unfinished, parse


def logical_lines(text: str) -> Iterator[str]:
    """Yield what of *text* belongs together: lines, with those that a quote or ``\\`` continues."""
    held = ""
    for line in text.splitlines():
        held = f"{held}\n{line}" if held else line
        if is_complete(held):
            yield held
            held = ""
    if held:
        yield held


def is_complete(line: str) -> bool:
    """Return whether *line* can be carried out, as opposed to being continued on the next one."""
    try:
        parse(line)
    except Unfinished:
        return False
    except SyntaxMistake:
        return True
    return True
