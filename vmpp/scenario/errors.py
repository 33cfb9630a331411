"""What is wrong with a scenario itself, as opposed to what it finds."""

from __future__ import annotations

from vmpp.errors import VmppError


class ScenarioError(VmppError):
    """A scenario cannot be read or run; the message begins with the file and the line."""

    def __init__(self, path: object, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.line = line
        self.message = message
