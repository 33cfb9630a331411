"""Streams of bytes between processes: what is under their sockets.

A process has one portal for all of its streams. Every end of a stream has a number there, which is
in the match bits of what is sent to it. Its peer may send as many bytes as there is room for in a
window, and is told when some of them have been taken; so no message ever finds the heap full. An
event handler takes the messages, whatever the program does meanwhile.

Whoever sends to a process that has ended is told by that process's kernel; of a node that has
crashed nothing is heard.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import msgspec

from vmpp.portals import (
    AckOutcome,
    Address,
    DynamicBlock,
    Header,
    Heap,
    MemoryOperation,
    PortalEntry,
    SendInfo,
)

if TYPE_CHECKING:
    from vmpp.engine import Fiber
    from vmpp.kernel import Process

PORTAL: Final = 3
"""The portal of a process that its streams come to."""
WINDOW: Final = 1 << 16
"""How many bytes may be under way or wait at the end of a stream."""

_HEAP_BYTES: Final = 1 << 20
_NUMBER_BITS: Final = 28
_NUMBER_MASK: Final = (1 << _NUMBER_BITS) - 1

Name: TypeAlias = tuple[str, int] | str | bytes
"""What a socket is known by: an address and a port, or the name of a place on a node."""


class Kind(IntEnum):
    """What a message says, of the end that it is for.

    OPEN asks a listener for a connection and names both ends; ACCEPT says by what number it can be
    reached. DATA has bytes, CREDIT tells in its user data how many have been taken, FINISH that no
    more will come, and RESET that there is nobody any more.
    """

    OPEN = 0
    ACCEPT = 1
    DATA = 2
    CREDIT = 3
    FINISH = 4
    RESET = 5


def _bits(kind: Kind, to: int, own: int) -> int:
    return (kind << _NUMBER_BITS | to) << _NUMBER_BITS | own


class Change:
    """The fibers that wait for something to change."""

    __slots__ = ("_fibers",)

    def __init__(self) -> None:
        self._fibers: list[Fiber] = []

    def wait(self, process: Process, end: int | None) -> bool:
        """Block until `tell`, or time *end* in picoseconds; return False if that has come.

        It may end without a change as well.
        """
        left = None if end is None else end - process.clock
        if left is not None and left <= 0:
            return False
        fiber = process.fiber
        assert fiber is not None
        self._fibers.append(fiber)
        try:
            process.park(left)
        finally:
            self._fibers.remove(fiber)
        return True

    def tell(self, process: Process) -> None:
        """Let all look again that wait; a handler's or a fiber's call."""
        for fiber in self._fibers:
            process.unpark(fiber)


class End(Protocol):
    """What messages come for: the end of a stream, or what takes connections."""

    def take(self, kind: int, header: Header, far: int) -> None:
        """Take a message of *kind* from the end *far* of its sender; a handler's call."""
        ...


class Streams:
    """The streams of one process.

    Attributes:
        process: whose they are.
    """

    __slots__ = ("_ends", "_heap", "_made", "process")

    def __init__(self, process: Process) -> None:
        self.process = process
        self._made = 0
        self._ends: dict[int, End] = {}
        self._heap = Heap(_HEAP_BYTES)
        block = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap)
        process.table.install(PORTAL, PortalEntry(block, self._arrived))

    def add(self, end: End) -> int:
        """Return the number of a new *end*."""
        self._made += 1
        self._ends[self._made] = end
        return self._made

    def remove(self, number: int) -> None:
        """Forget an end; what comes for it from now on is answered by a reset."""
        self._ends.pop(number, None)

    def pair(self) -> tuple[Stream, Stream]:
        """Return the two ends of a stream within the process."""
        one, other = Stream(self), Stream(self)
        own = self.process.address
        one.open(own, other.number)
        other.open(own, one.number)
        return one, other

    def send(
        self, peer: Address, kind: Kind, to: int, own: int, body: bytes = b"", count: int = 0
    ) -> None:
        """Send a message for the end *to* of *peer*; the end *own* is reset if nobody is there."""
        returns = kind in (Kind.OPEN, Kind.DATA)
        info = SendInfo(
            return_portal=PORTAL if returns else -1,
            return_bits=_bits(Kind.RESET, own, 0),
            user_data=count,
        )
        process = self.process
        bits = _bits(kind, to, own)
        process.kernel.send(process, peer, PORTAL, bits, body or None, len(body), info)

    def _arrived(self, header: Header, outcome: int) -> None:
        """Take a message: the handler of the portal."""
        if outcome == AckOutcome.DROPPED:
            return
        self._heap.messages.remove(header)
        self._heap.free(header)
        kind = header.bits >> 2 * _NUMBER_BITS
        end = self._ends.get(header.bits >> _NUMBER_BITS & _NUMBER_MASK)
        far = header.bits & _NUMBER_MASK
        if end is not None:
            end.take(kind, header, far)
        elif kind in (Kind.OPEN, Kind.ACCEPT, Kind.DATA):
            self.send(header.source, Kind.RESET, far, 0)


class Stream:
    """One end of a stream of bytes.

    Attributes:
        streams: those of its process.
        number: by which its peer sends to it.
        names: what its own end and the other one are known by, once it has been accepted.
        opened: whether there is another end.
        finished: whether no more bytes will come.
        closed: whether no more bytes can be sent.
        error: number of what has befallen it and nobody was told of yet; 0: nothing.
    """

    __slots__ = (
        "_change", "_credit", "_deaf", "_far", "_incoming", "_peer", "_taken", "closed", "error",
        "finished", "names", "number", "opened", "streams",
    )  # fmt: skip

    def __init__(self, streams: Streams, names: tuple[Name, Name] = ("", "")) -> None:
        self.streams = streams
        self.names = names
        self.opened = self.finished = self.closed = self._deaf = False
        self.error = 0
        self._peer: Address | None = None
        self._far = 0
        self._incoming = bytearray()
        self._taken = 0
        self._credit = WINDOW
        self._change = Change()
        self.number = streams.add(self)

    # -- opening -------------------------------------------------------------------------------

    def knock(self, peer: Address, listener: int) -> None:
        """Ask the *listener* of another process for a connection, by the names of both ends."""
        self._peer = peer
        names = msgspec.msgpack.encode(self.names)
        self.streams.send(peer, Kind.OPEN, listener, self.number, names)

    def open(self, peer: Address, far: int) -> None:
        """Take note that the other end is the end *far* of *peer*."""
        self._peer, self._far, self.opened = peer, far, True

    def accept(self) -> None:
        """Tell the other end that it has been heard."""
        self._send(Kind.ACCEPT)

    def await_opening(self, end: int | None) -> None:
        """Wait until the other end has answered. Raises as `receive`, and ECONNREFUSED."""
        self._await(lambda: self.opened, end)

    # -- bytes ---------------------------------------------------------------------------------

    def receive(self, size: int, end: int | None = None, peek: bool = False) -> bytes:
        """Return up to *size* bytes as soon as there are any; none if no more will come.

        Args:
            end: until when to wait, in picoseconds; None: for ever.
            peek: whether they are to stay.

        Raises:
            TimeoutError: the time has come.
            OSError: ECONNRESET, the other end is gone; EBADF, this one has been closed.
        """
        self._await(lambda: bool(self._incoming) or self._no_more() or not size, end)
        data = bytes(self._incoming[:size])
        if not peek:
            del self._incoming[:size]
            self._tell_taken(len(data))
        return data

    def send(self, data: memoryview, end: int | None = None) -> int:
        """Send some of *data* as soon as there is room for any; return how many bytes.

        Raises:
            TimeoutError: the time has come.
            OSError: as `receive`; EPIPE, no more can be sent.
        """
        self._await(lambda: not self.error and bool(self._credit or self.closed), end)
        if self.closed:
            raise OSError(errno.EPIPE, os.strerror(errno.EPIPE))
        body = bytes(data[: self._credit])
        if body:
            self._credit -= len(body)
            self._send(Kind.DATA, body)
        return len(body)

    def _no_more(self) -> bool:
        return self.finished and not self.error

    def _tell_taken(self, count: int) -> None:
        self._taken += count
        if self._taken >= WINDOW // 2 and not self.finished:
            self._send(Kind.CREDIT, count=self._taken)
            self._taken = 0

    def _await(self, condition: Callable[[], bool], end: int | None) -> None:
        process = self.streams.process
        while not condition():
            if self.error:
                error, self.error = self.error, 0
                raise OSError(error, os.strerror(error))
            if not self._change.wait(process, end):
                raise TimeoutError("timed out")

    def _send(self, kind: Kind, body: bytes = b"", count: int = 0) -> None:
        assert self._peer is not None
        self.streams.send(self._peer, kind, self._far, self.number, body, count)

    # -- the end -------------------------------------------------------------------------------

    def finish(self) -> None:
        """Say that no more bytes will be sent."""
        if self.opened and not self.closed:
            self.closed = True
            self._send(Kind.FINISH)

    def shut_ears(self) -> None:
        """Take no more bytes: what comes is thrown away."""
        self._deaf = self.finished = True
        count = len(self._incoming)
        self._incoming.clear()
        if self._taken + count:
            self._send(Kind.CREDIT, count=self._taken + count)
        self._taken = 0
        self._change.tell(self.streams.process)

    def close(self) -> None:
        """End both directions: the peer reads the end, or is reset if bytes were left unread."""
        self._end(reset=bool(self._incoming))

    def reset(self) -> None:
        """End both directions, and tell the peer that there is nobody."""
        self._end(reset=True)

    def _end(self, reset: bool) -> None:
        self.streams.remove(self.number)
        if reset and self.opened:
            self._send(Kind.RESET)
        else:
            self.finish()
        self.closed = True
        self.error = errno.EBADF
        self._change.tell(self.streams.process)

    # -- what the handler calls ----------------------------------------------------------------

    def take(self, kind: int, header: Header, far: int) -> None:
        """Take a message for this end; what does not come from the other end is ignored."""
        source, peer = header.source, self._peer
        returned = source.group == 0 and kind == Kind.RESET
        if peer is None or not (returned or _same(source, peer)):
            return
        if kind == Kind.DATA:
            self._take_bytes(header)
        elif kind == Kind.CREDIT:
            self._take_credit(header)
        elif kind == Kind.ACCEPT and not self.opened:
            self.open(peer, far)
        elif kind == Kind.FINISH:
            self.finished = True
        elif kind == Kind.RESET:
            self._take_reset()
        self._change.tell(self.streams.process)

    def _take_credit(self, header: Header) -> None:
        count = 0 if header.info is None else header.info.user_data
        if isinstance(count, int):
            self._credit = min(WINDOW, self._credit + max(0, count))

    def _take_reset(self) -> None:
        if not self.opened:
            self.error = errno.ECONNREFUSED
            return
        if not self.finished:
            self.error = errno.ECONNRESET
        self.finished = self.closed = True

    def _take_bytes(self, header: Header) -> None:
        if self._deaf:
            self._send(Kind.CREDIT, count=header.length)
        elif len(self._incoming) + header.length <= WINDOW:
            self._incoming += header.body or b""


def _same(one: Address, other: Address) -> bool:
    return (one.nid, one.pid, one.rank, one.group) == (
        other.nid, other.pid, other.rank, other.group,
    )  # fmt: skip
