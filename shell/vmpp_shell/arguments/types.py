"""Kinds of arguments: how each is read, and so what it can be completed with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from vmpp.machine.kinds import KINDS
from vmpp.machine.nodesets import NodeSet

if TYPE_CHECKING:
    _Type = click.ParamType[Any]
else:
    # Click's older versions know no type parameters.
    _Type = click.ParamType


class NameType(_Type):
    """A word that names something of the machine, of the kind that `name` says.

    What it names is for the command to find out; the kind is for completion.
    """

    def __init__(self, name: str) -> None:
        self.name = name


USER: Final = NameType("user")
PROGRAM: Final = NameType("program")
POLICY: Final = NameType("policy")
"""A choice of a policy whose kind stands before it."""
PATH: Final = NameType("path")
FOLDER: Final = NameType("folder")
HOST_PATH: Final = NameType("host-path")
COMMAND: Final = NameType("command")
MACHINE: Final = NameType("machine")
VARIABLE: Final = NameType("variable")
FAULT: Final = NameType("fault")
JOB_WORD: Final = NameType("job")
"""A job where other words may stand as well: whoever takes it has to look."""


CHOICES: Final = {kind: NameType(f"policy-{kind}") for kind in KINDS}
"""A choice of a policy of each kind."""


class ReadType(_Type):
    """What a function reads that raises ValueError for a text which is none."""

    def __init__(self, name: str, kind: type, read: Callable[[str], Any]) -> None:
        """Be called *name*, and become a *kind* by *read*; a default may be one already."""
        self.name = name
        self._kind = kind
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what *value* becomes; fails unless it is a text that can be read."""
        if isinstance(value, self._kind):
            return value
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


_LONGEST_JOB: Final = 18
"""Digits that the number of a job may have."""
_LONGEST_NODE: Final = 7
"""Digits that the number of a node may have."""


def job_number(text: str) -> int:
    """Return the number of a job, written as ``7``, or as ``%7`` as other shells do.

    Raises:
        ValueError: it is none.
    """
    digits = text.removeprefix("%")
    if not digits.isdecimal() or len(digits) > _LONGEST_JOB:
        raise ValueError(f"{text!r} is no number of a job")
    return int(digits)


def node_list(text: str) -> tuple[int, ...]:
    """Return the numbers of a list of nodes, such as ``0..7,12``.

    Raises:
        ValueError: it is no such list, or names a node twice.
    """
    bare = text
    if text.endswith("]") and "[" in text:
        bare = text[text.index("[") + 1 : -1]
    numbers: list[int] = []
    for part in bare.split(","):
        first, _, last = part.replace("..", "-").partition("-")
        ends = [_number(end, text) for end in (first, last or first)]
        if ends[1] < ends[0]:
            raise ValueError(f"{text!r}: {part} runs backwards")
        numbers += range(ends[0], ends[1] + 1)
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{text!r} names a node twice")
    return tuple(numbers)


def _number(text: str, whole: str) -> int:
    digits = text.strip().lstrip("abcdefghijklmnopqrstuvwxyz")
    if not (digits.isdecimal() and digits.isascii()) or len(digits) > _LONGEST_NODE:
        raise ValueError(f"{whole!r} is no list of nodes; write such as 0..7,12")
    return int(digits)


def size_or_shape(text: str) -> tuple[int, ...]:
    """Return a number of nodes, or rows and columns of a rectangle of them, such as ``4x8``.

    Raises:
        ValueError: it is neither.
    """
    words = text.lower().split("x")
    numbers = tuple(int(word) for word in words if word.isdecimal() and len(word) <= _LONGEST_NODE)
    if len(words) > 2 or len(numbers) < len(words) or 0 in numbers:
        raise ValueError(f"{text!r} is no number of nodes; write such as 32, or 4x8")
    return numbers


JOB: Final = ReadType("job", int, job_number)
NODES: Final = ReadType("nodes", tuple, node_list)
"""Numbers of nodes by rank: as ``yod`` writes them, ``0..7,12``, or ``srun``, ``n[0-7,12]``."""
SIZE: Final = ReadType("size", tuple, size_or_shape)
"""A number of nodes, or rows and columns of a rectangle of them."""
PARTITION: Final = NameType("partition")
NODE_SET: Final = ReadType("node-set", NodeSet, NodeSet.parse)
"""A set of nodes, in numbers and ranges or in a word: ``0..7,12``, ``all``, ``service``."""
