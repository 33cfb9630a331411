"""Switches of a command line that an application is set up by, as on the Paragon."""

from __future__ import annotations

from collections.abc import MutableSequence
from dataclasses import dataclass, field
from typing import Any, Final

from vmpp_nx._errors import Refused


@dataclass(slots=True)
class Wanted:
    """What an application is to be.

    Attributes:
        partition: name of the partition; empty: the usual one.
        size: how many nodes; 0: as many as usual.
        shape: rows and columns instead; None: it need be no rectangle.
        anchor: place of its first node in the partition; -1: any.
        priority: of its processes, 0 to 10; None: the usual.
        places: places of its nodes in the partition; empty: any will do.
        settings: keys of the machine's file that are other for its processes.
    """

    partition: str = ""
    size: int = 0
    shape: tuple[int, int] | None = None
    anchor: int = -1
    priority: int | None = None
    places: tuple[int, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)


def _size(wanted: Wanted, text: str) -> None:
    words = text.lower().split("x")
    numbers = [int(word) for word in words]
    if len(numbers) == 1:
        wanted.size = numbers[0]
    else:
        rows, columns = numbers
        wanted.shape = rows, columns


def _partition(wanted: Wanted, text: str) -> None:
    wanted.partition = text


def _priority(wanted: Wanted, text: str) -> None:
    wanted.priority = int(text)


_SWITCHES: Final = {"-sz": _size, "-pn": _partition, "-pri": _priority}
"""Those that say what an application is to be; each takes a word."""

_SETTINGS: Final = frozenset(
    ("-mbf", "-mex", "-mea", "-pkt", "-sth", "-sct", "-gth", "-noc", "-pt")
)
"""Those that say how messages of its processes are kept, and their process type."""
_OTHERS: Final = frozenset(("-on", "-nd"))
"""Those that mean nothing to a program that says itself where others are loaded."""


def take_switches(wanted: Wanted, argc: Any, argv: Any) -> None:
    """Do what the switches in *argv* say, and take them out of it.

    Args:
        wanted: what is changed.
        argc: a cell that gets the new length of *argv*, or None.
        argv: a list, the name of the program first; or None.

    Raises:
        Refused: EQPARAM: a switch lacks its value, or that is none.
    """
    if argv is None:
        return
    rest: list[Any] = list(argv[:1])
    words = iter(argv[1:])
    for word in words:
        switch = _SWITCHES.get(word)
        if word == "-rlx":
            wanted.settings["nx.rlx"] = "true"
            continue
        if switch is None and word not in _OTHERS and word not in _SETTINGS:
            rest += [word] if word != "-plk" else []
            continue
        value = next(words, None)
        if value is None:
            raise Refused("EQPARAM", f"{word} lacks its value")
        try:
            if switch is not None:
                switch(wanted, str(value))
            elif word in _SETTINGS:
                name = "ptype" if word == "-pt" else word[1:]
                wanted.settings[f"nx.{name}"] = str(int(value))
        except ValueError:
            raise Refused("EQPARAM", f"{word} {value}") from None
    if isinstance(argv, MutableSequence):
        argv[:] = rest
    if argc is not None and not isinstance(argc, int):
        argc[0] = len(rest)
