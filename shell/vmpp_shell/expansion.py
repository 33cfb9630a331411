"""From the words of a command line to arguments: variables, ``~`` and patterns of file names."""

from __future__ import annotations

import fnmatch
import glob
import re
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from vmpp.errors import VmppError
from vmpp_shell.syntax import LONGEST, Part, Word

if TYPE_CHECKING:
    from vmpp.machine.session import Session

MOST: Final = 1 << 16
"""Names of files that a pattern may match. Links that lead back to their folder multiply them."""
_SPECIAL: Final = re.compile(r"[*?\[]")

Value = Callable[[str], str]
"""Returns the value of a variable."""


class ExpansionError(VmppError):
    """A word stands for more than there is room for."""


def plain(word: Word, value: Value, home: str) -> str:
    """Return *word* with its variables replaced and ``~`` as *home*: one word, in any case."""
    return _joined(_at_home(word, home), value)


async def expanded(word: Word, value: Value, session: Session | None) -> list[str]:
    """Return what *word* stands for: the names of files if it is a pattern that some match."""
    parts = _at_home(word, "" if session is None else session.user.home)
    whole = _joined(parts, value)
    if session is not None and any(_is_special(part) for part in parts):
        found = await matches("".join(_pattern(part, value) for part in parts), session)
        if found:
            return found
    return [whole]


def _joined(parts: tuple[Part, ...], value: Value) -> str:
    """Return the text of *parts*. Raises ExpansionError: it is too long."""
    texts = [_text(part, value) for part in parts]
    if sum(map(len, texts)) > LONGEST:
        raise ExpansionError(f"a word is too long: it may have {LONGEST} characters")
    return "".join(texts)


def _at_home(word: Word, home: str) -> tuple[Part, ...]:
    first = word.parts[0] if word.parts else None
    if first is None or first.quoted or first.variable or not home:
        return word.parts
    if (first.text == "~" and len(word.parts) == 1) or first.text.startswith("~/"):
        return (Part(home, quoted=True), Part(first.text[1:]), *word.parts[1:])
    return word.parts


def _text(part: Part, value: Value) -> str:
    return value(part.text) if part.variable else part.text


def _pattern(part: Part, value: Value) -> str:
    text = _text(part, value)
    return glob.escape(text) if part.quoted or part.variable else text


def _is_special(part: Part) -> bool:
    return not part.quoted and not part.variable and _SPECIAL.search(part.text) is not None


async def matches(pattern: str, session: Session) -> list[str]:
    """Return the names of the files that match *pattern*, sorted; hidden ones if it says so.

    Raises:
        ExpansionError: they are too many.
    """
    found = ["/"] if pattern.startswith("/") else [""]
    steps = [step for step in pattern.split("/") if step]
    for number, step in enumerate(steps):
        is_last = number == len(steps) - 1 and not pattern.endswith("/")
        folders, found = found, []
        for above in folders:
            found += await _step(above, step, session, folders=not is_last)
            if len(found) > MOST:
                raise ExpansionError(f"{pattern[:80]}: more than {MOST} files match")
    return sorted(found)


async def _step(above: str, step: str, session: Session, *, folders: bool) -> list[str]:
    """Return what *step* of a pattern leads to from the folder *above*."""
    try:
        entries = await session.files.entries(above or ".")
    except OSError:
        return []
    accepted = re.compile(fnmatch.translate(step)).match
    names = [(entry.name.decode(errors="surrogateescape"), entry.kind) for entry in entries]
    return [
        f"{above}{name}{'/' if folders else ''}"
        for name, kind in names
        if accepted(name)
        and (step.startswith(".") or not name.startswith("."))
        and (not folders or kind in {stat.S_IFDIR, stat.S_IFLNK})
    ]
