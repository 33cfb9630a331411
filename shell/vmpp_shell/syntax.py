"""The language of command lines: words, quotes, variables, redirections, and what joins commands.

It is the common part of Unix shells. What is written here is turned into `Step` records; nothing is
looked up or run. The other way, `quote` writes a word so that it is read back as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from vmpp.errors import VmppError

_OPERATORS: Final = ("&&", "||", "2>&1", "2>>", "2>", ">>", ">", "<", ";", "&", "|", "\n")
"""What separates words without spaces, longest first."""
_REDIRECTIONS: Final = frozenset({"<", ">", ">>", "2>", "2>>"})
_JOINS: Final = frozenset({";", "&", "&&", "||", "\n"})
_NAME: Final = re.compile(r"\{(\w+)\}|([A-Za-z_]\w*|\?)")
_PLAIN: Final = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
LONGEST: Final = 1 << 17
"""Characters of a line, and of a word with its variables replaced, at the most: Linux's limit for
an argument. Others wait while somebody's line is read."""
_SPACE: Final = " \t\r\f\v"
_ENDS: Final = _SPACE + "\n;&|<>"
"""What ends a word. A digit belongs to ``2>`` only where a word would begin."""
_RUN: Final = re.compile(r"""[^\s;&|<>\\'"$]*""")
_QUOTED_RUN: Final = re.compile(r"""[^\\"$]*""")
_ESCAPED_IN_QUOTES: Final = '"\\$`\n'


class SyntaxMistake(VmppError):
    """A command line that cannot be read."""


class Unfinished(SyntaxMistake):
    """One that the next line may complete: a quote is open, or an operator ends it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a word.

    Attributes:
        text: characters, or the name of a variable.
        quoted: whether patterns and ``~`` in it are nothing special.
        variable: whether *text* is a name, to be replaced by its value.
    """

    text: str
    quoted: bool = False
    variable: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """One word, whose variables have not been replaced yet.

    Attributes:
        parts: its pieces, in order.
        start, end: where it stands in the line.
    """

    parts: tuple[Part, ...]
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Redirection:
    """``> FILE`` and its like; *operator* is ``<``, ``>``, ``>>``, ``2>`` or ``2>>``."""

    operator: str
    target: Word


@dataclass(slots=True)
class Step:
    """One command with all that belongs to it.

    Attributes:
        words: the command's name and arguments.
        redirections: in the order in which they are written.
        joined: whether errors go where output does (``2>&1``).
        filters: commands of the host that the output passes through.
        background: whether the next command does not wait for this one (``&``).
        after: what joins it to the one before: ``;``, ``&&`` or ``||``.
    """

    words: list[Word] = field(default_factory=list)
    redirections: list[Redirection] = field(default_factory=list)
    joined: bool = False
    filters: list[list[Word]] = field(default_factory=list)
    background: bool = False
    after: str = ";"

    def runs(self, status: int) -> bool:
        """Return whether it is run after a command that ended with *status*."""
        return {";": True, "&&": status == 0, "||": status != 0}[self.after]

    def __bool__(self) -> bool:
        return bool(self.words or self.redirections or self.filters)


def parse(line: str) -> list[Step]:
    """Return the commands of *line*.

    Raises:
        SyntaxMistake: a quote is not closed, or an operator has nothing to work on, or the line is
            too long.
    """
    return _Parser(tokens(line)).steps()


def tokens(line: str) -> list[Word | str]:
    """Return the words and operators of *line*, without comments.

    Raises:
        SyntaxMistake: a quote is not closed, or the line is too long.
    """
    if len(line) > LONGEST:
        raise SyntaxMistake(f"the line is too long: it may have {LONGEST} characters")
    return list(_Lexer(line).tokens())


def quote(word: str) -> str:
    """Return *word* as it has to be written so that it is one word, and itself."""
    if _PLAIN.fullmatch(word) and not re.match(r"\d+>", word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def join(words: Iterable[str]) -> str:
    """Return a command line of these *words*."""
    return " ".join(map(quote, words))


class _Lexer:
    """Reads words and operators, one after the other."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0
        self._parts: list[Part] = []

    def tokens(self) -> Iterable[Word | str]:
        line = self._line
        while self._skip_space():
            operator = next((o for o in _OPERATORS if line.startswith(o, self._at)), None)
            if operator is not None:
                self._at += len(operator)
                yield operator
            else:
                yield self._word()

    def _skip_space(self) -> bool:
        """Skip space, comments and continued lines; return whether anything is left."""
        line = self._line
        while self._at < len(line):
            if line.startswith("\\\n", self._at):
                self._at += 2
            elif line[self._at] == "#":
                end = line.find("\n", self._at)
                self._at = len(line) if end < 0 else end
            elif line[self._at] in _SPACE:
                self._at += 1
            else:
                return True
        return False

    def _word(self) -> Word:
        start = self._at
        self._parts = []
        while self._at < len(self._line) and self._line[self._at] not in _ENDS:
            character = self._line[self._at]
            self._at += 1
            _READERS.get(character, _Lexer._plain)(self)
        return Word(tuple(self._parts), start, self._at)

    def _add(self, text: str, *, quoted: bool = False, variable: bool = False) -> None:
        last = self._parts[-1] if self._parts else None
        if last and not variable and not last.variable and last.quoted == quoted:
            self._parts[-1] = Part(last.text + text, quoted)
        else:
            self._parts.append(Part(text, quoted, variable))

    def _plain(self) -> None:
        begin = self._at - 1
        self._at = self._run(_RUN)
        self._add(self._line[begin : self._at])

    def _run(self, pattern: re.Pattern[str]) -> int:
        """Return where that ends of which nothing is special, from here on."""
        found = pattern.match(self._line, self._at)
        return found.end() if found else self._at

    def _backslash(self) -> None:
        if self._at == len(self._line):
            raise Unfinished("nothing follows the last '\\'")
        if self._line[self._at] != "\n":
            self._add(self._line[self._at], quoted=True)
        self._at += 1

    def _single_quotes(self) -> None:
        end = self._line.find("'", self._at)
        if end < 0:
            raise Unfinished("a quote (') is not closed")
        self._add(self._line[self._at : end], quoted=True)
        self._at = end + 1

    def _double_quotes(self) -> None:
        line = self._line
        self._add("", quoted=True)
        while self._at < len(line) and line[self._at] != '"':
            character = line[self._at]
            self._at += 1
            if character == "\\" and line[self._at : self._at + 1] in tuple(_ESCAPED_IN_QUOTES):
                self._backslash()
            elif character == "$":
                self._variable(quoted=True)
            else:
                begin = self._at - 1
                self._at = self._run(_QUOTED_RUN)
                self._add(line[begin : self._at], quoted=True)
        if self._at == len(line):
            raise Unfinished('a quote (") is not closed')
        self._at += 1

    def _variable(self, *, quoted: bool = False) -> None:
        found = _NAME.match(self._line, self._at)
        if found is None:
            self._add("$", quoted=quoted)
            return
        self._at = found.end()
        self._add(found[1] or found[2], quoted=quoted, variable=True)


_READERS: Final = {
    "\\": _Lexer._backslash,
    "'": _Lexer._single_quotes,
    '"': _Lexer._double_quotes,
    "$": _Lexer._variable,
}


class _Parser:
    """Puts words and operators together."""

    def __init__(self, found: list[Word | str]) -> None:
        self._rest = found[::-1]
        self._steps: list[Step] = []
        self._step = Step()

    def steps(self) -> list[Step]:
        while self._rest:
            token = self._rest.pop()
            if isinstance(token, Word):
                self._words().append(token)
            elif token in _REDIRECTIONS:
                self._step.redirections.append(Redirection(token, self._target(token)))
            elif token == "2>&1":
                self._step.joined = True
            elif token == "|":
                self._pipe()
            else:
                self._join(token)
        if self._step:
            self._finish()
        elif self._step.after in {"&&", "||"}:
            raise Unfinished(f"nothing follows {self._step.after!r}")
        return self._steps

    def _words(self) -> list[Word]:
        return self._step.filters[-1] if self._step.filters else self._step.words

    def _target(self, operator: str) -> Word:
        if not self._rest or not isinstance(self._rest[-1], Word):
            raise SyntaxMistake(f"a file name is missing after {operator!r}")
        word = self._rest.pop()
        assert isinstance(word, Word)
        return word

    def _pipe(self) -> None:
        if not self._words():
            raise SyntaxMistake("nothing stands before '|'")
        self._step.filters.append([])

    def _join(self, operator: str) -> None:
        assert operator in _JOINS
        if not self._step:
            if operator == "\n":
                return
            raise SyntaxMistake(f"nothing stands before {operator!r}")
        self._step.background = operator == "&"
        self._finish()
        self._step.after = operator if operator in {"&&", "||"} else ";"

    def _finish(self) -> None:
        if not self._step.words:
            raise SyntaxMistake("a command is missing before its redirection")
        if not self._words():
            raise Unfinished("nothing follows '|'")
        self._steps.append(self._step)
        self._step = Step()
