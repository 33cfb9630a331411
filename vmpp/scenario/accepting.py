"""Accepting what has happened: writing it into the scenarios' files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile

from vmpp.errors import VmppError
from vmpp.scenario.replaying import Outcome
from vmpp.scenario.updating import Edit, edited, edits


class AcceptError(VmppError):
    """A scenario's file cannot be written."""


def accept(outcomes: Iterable[Outcome]) -> int:
    """Write into the files what differed; return how many scenarios pass by that.

    One that broke off keeps what has not been replayed, and does not count.

    Raises:
        AcceptError: a file cannot be written.
    """
    changes: dict[Path, list[Edit]] = {}
    lines: dict[Path, tuple[str, ...]] = {}
    accepted = 0
    for outcome in outcomes:
        found = edits(outcome)
        if found:
            path = outcome.scenario.path
            changes.setdefault(path, []).extend(found)
            lines[path] = outcome.scenario.lines
            accepted += outcome.error is None
    for path, found in changes.items():
        _write(path, "\n".join([*edited(lines[path], found), ""]))
    return accepted


def _write(path: Path, text: str) -> None:
    """Write *path*, all of it or nothing."""
    try:
        with NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=path.parent, delete=False
        ) as file:
            file.write(text)
        os.chmod(file.name, path.stat().st_mode & 0o7777)
        os.replace(file.name, path)
    except OSError as error:
        raise AcceptError(f"{path}: {error.strerror}") from error
