"""Faults to be injected into a machine, as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from vmpp.engine import SECOND
from vmpp.errors import VmppError
from vmpp.machine.quantities import duration

_CRASH: Final = re.compile(r"\s*node\s+(\d+)\s+crash(?:es)?\s+at\s+(.*\S)\s*", re.IGNORECASE)


class FaultError(VmppError):
    """A fault that cannot be; the message says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A node that crashes.

    Attributes:
        node: its number.
        time: when, in picoseconds of the machine's virtual time.
    """

    node: int
    time: int

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read a fault such as ``"node 3 crash at 2 ms"``.

        Raises:
            FaultError: it is written otherwise.
        """
        found = _CRASH.fullmatch(text)
        if found is None:
            raise FaultError(f'fault "{text}": write it such as "node 3 crash at 2 ms"')
        node, when = found.groups()
        try:
            return cls(int(node), duration(when))
        except ValueError as error:
            raise FaultError(f'fault "{text}": {error}') from None

    @classmethod
    def of(cls, node: int, at: float | str | None, now: int) -> Fault:
        """Return the crash of *node*.

        Args:
            node: its number.
            at: when, in seconds or as in `parse`; None: now.
            now: the time, in picoseconds.

        Raises:
            FaultError: *at* is no time.
        """
        if at is None:
            return cls(node, now)
        try:
            return cls(node, duration(at) if isinstance(at, str) else round(Fraction(at) * SECOND))
        except (ValueError, OverflowError) as error:
            raise FaultError(f"a crash of node {node}: {error}") from None
