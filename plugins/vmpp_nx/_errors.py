"""What can be wrong in a call of NX: numbers, texts, and the two ways to tell a program.

A call ends the process with a line on standard error; its twin, whose name begins with an
underscore, returns -1 and leaves a number in `errno`. Names, numbers and texts of NX's own errors
are those of the ``errno.h`` of its predecessor, the iPSC/2; the others are the system's.
"""

from __future__ import annotations

import os
from typing import Final, NamedTuple

_FIRST: Final = 150

_TEXTS: Final = {
    "EQPBUF": (1, "Invalid buffer pointer"),
    "EQBLEN": (2, "Buffer length exceeds allocation"),
    "EQLEN": (3, "Invalid length"),
    "EQTIME": (4, "Time limit exceeded"),
    "EQMSGLONG": (5, "Received message too long for buffer"),
    "EQPID": (6, "Invalid ptype"),
    "EQNODE": (7, "Invalid node"),
    "EQTYPE": (8, "Invalid type"),
    "EQMID": (9, "Invalid message id"),
    "EQHND": (10, "Invalid handler"),
    "EQNOPROC": (11, "Out of process slots"),
    "EQUSEPID": (12, "Ptype already in use"),
    "EQNOACT": (13, "No active process"),
    "EQBADFIL": (14, "Invalid object file"),
    "EQPARAM": (15, "Invalid parameter"),
    "EQPFIL": (16, "Invalid file name pointer"),
    "EQPCNODE": (17, "Invalid cnode pointer"),
    "EQPCPID": (18, "Invalid cpid pointer"),
    "EQPCCODE": (19, "Invalid ccode pointer"),
    "EQPRIV": (20, "Privileged operation"),
    "EQMEM": (21, "Not enough memory"),
    "EQNOMID": (24, "Too many requests"),
    "EQSET": (25, "Ptype already set"),
    "EQNOSET": (26, "No ptype defined"),
    "EQDIM": (45, "Invalid dimension"),
    "EQBADNODE": (49, "Node not responding"),
    "EQMSGSHORT": (52, "Received message too short for buffer"),
    "ECFPS": (59, "Seek to different file pointers"),
    "ENFPS": (60, "Different file pointers"),
    "EMIXIO": (61, "Mixed file operations"),
    "EIMODE": (62, "Bad I/O mode number"),
    "ESETIO": (63, "File is not synchronized"),
    "ENOCFS": (65, "No parallel file system available"),
    "EQESIZE": (67, "Invalid size"),
    "ERDEOF": (69, "Attempt to read past end of file"),
    "EQPATH": (70, "Path name too long"),
}

CODES: Final[dict[str, int]] = {name: _FIRST + each for name, (each, _) in _TEXTS.items()}
"""The numbers of NX's own errors, by name: what a program imports."""

_BY_NUMBER: Final = {_FIRST + each: text for each, text in _TEXTS.values()}


class Refused(Exception):
    """A call cannot be done.

    Attributes:
        code: number of the error: one of `CODES`, or of the system's.
        reason: what exactly is wrong, in words; empty if the error's own text says it all.
    """

    def __init__(self, error: str | int, reason: str = "") -> None:
        super().__init__(error, reason)
        self.code = CODES[error] if isinstance(error, str) else error
        self.reason = reason

    def __str__(self) -> str:
        said = text_of(self.code)
        return f"{said}: {self.reason}" if self.reason else said


class Who(NamedTuple):
    """Which process a message on standard error is about."""

    node: int
    ptype: int

    def complain(self, call: str, error: Refused) -> str:
        """Return the line that says what was wrong in *call*, be what it shows of several."""
        return f"nx: {call}: {' '.join(str(error).split())} (node {self.node}, ptype {self.ptype})"


def text_of(code: int) -> str:
    """Return what the error *code* means, in a few words."""
    return _BY_NUMBER.get(code) or os.strerror(code)
