r"""Lines of expected output: what they match, and how any output is written so that it matches.

In a line ``...`` stands for anything in that line, and a line of only ``...`` for any lines. Space
at the end of a line does not count, since editors remove it. Two endings say more, as those of cram
do: after `` (no-eol)`` the output has no line feed; in a line that ends in `` (esc)`` a backslash
makes the character after it literal, ``\xNN``, ``\uNNNN`` and ``\UNNNNNNNN`` are characters by
number. So whatever could be mistaken for a part of the scenario can be written as output too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

WILDCARD: Final = "..."
PROMPT: Final = "vmpp> "
CONTINUED: Final = "> "
COMMENT: Final = "#"
STATUS: Final = re.compile(r"\[(\d+)\]")

BLANKS: Final = " \t"
_ESCAPED: Final = " (esc)"
_NO_EOL: Final = " (no-eol)"
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^xuU]))|(\.\.\.)|([^\\])",
    re.DOTALL,
)
_FENCE: Final = re.compile(r"(```|~~~)")

Parts: TypeAlias = tuple[str, ...]
"""The literal texts of a line, between each two of which there may be anything."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One line of expected output.

    Attributes:
        written: as it stands in the file.
        parts: literal texts; what is between two of them is anything.
        eol: whether a line feed ends it.
        any_lines: whether it stands for any number of lines, whatever is in them.
    """

    written: str
    parts: Parts
    eol: bool = True
    any_lines: bool = False

    def matches(self, line: str) -> bool:
        """Return whether this one line stands for *line*, which has its line feed if it has one."""
        if self.any_lines:
            return True
        if self.eol != line.endswith("\n"):
            return False
        return _match(self.parts, line.rstrip("\n"))


def _match(parts: Parts, text: str) -> bool:
    if len(parts) == 1:
        return text == parts[0]
    first, *middle, last = parts
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def read(written: str) -> Expected:
    """Return the line of expected output that *written* is.

    Raises:
        ValueError: it has an escape that is none.
    """
    text = written.rstrip(BLANKS)
    if text == WILDCARD:
        return Expected(text, ("", ""), any_lines=True)
    escaped = text.endswith(_ESCAPED)
    body = text.removesuffix(_ESCAPED)
    eol = not body.endswith(_NO_EOL)
    body = body.removesuffix(_NO_EOL)
    parts = _unescaped(body) if escaped else tuple(body.split(WILDCARD))
    return Expected(text, parts, eol)


def _unescaped(body: str) -> Parts:
    parts = [""]
    at = 0
    while at < len(body):
        found = _ESCAPE.match(body, at)
        if found is None:
            raise ValueError(
                f"{body[at : at + 4]!r} is no escape: write \\\\ for a backslash, "
                "or \\xNN, \\uNNNN, \\UNNNNNNNN"
            )
        at = found.end()
        *numbers, literal, wildcard, plain = found.groups()
        number = next((each for each in numbers if each), None)
        if wildcard:
            parts.append("")
        else:
            parts[-1] += literal or plain or chr(_code(number or ""))
    return tuple(parts)


def _code(number: str) -> int:
    code = int(number, 16)
    if code > 0x10FFFF:
        raise ValueError(f"there is no character of number {number}")
    return code


def split(output: str) -> list[str]:
    """Return the lines of *output*, each with its line feed, without space before that."""
    *whole, rest = output.split("\n")
    lines = [line.rstrip(BLANKS) + "\n" for line in whole]
    rest = rest.rstrip(BLANKS)
    return [*lines, rest] if rest else lines


def literal(line: str) -> Expected:
    """Return what stands for *line*, an element of what `split` returns, and for nothing else."""
    return Expected("", (line.removesuffix("\n"),), line.endswith("\n"))


def write(lines: Iterable[Expected]) -> list[str]:
    """Return *lines* as they are written below a command, so that they are read back as they are.

    A line is written anew unless it can stay as it was.
    """
    found = list(lines)
    layout = len(found)
    while layout and _is_layout(found[layout - 1]):
        layout -= 1
    return [
        _written(line, first=not number, last=number >= layout) for number, line in enumerate(found)
    ]


def _is_layout(line: Expected) -> bool:
    """Return whether *line* would be taken for a blank line or a comment before a command."""
    return line.parts == ("",) or line.parts[0].startswith(COMMENT)


def _written(line: Expected, first: bool, last: bool) -> str:
    if line.any_lines:
        return WILDCARD
    ending = "" if line.eol else _NO_EOL
    for plain in (line.written, WILDCARD.join(line.parts) + ending):
        if not _means_else(plain, first, last) and _same(read_or_none(plain), line):
            return plain
    body = _escaped(line.parts)
    if _means_else(body, first, last) or not body:
        body = "\\" + body if body else body
    for suffix in (_ESCAPED, _NO_EOL):
        if body.endswith(suffix):
            body = f"{body.removesuffix(suffix)} \\{suffix[1:]}"
    return body + ending + _ESCAPED


def read_or_none(written: str) -> Expected | None:
    """Return what `read` does, or None where that raises an exception."""
    try:
        return read(written)
    except ValueError:
        return None


def _same(one: Expected | None, other: Expected) -> bool:
    return (
        one is not None and not one.any_lines and one.parts == other.parts and one.eol == other.eol
    )


def _means_else(written: str, first: bool, last: bool) -> bool:
    """Return whether *written* would be no output where it stands, or could not be seen."""
    return (
        (written + " ").startswith(PROMPT)
        or STATUS.fullmatch(written) is not None
        or _FENCE.match(written) is not None
        or (first and (written + " ").startswith(CONTINUED))
        or (last and (not written or written.startswith(COMMENT)))
        or any(not _is_plain(character) for character in written)
    )


def _is_plain(character: str) -> bool:
    return character == "\t" or character.isprintable()


def _escaped(parts: Sequence[str]) -> str:
    escaped = []
    for number, part in enumerate(parts):
        text = "".join(map(_escape, part))
        text = re.sub(r"\.{3,}", _dots, text)
        if number:
            text = re.sub(r"^\.+", _dots, text)
        if number + 1 < len(parts):
            text = re.sub(r"(?<!\\)\.+$", _dots, text)
        escaped.append(text)
    return WILDCARD.join(escaped)


def _escape(character: str) -> str:
    code = ord(character)
    if character == "\\":
        return "\\\\"
    if _is_plain(character):
        return character
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )


def _dots(found: re.Match[str]) -> str:
    return "\\." * len(found[0])
