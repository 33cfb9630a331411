"""Faults to be injected into a machine, as people write them.

    node 3 crash
    link 3-4 down                     both directions; link 3->4, or link 3 to 4, for one
    link 3-4 up
    link 3-s0 down                    between a node and a switch, or s0-s7 between two switches
    server files stop
    server files start
    drop 1% from 0..7 to all          between sets of nodes: numbers and ranges, all, compute,
    drop off                          service or io

``at 2 ms`` behind any of them says when it happens, in virtual time of the machine, ``in 2 ms`` how
long from now, and without either it is now; ``between 1 ms and 2 ms`` says from when until when
messages are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, TypeAlias

from vmpp.engine import SECOND
from vmpp.errors import VmppError
from vmpp.machine.nodesets import NodeSet
from vmpp.quantities import DURATION, duration

WORDS: Final = (
    "node", "link", "server", "drop", "crash", "down", "up", "stop", "start", "off", "from", "to",
    "all", "compute", "service", "io", "at", "in", "between", "and",
)  # fmt: skip
"""The words that faults are written with."""


class FaultError(VmppError):
    """A fault that cannot be; the message says why."""


@dataclass(frozen=True, slots=True)
class NodeCrash:
    """A compute or I/O node crashes.

    Attributes:
        node: its number.
        time: when, in picoseconds of the machine's virtual time; None: now.
    """

    node: int
    time: int | None = None

    @classmethod
    def of(cls, node: int, at: float | str | None) -> NodeCrash:
        """Return the crash of *node* at a time in seconds, or in words as in `parse`; None: now.

        Raises:
            FaultError: *at* is no time.
        """
        if at is None:
            return cls(node)
        try:
            return cls(node, duration(at) if isinstance(at, str) else round(Fraction(at) * SECOND))
        except (ValueError, OverflowError) as error:
            raise FaultError(f"a crash of node {node}: {error}") from None

    def __str__(self) -> str:
        return f"node {self.node} crash{_at(self.time)}"


@dataclass(frozen=True, slots=True)
class LinkChange:
    """The link between two neighbours goes down, or comes up again.

    Attributes:
        source, destination: numbers of nodes, or such as ``"s0"`` of switches.
        both: whether the link back does so, too.
        up: which of the two.
        time: as of `NodeCrash`.
    """

    source: int | str
    destination: int | str
    both: bool
    up: bool
    time: int | None = None

    def __str__(self) -> str:
        arrow, way = "-" if self.both else "->", "up" if self.up else "down"
        return f"link {self.source}{arrow}{self.destination} {way}{_at(self.time)}"


@dataclass(frozen=True, slots=True)
class ServerChange:
    """A server of the service partition is stopped, or started again.

    Attributes:
        name: of the server.
        running: which of the two.
        time: as of `NodeCrash`.
    """

    name: str
    running: bool
    time: int | None = None

    def __str__(self) -> str:
        return f"server {self.name} {'start' if self.running else 'stop'}{_at(self.time)}"


@dataclass(frozen=True, slots=True)
class Drop:
    """Messages between two sets of nodes get lost at random.

    Attributes:
        share: of them that do, from 0 to 1.
        sources, destinations: the nodes that they come from and go to.
        time: from when on, as of `NodeCrash`.
        end: until when; None: for ever.
    """

    share: Fraction
    sources: NodeSet
    destinations: NodeSet
    time: int | None = None
    end: int | None = None

    def __str__(self) -> str:
        when = _at(self.time)
        if self.time is not None and self.end is not None:
            when = f" between {DURATION.write(self.time)} and {DURATION.write(self.end)}"
        percent = float(self.share * 100)
        return f"drop {percent:g}% from {self.sources} to {self.destinations}{when}"


@dataclass(frozen=True, slots=True)
class DropOff:
    """No message gets lost at random any more.

    Attributes:
        time: from when on, as of `NodeCrash`.
    """

    time: int | None = None

    def __str__(self) -> str:
        return f"drop off{_at(self.time)}"


Fault: TypeAlias = NodeCrash | LinkChange | ServerChange | Drop | DropOff


def parse(text: str, now: int = 0) -> Fault:
    """Read a fault such as ``"node 3 crash at 2 ms"``; how others are written, the module says.

    *now* is the machine's time, in picoseconds.

    Raises:
        FaultError: it is written otherwise.
    """
    words = text.split(None, 1)
    kind = _KINDS.get(words[0].lower()) if words else None
    if kind is None:
        raise FaultError(
            f'fault "{text}": write it such as "node 3 crash at 2 ms", "link 3-4 down", '
            '"server files stop" or "drop 1% from 0..7 to all"'
        )
    for pattern, read in kind.forms:
        found = pattern.fullmatch(text)
        if found is not None:
            try:
                return _later(read(found), found, now)
            except ValueError as error:
                raise FaultError(f'fault "{text}": {error}') from None
    raise FaultError(f'fault "{text}": write it such as {kind.examples}')


@dataclass(frozen=True, slots=True)
class _Kind:
    """The forms of the faults that begin with one word, and how they are written."""

    examples: str
    forms: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Fault]], ...]


def _form(pattern: str) -> re.Pattern[str]:
    """Return what matches a fault written like *pattern*, with any space, and maybe a time."""
    spaced = pattern.replace(" ", r"\s+")
    return re.compile(
        rf"\s*{spaced}(?:\s+(?:at\s+(?P<at>\S.*)|in\s+(?P<in>\S.*)))?\s*", re.IGNORECASE
    )


def _later(fault: Fault, found: re.Match[str], now: int) -> Fault:
    """Return *fault*, so long from *now* as it is said to happen."""
    return fault if found["in"] is None else replace(fault, time=now + duration(found["in"]))


def _time(found: re.Match[str]) -> int | None:
    return None if found["at"] is None else duration(found["at"].rstrip())


def _at(time: int | None) -> str:
    return "" if time is None else f" at {DURATION.write(time)}"


def _crash(found: re.Match[str]) -> Fault:
    return NodeCrash(int(found["node"]), _time(found))


def _link(found: re.Match[str]) -> Fault:
    source, destination = _vertex(found["source"]), _vertex(found["destination"])
    up = found["way"].lower() == "up"
    return LinkChange(source, destination, found["arrow"] == "-", up, _time(found))


def _vertex(text: str) -> int | str:
    return int(text) if text.isdecimal() else text.lower()


def _server(found: re.Match[str]) -> Fault:
    return ServerChange(found["name"], found["way"].lower() == "start", _time(found))


def _drop(found: re.Match[str]) -> Fault:
    return Drop(*_dropped(found), _time(found))


def _drop_between(found: re.Match[str]) -> Fault:
    begin, end = duration(found["begin"]), duration(found["end"])
    if end <= begin:
        raise ValueError(f'"{found["end"]}" is not after "{found["begin"]}"')
    return Drop(*_dropped(found), begin, end)


def _dropped(found: re.Match[str]) -> tuple[Fraction, NodeSet, NodeSet]:
    share = Fraction(found["percent"]) / 100
    if not 0 < share <= 1:
        raise ValueError(f"{found['percent']}% is not more than 0% and at most 100%")
    return share, NodeSet.parse(found["sources"]), NodeSet.parse(found["destinations"])


def _drop_off(found: re.Match[str]) -> Fault:
    return DropOff(_time(found))


# Of what is between "from", "to", "at" and "between", a set of nodes takes as little as it can.
_DROP: Final = (
    r"drop (?P<percent>\d+(?:\.\d+)?)\s*% from (?P<sources>\S.*?) to (?P<destinations>\S.*?)"
)
_KINDS: Final = {
    "node": _Kind('"node 3 crash at 2 ms"', ((_form(r"node (?P<node>\d+) crash(?:es)?"), _crash),)),
    "link": _Kind(
        '"link 3-4 down at 2 ms", "link 3 to 4 down" or "link 3-4 up"',
        (
            (
                _form(
                    r"link (?P<source>s?\d+)\s*(?P<arrow>->?|to)\s*(?P<destination>s?\d+)"
                    r" (?P<way>down|up)"
                ),
                _link,
            ),
        ),
    ),
    "server": _Kind(
        '"server files stop at 2 ms" or "server files start"',
        ((_form(r"server (?P<name>[\w-]+) (?P<way>stop|start)"), _server),),
    ),
    "drop": _Kind(
        '"drop 1% from 0..7 to all", "drop 1% from all to 3 between 1 ms and 2 ms" or "drop off"',
        (
            (_form(_DROP + r" between (?P<begin>\S.*?) and (?P<end>\S.*?)"), _drop_between),
            (_form(_DROP), _drop),
            (_form("drop off"), _drop_off),
        ),
    ),
}
