"""Data on their way from the disk of an I/O node to the memory of processes."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from vmpp.portals import SendInfo
from vmpp.process.striping import DATA_PORTAL
from vmpp.service.parallel.transfers import Piece, Reading

if TYPE_CHECKING:
    from vmpp.service.parallel.server import ParallelServer

BATCH: Final = 1 << 20
"""Bytes of one transfer that a server reads before others have their turn."""

MOST: Final = 4 * BATCH
"""Bytes of all transfers together that are read and have not left the node, at the most, or nearly:
enough for disk and network to be busy, however many clients there are."""


class _Batch(NamedTuple):
    """Pieces that have been read together: where they go, their bytes, when these are in memory."""

    transfer: Reading
    pieces: list[Piece]
    bodies: list[memoryview]
    ready: list[int]

    @property
    def length(self) -> int:
        """How many bytes there are."""
        return sum(piece.length for piece in self.pieces)


class Sending:
    """Sends processes what they have asked for, straight into their buffers.

    A transfer goes batch by batch: the next one is read, when its turn comes, as soon as the last
    but one has left the node. So the disk and the way out are busy together, and long transfers let
    others in between.
    """

    __slots__ = ("_room", "_server", "_waiting")

    def __init__(self, server: ParallelServer) -> None:
        self._server = server
        self._waiting: deque[Reading] = deque()
        self._room = MOST

    def begin(self, transfer: Reading) -> None:
        """Have the next pieces of a transfer sent when it is its turn, or report that all are."""
        self._waiting.append(transfer)
        self._proceed()

    def _proceed(self) -> None:
        while self._waiting and self._room >= BATCH:
            transfer = self._waiting.popleft()
            if self._server.works_on(transfer):
                self._next_batch(transfer)

    def _next_batch(self, transfer: Reading) -> None:
        server = self._server
        now = server.kernel.engine.now
        # It may have been cut meanwhile.
        length = server.disk.length(transfer.file)
        pieces = [each for each in transfer.batch(BATCH) if each.offset < length]
        if not pieces or transfer.error:
            server.moved(transfer)
            return
        ready = server.disk.read(
            now, transfer.file, [(each.offset, each.length) for each in pieces]
        )
        batch = _Batch(transfer, pieces, [], ready)
        self._room -= batch.length
        server.host.add(partial(self._read, batch), max(now, ready[0]), self._send, (batch, 0))

    def _read(self, batch: _Batch) -> None:
        """Read a batch from the host: in the server's task."""
        server, transfer = self._server, batch.transfer
        try:
            for row in _rows(batch.pieces):
                start, last = row[0].offset, row[-1]
                length = last.offset + last.length - start
                data = server.files.read(server.number, transfer.file, start, length)
                view = memoryview(data)
                for piece in row:
                    begin = piece.offset - start
                    batch.bodies.append(view[begin : begin + piece.length])
        except OSError as error:
            transfer.error = error.errno or errno.EIO

    def _send(self, what: tuple[_Batch, int]) -> None:
        """Send the pieces of a batch that are in memory, and see to the others when they are."""
        batch, first = what
        server, (transfer, pieces, bodies, ready) = self._server, batch
        engine = server.kernel.engine
        now = gone = engine.now
        if not server.works_on(transfer):
            self._release(batch)
            return
        server.clock = max(server.clock, now)
        for place in range(first, len(bodies)):
            if ready[place] > now:
                engine.at(ready[place], self._send, (batch, place))
                return
            piece = pieces[place]
            gone = server.kernel.send(
                server,
                transfer.client,
                DATA_PORTAL,
                transfer.bits,
                bodies[place],
                piece.length,
                SendInfo(offset=piece.place),
            )
            transfer.moved += piece.length
            transfer.sent += 1
            server.bytes_read += piece.length
        engine.at(max(now, gone), self._release, batch)
        later, transfer.gone = max(now, transfer.gone), gone
        if transfer.next is None:
            server.moved(transfer)
        elif later == now:
            self.begin(transfer)
        else:
            engine.at(later, self.begin, transfer)

    def _release(self, batch: _Batch) -> None:
        """Take note that a batch has left the node, or never will."""
        self._room += batch.length
        self._proceed()


def _rows(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Return the pieces that follow one another without a gap together."""
    rows: list[list[Piece]] = []
    end = -1
    for piece in pieces:
        if piece.offset == end:
            rows[-1].append(piece)
        else:
            rows.append([piece])
        end = piece.offset + piece.length
    return rows
