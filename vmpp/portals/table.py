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


class LatePortals:
    """Stands for portals that are set up when one of them is needed first.

    Nothing in it belongs to one process: one object stands in the tables of all processes that a
    library is linked to, and most of them never use the library.

    Attributes:
        indices: of the portals.
        set_up: called with a process, in user space, to install them. No message may be missed, so
            the first that arrives has it called, whether the process runs or not.
    """

    __slots__ = ("indices", "set_up")

    def __init__(self, indices: tuple[int, ...], set_up: Callable[[Any], object]) -> None:
        self.indices = indices
        self.set_up = set_up


class PortalTable:
    """A process's portals, by index.

    Attributes:
        entries: `PORTALS` places; None where no portal is set up.
        dropped: a bit per portal that discarded a message; the owner clears it.
        drops: messages discarded in all, those for portals that do not exist included.
    """

    __slots__ = ("dropped", "drops", "entries")

    def __init__(self) -> None:
        self.entries: list[PortalEntry | LatePortals | None] = [None] * PORTALS
        self.dropped = 0
        self.drops = 0

    def install(self, index: int, entry: PortalEntry) -> None:
        """Set up portal *index*.

        Raises:
            ValueError: there is no such index, or it is taken.
        """
        self._check(index)
        self.entries[index] = entry

    def promise(self, late: LatePortals) -> None:
        """Have portals set up when they are needed.

        Raises:
            ValueError: as `install`.
        """
        for index in late.indices:
            self._check(index)
        for index in late.indices:
            self.entries[index] = late

    def needed(self, index: int, process: Any) -> PortalEntry | None:
        """Return portal *index* of *process*, whose table this is; set it up if that was promised.

        None if there is no such portal.
        """
        entry = self.entries[index]
        if type(entry) is LatePortals:
            for each in entry.indices:
                self.entries[each] = None
            entry.set_up(process)
            entry = self.entries[index]
        return entry if type(entry) is PortalEntry else None

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

    def _check(self, index: int) -> None:
        if not 0 <= index < PORTALS:
            raise ValueError(f"portal {index} is not between 0 and {PORTALS - 1}")
        if self.entries[index] is not None:
            raise ValueError(f"portal {index} is in use")
