"""The node buffer: a heap of bounded size that messages arrive in, and what it had no room for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vmpp.portals import (
    DynamicBlock,
    Header,
    Heap,
    MatchEntry,
    MatchList,
    MemoryOperation,
    PortalEntry,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from vmpp.portals import PortalTable

MESSAGE_PORTAL: Final = 16

_REMEMBERED: Final = 1024
"""Headers of lost messages that are kept until the program's next call."""
_ARRIVED, _LOST = range(2)
"""Places in the match list."""
_NONE_LOST: Final = Heap(0)
"""Stands for the headers of lost messages, of who keeps none."""


class Losses:
    """The messages that a node buffer has lost.

    Attributes:
        messages: how many.
        bytes: those of their bodies, as far as their headers were kept.
        kept: how many headers were.
        first: the first of these, and the bytes that were taken then; None: no header was kept.
    """

    __slots__ = ("bytes", "first", "kept", "messages")

    def __init__(self) -> None:
        self.messages = 0
        self.bytes = 0
        self.kept = 0
        self.first: tuple[Header, int] | None = None

    def add(self, header: Header, used: int) -> None:
        """Count one more, for which there was no room beside the *used* bytes."""
        if self.first is None:
            self.first = header, used
        self.messages += 1
        self.kept += 1
        self.bytes += header.length

    def describe(self, node: int, size: int) -> str:
        """Say what was lost by *node*, whose buffer has *size* bytes."""
        noun = "message was" if self.messages == 1 else "messages were"
        text = f"node {node}: Vertex's node buffer has overrun, and {self.messages} {noun} lost"
        if self.first is None:
            return f"{text} before the first call"
        header, used = self.first
        least = "at least " if self.kept < self.messages else ""
        return (
            f"{text} ({least}{self.bytes} bytes); the first from node {header.source.rank}, "
            f"type {header.bits}, {header.length} bytes, when {used} of {size} bytes were taken"
        )


class NodeBuffer:
    """Where messages arrive: one dynamic block, and one for the headers of those that do not fit.

    The second is there from the program's first call on; until then what does not fit is dropped
    and counted. Pieces that the program holds lie in the same memory.

    Attributes:
        heap: the memory, with the messages that wait, oldest first.
        taken: how many messages have been taken out so far.
    """

    __slots__ = ("_catch", "_dropped", "_entry", "_held", "_losses", "_lost", "heap", "taken")

    def __init__(self, table: PortalTable, size: int) -> None:
        self.heap = Heap(size)
        self.taken = 0
        self._entry = PortalEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self.heap))
        self._lost = _NONE_LOST
        self._catch: MatchEntry | None = None
        self._held: list[tuple[memoryview, int]] = []
        self._losses: Losses | None = None
        self._dropped = 0
        table.install(MESSAGE_PORTAL, self._entry)

    def remember_losses(self) -> None:
        """Keep the headers of messages that do not fit from now on."""
        block: Any = self._entry.target
        self._lost = Heap(_REMEMBERED * Heap.HEADER_BYTES)
        self._catch = MatchEntry(DynamicBlock(MemoryOperation.DYN_SV_HDR, self._lost), mask=0)
        arrived = MatchEntry(block, mask=0, next_no_fit=_LOST)
        self._entry.target = MatchList([arrived, self._catch], _ARRIVED)

    def interrupt(self, handler: Callable[[Header, int], Any] | None) -> None:
        """Have the kernel call *handler* for each message that arrives or is lost."""
        self._entry.handler = handler

    # -- messages ------------------------------------------------------------------------------

    def take(self, place: int) -> Header:
        """Take the message at *place* out; its memory is still the buffer's, see `free`."""
        self.taken += 1
        return self.heap.messages.pop(place)

    def hold(self, header: Header) -> memoryview:
        """Return the body of a message that was taken out, which stays in the buffer."""
        view = memoryview(bytearray(header.body or b""))
        self._held.append((view, header.length if header.body is not None else 0))
        return view

    def allocate(self, nbytes: int) -> memoryview | None:
        """Return a piece of *nbytes* of the buffer, None if there is no room for it."""
        if self.heap.used + Heap.HEADER_BYTES + nbytes > self.heap.size:
            return None
        self.heap.used += Heap.HEADER_BYTES + nbytes
        view = memoryview(bytearray(nbytes))
        self._held.append((view, nbytes))
        return view

    def holds(self, piece: object) -> bool:
        """Return whether *piece* is one that the program holds."""
        return any(view is piece for view, _ in self._held)

    def release(self, piece: object) -> bool:
        """Give the memory of a piece back; return whether the program held it."""
        for place, (view, nbytes) in enumerate(self._held):
            if view is piece:
                del self._held[place]
                self.heap.used -= Heap.HEADER_BYTES + nbytes
                return True
        return False

    # -- losses --------------------------------------------------------------------------------

    def losses(self) -> Losses | None:
        """Return what has been lost by now, None if nothing was."""
        if self._lost.messages or self._entry.drops != self._dropped:
            self._count()
        return self._losses

    def _count(self) -> None:
        """Count what has been lost since the last time."""
        found = self._losses = self._losses or Losses()
        for header in self._lost.messages:
            found.add(header, self.heap.used)
            self._lost.free(header)
        self._lost.messages.clear()
        found.messages += self._entry.drops - self._dropped
        self._dropped = self._entry.drops
        if self._catch is not None:
            # A heap that had no room for a header has had its entry taken out of service.
            self._catch.active = True
