"""What a scenario would say if what has happened were right; its difference is the report."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vmpp.scenario.lines import write
from vmpp.scenario.matching import alike, nearest
from vmpp.scenario.replaying import Outcome, Replayed


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines of a file, numbers *begin* to *end* - 1 from 0, and what is to stand there instead."""

    begin: int
    end: int
    lines: tuple[str, ...]


def edits(outcome: Outcome) -> list[Edit]:
    """Return how the file must be changed for *outcome* to be right.

    Of the output of a command that gave something else, the lines that still match stay as they
    are, wildcards and all.
    """
    return [_edit(each) for each in outcome.failed]


def _edit(replayed: Replayed) -> Edit:
    command = replayed.command
    kept = list(command.expected)
    if not alike(kept, replayed.lines):
        kept = nearest(kept, replayed.lines)
    lines = write(kept)
    if replayed.status:
        lines.append(f"[{replayed.status}]")
    return Edit(command.begin, command.end, tuple(command.indent + line for line in lines))


def edited(lines: Sequence[str], changes: Iterable[Edit]) -> list[str]:
    """Return *lines* after *changes*."""
    result = list(lines)
    for edit in sorted(changes, key=lambda edit: edit.begin, reverse=True):
        result[edit.begin : edit.end] = edit.lines
    return result


def difference(outcome: Outcome) -> Iterator[str]:
    """Yield the lines of a unified diff: what the scenario says, and what has happened.

    What a wildcard stands for is no difference. The names are those of the file.
    """
    lines = outcome.scenario.lines
    yield from difflib.unified_diff(
        lines,
        edited(lines, edits(outcome)),
        f"{outcome.scenario.path} (expected)",
        f"{outcome.scenario.path} (actual)",
        lineterm="",
    )
