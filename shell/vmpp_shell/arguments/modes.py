"""Permissions as people write them: ``644``, ``u+x``, ``go-w,a=r``."""

from __future__ import annotations

import re
import stat
from typing import Final

from vmpp.errors import VmppError

_OCTAL: Final = re.compile(r"0?[0-7]{1,4}")
_CLAUSE: Final = re.compile(r"([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)")
_ACTION: Final = re.compile(r"([-+=])([ugo]|[rwxXst]*)")

_CLASSES: Final = {
    "u": stat.S_IRWXU | stat.S_ISUID,
    "g": stat.S_IRWXG | stat.S_ISGID,
    "o": stat.S_IRWXO | stat.S_ISVTX,
}
_SHIFTS: Final = {"u": 6, "g": 3, "o": 0}
_EVERYBODY: Final = 0o7777
_LETTERS: Final = {"r": 0o444, "w": 0o222, "x": 0o111, "s": stat.S_ISUID | stat.S_ISGID,
                   "t": stat.S_ISVTX}  # fmt: skip


class ModeMistake(VmppError):
    """A text that says no permissions."""


def is_mode(text: str) -> bool:
    """Return whether *text* says permissions."""
    return _OCTAL.fullmatch(text) is not None or all(
        _CLAUSE.fullmatch(clause) for clause in text.split(",")
    )


def changed(text: str, mode: int, *, mask: int = 0o022) -> int:
    """Return the permissions that *text* makes of a file's *mode*, as ``chmod`` of POSIX does.

    Args:
        mask: permissions that are left alone where the text does not say whose are meant.

    Raises:
        ModeMistake: *text* says none.
    """
    if not is_mode(text):
        raise ModeMistake(f"{text!r} is no mode; write such as 644, u+x or go-w,a=r")
    if _OCTAL.fullmatch(text):
        # Of a directory, the set-ID bits stay unless there are five digits, as with GNU's chmod.
        kept = mode & (stat.S_ISUID | stat.S_ISGID) if stat.S_ISDIR(mode) and len(text) < 5 else 0
        return int(text, 8) | kept
    bits = stat.S_IMODE(mode)
    for clause in text.split(","):
        found = _CLAUSE.fullmatch(clause)
        assert found is not None
        for operator, what in _ACTION.findall(found[2]):
            bits = _applied(found[1], operator, what, bits, mode, mask)
    return bits


def _applied(whose: str, operator: str, what: str, bits: int, mode: int, mask: int) -> int:
    meant = _EVERYBODY if not whose or "a" in whose else 0
    for each in whose.replace("a", ""):
        meant |= _CLASSES[each]
    value = _value(what, bits, mode) & meant & (_EVERYBODY if whose else ~mask)
    if operator == "+":
        return bits | value
    if operator == "-":
        return bits & ~value
    kept = bits & (stat.S_ISUID | stat.S_ISGID) if stat.S_ISDIR(mode) else 0
    return (bits & ~meant) | value | (kept & meant)


def _value(what: str, bits: int, mode: int) -> int:
    if what in _SHIFTS:
        copied = bits >> _SHIFTS[what] & 7
        return copied << 6 | copied << 3 | copied
    value = 0
    for letter in what:
        if letter == "X":
            runnable = stat.S_ISDIR(mode) or bits & 0o111
            value |= 0o111 if runnable else 0
        else:
            value |= _LETTERS[letter]
    return value
