"""Scenarios in Markdown: fenced blocks ``vmpp``, which are examples to the reader.

The blocks of a page are one scenario: a session that goes on. A block ``vmpp new`` begins another,
on a machine of its own. Directives stand at the head of a scenario's first block, or before it in
a comment that the reader does not see: ``<!-- vmpp``, the directives, one a line, and ``-->``.
Fenced blocks before it with the name of a file, such as ``python hello.py``, are files in the home
directory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from vmpp.scenario.directives import Directives, HomeFile
from vmpp.scenario.errors import ScenarioError
from vmpp.scenario.transcript import Block, Command, Scenario, file_lines

_LANGUAGE: Final = "vmpp"
_NEW: Final = "new"
_COMMENT: Final = re.compile(r"\s*<!--\s*vmpp\s*$")
_COMMENT_END: Final = "-->"


def parse_page(text: str, path: Path) -> tuple[Scenario, ...]:
    """Return the scenarios of the page *text*, in order; none if it has none.

    Raises:
        ScenarioError: a block is no scenario.
    """
    page = _Page(path, file_lines(text))
    for token in MarkdownIt("commonmark").parse(text):
        if token.map is not None:
            page.add(token, *token.map)
    return page.scenarios()


@dataclass(slots=True)
class _Session:
    """One scenario, as its blocks are found; *line* is that of the first of them."""

    directives: Directives
    line: int = 1
    commands: list[Command] = field(default_factory=list)


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


class _Page:
    """What has been found of a page so far."""

    def __init__(self, path: Path, lines: tuple[str, ...]) -> None:
        self._path = path
        self._lines = lines
        self._files: dict[str, HomeFile] = {}
        self._sessions = [_Session(Directives(folder=path.parent))]

    def add(self, token: Token, begin: int, end: int) -> None:
        """Add what stands in the lines *begin* to *end* - 1."""
        if token.type == "html_block" and _COMMENT.match(self._lines[begin]):
            self._comment(begin, end)
        elif token.type == "fence":
            language, *words = token.info.split() or [""]
            if language == _LANGUAGE:
                self._block(token, begin, end, words)
            elif words and _is_inside(words[0]):
                content = token.content.encode(errors="surrogateescape")
                self._files[words[0]] = HomeFile(words[0], content)

    def _comment(self, begin: int, end: int) -> None:
        last = next(
            (at for at in range(begin, end) if self._lines[at].strip() == _COMMENT_END), end
        )  # fmt: skip
        block = Block(self._path, self._lines, begin + 1, last)
        session = self._fresh(begin)
        session.directives = block.directives(session.directives)

    def _block(self, token: Token, begin: int, end: int, words: Sequence[str]) -> None:
        for word in words:
            if word != _NEW:
                raise ScenarioError(
                    self._path, begin + 1, f"a block can be 'vmpp' or 'vmpp {_NEW}', not {word!r}"
                )
        session = self._fresh(begin) if words else self._sessions[-1]
        opening = self._lines[begin]
        indent = opening[: len(opening) - len(opening.lstrip())]
        closed = self._lines[end - 1].strip().startswith(token.markup)
        block = Block(self._path, self._lines, begin + 1, end - closed, indent)
        if session.commands:
            block.expect_no_directives()
        else:
            session.line = begin + 1
            session.directives = block.directives(self._with_files(session.directives))
        session.commands += block.commands()

    def _fresh(self, begin: int) -> _Session:
        """Return a session without commands, the last one if it has none."""
        if self._sessions[-1].commands:
            self._sessions.append(_Session(Directives(folder=self._path.parent), begin + 1))
        return self._sessions[-1]

    def _with_files(self, directives: Directives) -> Directives:
        named = {file.name: file for file in (*self._files.values(), *directives.files)}
        return replace(directives, files=tuple(named.values()))

    def scenarios(self) -> tuple[Scenario, ...]:
        """Return the scenarios."""
        sessions = [session for session in self._sessions if session.commands]
        return tuple(self._scenario(session, len(sessions) > 1) for session in sessions)

    def _scenario(self, session: _Session, several: bool) -> Scenario:
        name = f"{self._path}:{session.line}" if several else str(self._path)
        commands = tuple(session.commands)
        return Scenario(self._path, name, session.directives, commands, self._lines)
