"""The format of scenarios: from text to directives and commands with their expected output.

    # What two ranks say.
    machine: paragon
    file: hello.py

    vmpp> yod -sz 2 hello.py
    hello from rank 0
    hello from rank 1
    vmpp> yod -sz 2 helo.py
    yod: no such program: helo.py...
    [1]

The head has directives, comments (``#``) and blank lines up to the first command. A line below a
command that begins with ``> `` continues it. The rest, up to the next command, is what it prints;
`vmpp.scenario.lines` says how. A last line ``[N]`` is its exit status, 0 if there is none. Blank
lines and comments just before a command, or at the end, are no output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vmpp.scenario.directives import Directives
from vmpp.scenario.errors import ScenarioError
from vmpp.scenario.lines import BLANKS, COMMENT, CONTINUED, PROMPT, STATUS, Expected, read


@dataclass(frozen=True, slots=True)
class Command:
    """A command with what it must give.

    Attributes:
        text: the command line, continuations joined to it.
        expected: the lines of its output.
        status: its exit status.
        line: the number of its first line in the file, from 1.
        begin, end: which of the file's lines, from 0, are its output and status.
        indent: what stands before each of these in the file.
    """

    text: str
    expected: tuple[Expected, ...]
    status: int
    line: int
    begin: int
    end: int
    indent: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario.

    Attributes:
        path: the file.
        name: what it is called in reports: its path, with a line if there are several in the file.
        directives: its head.
        commands: in order.
        lines: of the whole file, without line feeds.
    """

    path: Path
    name: str
    directives: Directives
    commands: tuple[Command, ...]
    lines: tuple[str, ...]


def text_of(path: Path) -> str:
    """Return the text of a file.

    Raises:
        ScenarioError: it cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ScenarioError(path, 1, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ScenarioError(path, line, "is not text in UTF-8") from None


def parse(text: str, path: Path) -> Scenario:
    """Return the scenario that *text* is; *path* is its file, for messages and what is beside it.

    Raises:
        ScenarioError: it is none.
    """
    lines = file_lines(text)
    block = Block(path, lines, 0, len(lines))
    directives = block.directives(Directives(folder=path.parent))
    commands = block.commands()
    if not commands:
        raise ScenarioError(path, 1, f"has no command; write one as '{PROMPT}help'")
    return Scenario(path, str(path), directives, commands, lines)


def file_lines(text: str) -> tuple[str, ...]:
    """Return the lines of a file, without line feeds."""
    lines = text.split("\n")
    if not lines[-1]:
        del lines[-1]
    return tuple(line.removesuffix("\r") for line in lines)


class Block:
    """Lines of a file that hold a scenario, or a part of one."""

    def __init__(
        self, path: Path, lines: Sequence[str], begin: int, end: int, indent: str = ""
    ) -> None:
        self._path = path
        self._indent = indent
        self._lines = [line.removeprefix(indent) for line in lines[:end]]
        self._begin = begin
        self._first = next(
            (at for at in range(begin, end) if self._is_command(at)), end
        )  # fmt: skip

    def _is_command(self, at: int) -> bool:
        return (self._lines[at] + " ").startswith(PROMPT)

    def directives(self, given: Directives) -> Directives:
        """Return *given* with what the head says.

        Raises:
            ScenarioError: there is a line that is no directive, or a wrong one.
        """
        for at in range(self._begin, self._first):
            line = self._lines[at].strip()
            if not line or line.startswith(COMMENT):
                continue
            key, colon, value = line.partition(":")
            if not colon or " " in key.strip():
                raise self._error(
                    at, f"{line!r} is no 'KEY: VALUE', '# comment' or '{PROMPT}COMMAND'"
                )
            try:
                given = given.directed(key.strip(), value.strip())
            except ValueError as error:
                raise self._error(at, str(error)) from None
        return given

    def expect_no_directives(self) -> None:
        """Refuse a head, in a block that goes on with a scenario.

        Raises:
            ScenarioError: there is one.
        """
        for at in range(self._begin, self._first):
            if not self._is_layout(at):
                raise self._error(at, "directives stand above the first command of a scenario")

    def commands(self) -> tuple[Command, ...]:
        """Return the commands.

        Raises:
            ScenarioError: a line of output has a wrong escape.
        """
        end = len(self._lines)
        starts = [at for at in range(self._first, end) if self._is_command(at)]
        return tuple(map(self._command, starts, [*starts[1:], end]))

    def _command(self, start: int, end: int) -> Command:
        begin = start + 1
        while begin < end and (self._lines[begin] + " ").startswith(CONTINUED):
            begin += 1
        text = [self._lines[start].removeprefix(PROMPT.rstrip())]
        text += [line.removeprefix(CONTINUED.rstrip()) for line in self._lines[start + 1 : begin]]
        while end > begin and self._is_layout(end - 1):
            end -= 1
        status, below = 0, end
        found = STATUS.fullmatch(self._lines[end - 1].rstrip(BLANKS)) if end > begin else None
        if found:
            status, below = int(found[1]), end - 1
        return Command(
            text=_joined([line.removeprefix(" ") for line in text]),
            expected=tuple(map(self._read, range(begin, below))),
            status=status,
            line=start + 1,
            begin=begin,
            end=end,
            indent=self._indent,
        )

    def _is_layout(self, at: int) -> bool:
        line = self._lines[at].rstrip(BLANKS)
        return not line or line.startswith(COMMENT)

    def _read(self, at: int) -> Expected:
        try:
            return read(self._lines[at])
        except ValueError as error:
            raise self._error(at, str(error)) from None

    def _error(self, at: int, message: str) -> ScenarioError:
        return ScenarioError(self._path, at + 1, message)


def _joined(lines: Sequence[str]) -> str:
    r"""Return a command line; a backslash at the end of a line is no more than a continuation."""
    text = lines[0].rstrip(BLANKS)
    for line in lines[1:]:
        joint = (text[:-1], "") if text.endswith("\\") else (text, "\n")
        text = "".join(joint) + line.rstrip(BLANKS)
    return text
