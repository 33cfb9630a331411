"""Transfers that a parallel file server is at: which pieces of a file go where in a buffer."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from vmpp.portals import Address
from vmpp.process.striping import LEAST_UNIT, MOST_RUNS, RUN, ReadStripes, WriteStripes

PIECE: Final = 64 << 10
"""The most bytes that one message carries."""

_MOST: Final = 1 << 62


class Piece(NamedTuple):
    """Bytes that one message carries: offset in what the server has, in the buffer, and length."""

    offset: int
    place: int
    length: int


class Runs:
    """The stretches of a file that a request is about, as far as they are one server's business."""

    __slots__ = ("_runs", "layout", "place")

    def __init__(self, request: ReadStripes | WriteStripes, server: int) -> None:
        """Check what *request* says, of which nothing is certain.

        Raises:
            OSError: EBADMSG, it is garbage.
        """
        layout, runs = request.layout, request.runs
        servers = layout.servers
        if (
            server not in servers
            or len(set(servers)) < len(servers)
            or not LEAST_UNIT <= layout.unit <= _MOST
            or layout.file < 0
            or request.transfer >> 64
            or len(runs) % RUN.size
            or len(runs) > MOST_RUNS * RUN.size
        ):
            raise OSError(errno.EBADMSG, os.strerror(errno.EBADMSG))
        self.layout = layout
        self.place = servers.index(server)
        self._runs = list(RUN.iter_unpack(runs))
        for offset, length, place in self._runs:
            if min(offset, length, place) < 0 or max(offset, length, place) > _MOST:
                raise OSError(errno.EBADMSG, os.strerror(errno.EBADMSG))

    @property
    def end(self) -> int:
        """How far the server's part of the runs reaches in what it has of the file."""
        layout, place, end = self.layout, self.place, 0
        for offset, length, _ in self._runs:
            unit, first = layout.unit, offset // layout.unit
            if (first + (place - first) % layout.factor) * unit < offset + length:
                end = max(end, layout.part_length(place, offset + length))
        return end

    def pieces(self, most: int) -> Iterator[Piece]:
        """Yield the server's pieces, up to *most* bytes of what it has of the file.

        Those that follow one another both there and in the buffer are one, up to `PIECE`.
        """
        start = target = end = 0
        for offset, length, buffer in self._runs:
            for part, place, size in self.layout.parts(self.place, offset, length):
                if part >= most:
                    break
                stop = min(part + size, most)
                where = buffer + place - offset
                apart = part != end or where != target + end - start
                if apart or end - start >= PIECE:
                    yield from _split(start, target, end)
                    start, target = part, where
                end = stop
        yield from _split(start, target, end)


def _split(start: int, target: int, end: int) -> Iterator[Piece]:
    for offset in range(start, end, PIECE):
        yield Piece(offset, target + offset - start, min(PIECE, end - offset))


class Transfer:
    """A transfer that a server is at.

    Attributes:
        serial: what the server calls it by.
        client: the process that has asked for it.
        bits: of the descriptor that its data go to, or come from.
        layout: of the file.
        place: the server's place in that.
        moved: bytes moved so far.
        error: ``errno`` of what has gone wrong; 0: nothing has.
    """

    __slots__ = ("_next", "_rest", "bits", "client", "error", "layout", "moved", "place", "serial")

    def __init__(self, serial: int, client: Address, bits: int, runs: Runs, most: int) -> None:
        self.serial = serial
        self.client = client
        self.bits = bits
        self.layout = runs.layout
        self.place = runs.place
        self.moved = 0
        self.error = 0
        self._rest = runs.pieces(most)
        self._next = next(self._rest, None)

    @property
    def file(self) -> int:
        """The number of the file."""
        return self.layout.file

    @property
    def next(self) -> Piece | None:
        """The piece whose turn it is; None: all have had theirs."""
        return self._next

    def take(self) -> Piece:
        """Take the next piece, which there is."""
        piece = self._next
        assert piece is not None
        self._next = next(self._rest, None)
        return piece


class Reading(Transfer):
    """A transfer from the disk to a process.

    Attributes:
        sent: how many pieces have been sent.
        gone: when the data before those that are being sent have left the node, ps.
    """

    __slots__ = ("gone", "sent")

    def __init__(self, serial: int, client: Address, bits: int, runs: Runs, most: int) -> None:
        super().__init__(serial, client, bits, runs, most)
        self.gone = 0
        self.sent = 0

    def batch(self, most: int) -> list[Piece]:
        """Take pieces of *most* bytes together, at the most, or one that is longer."""
        taken: list[Piece] = []
        while self.next is not None and (not taken or self.next.length <= most):
            taken.append(self.take())
            most -= taken[-1].length
        return taken


class Writing(Transfer):
    """A transfer from a process to the disk.

    Attributes:
        pulls: numbers of the pieces that have been asked for and have not come.
        asked: bytes of them.
        waits: whether it waits for its turn to ask for more.
        held: bytes that have come and are not with the host yet.
        done: when what has come counts as written, ps.
        before: bytes that the server had of the file when it began.
    """

    __slots__ = ("_fetched", "asked", "before", "done", "held", "pulls", "waits")

    def __init__(self, serial: int, client: Address, bits: int, runs: Runs, before: int) -> None:
        super().__init__(serial, client, bits, runs, _MOST)
        self.before = before
        self.pulls: dict[int, None] = {}
        self.asked = 0
        self.waits = False
        self._fetched: list[tuple[int, Any]] = []
        self.held = 0
        self.done = 0

    @property
    def complete(self) -> bool:
        """Whether everything has come."""
        return self.next is None and not self.pulls

    def keep(self, piece: Piece, body: Any, done: int) -> None:
        """Keep a piece that has come, and counts as written at time *done*."""
        self._fetched.append((piece.offset, body))
        self.held += piece.length
        self.moved += piece.length
        self.done = max(self.done, done)

    def hand_over(self) -> list[tuple[int, Any]]:
        """Return the pieces that are not with the host, each with its offset, and keep them no
        longer."""
        fetched, self._fetched, self.held = self._fetched, [], 0
        return fetched
