"""Kinds of arguments: how each is read, and so what it can be completed with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

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
PATH: Final = NameType("path")
FOLDER: Final = NameType("folder")
HOST_PATH: Final = NameType("host-path")
COMMAND: Final = NameType("command")
MACHINE: Final = NameType("machine")
VARIABLE: Final = NameType("variable")
FAULT: Final = NameType("fault")
ENDED_JOB: Final = NameType("ended-job")
JOB_WORD: Final = NameType("job")
"""A job where other words may stand as well: whoever takes it has to look."""


class JobType(_Type):
    """The number of a job, as ``7``, or ``%7`` as other shells write it."""

    name = "job"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; fails unless it is one."""
        if isinstance(value, int):
            return value
        text = str(value).removeprefix("%")
        if not text.isdecimal():
            self.fail(f"{value!r} is no number of a job", param, ctx)
        return int(text)


JOB: Final = JobType()


class NodesType(_Type):
    """Numbers of nodes, as ``yod`` writes them, ``0..7,12``, or ``srun``, ``n[0-7,12]``."""

    name = "nodes"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return the numbers in the order in which they are written; fails if it is no list."""
        if isinstance(value, tuple):
            return value
        try:
            return node_list(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


NODES: Final = NodesType()


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


class NodeSetType(_Type):
    """A set of nodes, in numbers and ranges or in a word: ``0..7,12``, ``all``, ``service``."""

    name = "node-set"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> NodeSet:
        """Return the set; fails if it is none."""
        if isinstance(value, NodeSet):
            return value
        try:
            return NodeSet.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


NODE_SET: Final = NodeSetType()


_LONGEST: Final = 7
"""Digits that the number of a node may have."""


def _number(text: str, whole: str) -> int:
    digits = text.strip().lstrip("abcdefghijklmnopqrstuvwxyz")
    if not (digits.isdecimal() and digits.isascii()) or len(digits) > _LONGEST:
        raise ValueError(f"{whole!r} is no list of nodes; write such as 0..7,12")
    return int(digits)


def write_nodes(numbers: tuple[int, ...] | list[int]) -> str:
    """Return a list of nodes as `node_list` reads it, with runs as ranges: ``0..7,12``."""
    parts: list[str] = []
    at = 0
    while at < len(numbers):
        end = at
        while end + 1 < len(numbers) and numbers[end + 1] == numbers[end] + 1:
            end += 1
        parts.append(str(numbers[at]) if end == at else f"{numbers[at]}..{numbers[end]}")
        at = end + 1
    return ",".join(parts)
