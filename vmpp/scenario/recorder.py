"""Writing a scenario while a session goes on."""

from __future__ import annotations

from typing import TextIO

from vmpp.scenario.directives import Directives, head
from vmpp.scenario.lines import CONTINUED, PROMPT, literal, split, write
from vmpp.scenario.replaying import decoded


class Recorder:
    """Writes a session as a scenario which, replayed, gives the same.

    A command is written when it has ended, with all that was printed since it began: what jobs in
    the background have printed belongs to the command during which it came, as in a replay.
    """

    def __init__(self, file: TextIO, directives: Directives) -> None:
        self._file = file
        self._command: str | None = None
        self._output: list[bytes] = []
        self._write(head(directives))
        self._write([""])

    def command(self, line: str) -> None:
        """Begin with the command *line*; `ended` must follow."""
        self._command = line
        self._output.clear()

    def output(self, output: bytes) -> None:
        """Add what the command, or a job in the background, has printed."""
        self._output.append(output)

    def answered(self, prompt: str, answer: str) -> None:
        """Add a question and its answer, which a person did not see on the terminal."""
        self.output(f"{prompt.rstrip()} {answer}\n".encode(errors="surrogateescape"))

    def ended(self, status: int) -> None:
        """Write the command with its output and exit *status*."""
        if self._command is None:
            return
        first, *more = self._command.split("\n")
        lines = [f"{PROMPT}{first}".rstrip(), *(f"{CONTINUED}{line}".rstrip() for line in more)]
        lines += write(map(literal, split(decoded(b"".join(self._output)))))
        lines += [f"[{status}]"] if status else []
        self._write(lines)
        self._command = None

    def _write(self, lines: list[str]) -> None:
        self._file.writelines(f"{line}\n" for line in lines)
        self._file.flush()
