"""The portal table of a process."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any, Final

from vmpp.portals.descriptors import Descriptor
from vmpp.portals.handlers import KernelHandler
from vmpp.portals.header import Header
from vmpp.portals.match import MatchList

PORTALS: Final = 64
"""Entries of a portal table."""


class PortalEntry:
    """One portal.

    Attributes:
        target: a memory descriptor or a match list.
        active: whether messages are taken.
        handler: called in user space, with the header and the `AckOutcome`, after the kernel saved
            or discarded a message for this portal; or one that the kernel has checked, which it
            runs itself on a message that it has a descriptor for, and before it saves anything.
        raised_by: the descriptors whose messages the handler is for; None: all messages.
        drops: messages discarded here; the owner may set it back.
    """

    __slots__ = ("active", "drops", "handler", "raised_by", "target")

    def __init__(
        self,
        target: Descriptor | MatchList | None,
        handler: Callable[[Header, int], Any] | KernelHandler | None = None,
        raised_by: Container[Any] | None = None,
    ) -> None:
        self.target = target
        self.handler = handler
        self.raised_by = raised_by
        self.active = True
        self.drops = 0


class PortalTable:
    """A process's portals, by index.

    Attributes:
        entries: `PORTALS` places; None where no portal is set up.
        dropped: a bit per portal that discarded a message; the owner clears it.
        drops: messages discarded in all, those for portals that do not exist included.
    """

    __slots__ = ("dropped", "drops", "entries")

    def __init__(self) -> None:
        self.entries: list[PortalEntry | None] = [None] * PORTALS
        self.dropped = 0
        self.drops = 0

    def install(self, index: int, entry: PortalEntry) -> None:
        """Set up portal *index*.

        Raises:
            ValueError: there is no such index, or it is taken.
        """
        if not 0 <= index < PORTALS:
            raise ValueError(f"portal {index} is not between 0 and {PORTALS - 1}")
        if self.entries[index] is not None:
            raise ValueError(f"portal {index} is in use")
        self.entries[index] = entry

    def allocate(self, entry: PortalEntry) -> int:
        """Set up the highest portal that is not in use and return its index.

        Raises:
            ValueError: all are in use.
        """
        for index in reversed(range(PORTALS)):
            if self.entries[index] is None:
                self.entries[index] = entry
                return index
        raise ValueError(f"all {PORTALS} portals are in use")

    def remove(self, index: int) -> None:
        """Take portal *index* down; messages for it are dropped from now on."""
        self.entries[index] = None
