"""A session that is recorded as a scenario while it goes on."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TextIO, cast

from vmpp.scenario.directives import Directives
from vmpp.scenario.recorder import Recorder

if TYPE_CHECKING:
    from vmpp.service.filesystem.open_file import OpenFile
    from vmpp_shell.interpreter import Interpreter


class Recording:
    """Has a shell look and behave as in a replay, and writes down what is typed and printed.

    Output is as plain on the terminal as it is in the scenario: what one sees is what is recorded.
    """

    def __init__(self, interpreter: Interpreter, file: OpenFile) -> None:
        """Begin; the scenario goes to *file*, which is closed at the end."""
        self._interpreter = interpreter
        self._console = console = interpreter.console
        self._file = file
        asked = console.asked
        self._recorder = Recorder(
            cast("TextIO", _Text(file)),
            Directives(
                machine=asked.machine,
                nodes=asked.nodes,
                seed=asked.seed,
                user=console.session.user.name,
                policies=dict(asked.policies),
                level=asked.level,
            ),
        )
        self._undo: list[Callable[[], object]] = [
            console.become_exact(),
            interpreter.terminal.transcribe(self._recorder.output, self._recorder.answered),
        ]

    def command(self, line: str) -> None:
        """Begin with the command *line*."""
        self._recorder.command(line)

    def ended(self, status: int) -> None:
        """Write the command down, which has ended with *status*."""
        self._recorder.ended(status)

    def stop(self) -> None:
        """Have all be as before, and close the file."""
        for undo in reversed(self._undo):
            undo()
        self._file.close()


class _Text(io.TextIOBase):
    """A file of the machine that text is written to."""

    def __init__(self, file: OpenFile) -> None:
        self._file = file

    def write(self, text: str) -> int:
        rest = memoryview(text.encode(errors="surrogateescape"))
        while rest:
            rest = rest[self._file.write(rest) :]
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Do nothing: what is written has been passed on."""
