"""Load files of yod: a job of several programs, one member a line.

A line has the options ``-sz N`` or ``-list NODES``, the program and its arguments; the ranks follow
each other in the order of the lines, and what follows a ``#`` is a comment. Source: the usage of
Cplant's ``yod``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vmpp.errors import VmppError
from vmpp_shell.arguments.types import node_list
from vmpp_shell.scripts import logical_lines
from vmpp_shell.syntax import SyntaxMistake, Word, tokens


class LoadFileError(VmppError):
    """A load file that cannot be read; the text names the line."""


@dataclass(frozen=True, slots=True)
class Member:
    """One program of a job.

    Attributes:
        program: its name.
        arguments: of the program.
        size: how many ranks run it.
        nodes: theirs, in the order of ranks; empty if any will do.
    """

    program: str
    arguments: tuple[str, ...]
    size: int
    nodes: tuple[int, ...] = ()


def read_load_file(text: str, name: str, ranks: int = 1) -> list[Member]:
    """Return the members of the load file *name*, whose contents are *text*.

    Args:
        ranks: how many ranks a node takes.

    Raises:
        LoadFileError: a line is wrong, or there is no member, or only some have their nodes given.
    """
    members = list(_members(text, name, ranks))
    if not members:
        raise LoadFileError(f"{name}: no line names a program")
    if len({bool(member.nodes) for member in members}) > 1:
        raise LoadFileError(f"{name}: either all lines have -list, or none")
    return members


def _members(text: str, name: str, ranks: int) -> Iterator[Member]:
    number = 1
    for line in logical_lines(text):
        try:
            words = _words(line)
            if words:
                yield _member(words, ranks)
        except (ValueError, SyntaxMistake) as error:
            raise LoadFileError(f"{name}:{number}: {error}") from None
        number += line.count("\n") + 1


def _words(line: str) -> list[str]:
    words = []
    for token in tokens(line):
        if not isinstance(token, Word):
            raise ValueError(f"{token!r} means nothing here")
        words.append("".join(part.text for part in token.parts))
    return words


def _member(words: list[str], ranks: int) -> Member:
    size: int | None = None
    nodes: tuple[int, ...] = ()
    while words and words[0].startswith("-"):
        option, value, *words = [*words, ""] if len(words) < 2 else words
        if option in {"-sz", "-n", "-np"}:
            if not value.isdecimal() or not int(value):
                raise ValueError(f"{option} {value}: write how many ranks, 1 at least")
            size = int(value)
        elif option == "-list":
            nodes = node_list(value)
        else:
            raise ValueError(f"no such option: {option} (there is -sz, and -list)")
    if not words or not words[0]:
        raise ValueError("no program is named")
    room = len(nodes) * ranks
    if size is not None and nodes and size != room:
        raise ValueError(f"{size} ranks, but {len(nodes)} nodes")
    return Member(words[0], tuple(words[1:]), size or room or 1, nodes)
