"""Data on their way from the memory of processes to the disk of an I/O node."""

from __future__ import annotations

import errno
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from vmpp.engine import SECOND
from vmpp.portals import (
    AckOutcome,
    DynamicBlock,
    Header,
    Heap,
    MemoryOperation,
    PortalEntry,
    SendInfo,
)
from vmpp.process.striping import DATA_PORTAL
from vmpp.service.parallel.transfers import Piece, Writing

if TYPE_CHECKING:
    from vmpp.service.parallel.server import ParallelServer

WINDOW: Final = 256 << 10
"""Bytes of one transfer that are asked for and have not come, at the most: enough for a network to
be busy, and little enough for the client not to keep its other servers waiting meanwhile."""

BATCH: Final = 1 << 20
"""Bytes of one transfer that are given to the host together."""

PATIENCE: Final = 10 * SECOND
"""For how long data may be on their way that a server has asked for, ps, if others want the buffers
that are kept for them."""

_HEAP_BYTES: Final = 1 << 40


class _Pull(NamedTuple):
    """A piece that has been asked for, for which transfer, and when."""

    transfer: Writing
    piece: Piece
    since: int


class Fetching:
    """Asks processes for what they want written, piece after piece, as long as there are buffers.

    Transfers that wait for buffers get them in turn. A piece that has come is in the cache when
    that has room for it, which is when its buffer is free again, and with the host before its
    transfer is reported as done. What never comes, for its sender is no more, keeps its buffer
    until the system says so, or others have waited for it for too long.

    Attributes:
        room: bytes of buffers that nobody has.
        pulls: what has been asked for, by number.
    """

    __slots__ = ("_alarm", "_heap", "_number", "_server", "_waiting", "pulls", "room")

    def __init__(self, server: ParallelServer, buffers: int) -> None:
        self.room = buffers
        self.pulls: dict[int, _Pull] = {}
        self._server = server
        # Those that may ask for more, and each of them for a piece that there is.
        self._waiting: deque[Writing] = deque()
        self._number = 0
        # When somebody who waits for buffers loses patience; 0: nobody waits.
        self._alarm = 0
        self._heap = Heap(_HEAP_BYTES)
        data = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap)
        server.table.install(DATA_PORTAL, PortalEntry(data, self._arrived))

    def begin(self, transfer: Writing) -> None:
        """Begin to fetch the data of a transfer, which has some."""
        self._queue(transfer)
        self.proceed()

    def _queue(self, transfer: Writing) -> None:
        """Have a transfer ask for its next piece when it is its turn, if it may ask for more."""
        piece = transfer.next
        if piece is not None and not transfer.waits and transfer.asked + piece.length <= WINDOW:
            transfer.waits = True
            self._waiting.append(transfer)

    def proceed(self) -> None:
        """Ask for data, of one transfer after the other in turn, as far as there are buffers."""
        waiting, server = self._waiting, self._server
        now = server.kernel.engine.now
        server.clock = max(server.clock, now)
        while waiting:
            transfer = waiting[0]
            piece = transfer.next
            assert piece is not None
            if piece.length > self.room:
                self._set_alarm(now)
                return
            waiting.popleft()
            transfer.waits = False
            self._ask(_Pull(transfer, transfer.take(), now))
            self._queue(transfer)
        self.clear_alarm()

    def _ask(self, pull: _Pull) -> None:
        transfer, piece, _ = pull
        self.room -= piece.length
        self._number += 1
        transfer.pulls[self._number] = None
        transfer.asked += piece.length
        self.pulls[self._number] = pull
        info = SendInfo(
            read=True,
            offset=piece.place,
            reply_length=piece.length,
            return_portal=DATA_PORTAL,
            return_bits=self._number,
        )
        server = self._server
        server.kernel.send(server, transfer.client, DATA_PORTAL, transfer.bits, None, 0, info)

    def _arrived(self, header: Header, outcome: int) -> None:
        """Take data that have been asked for: the handler of the portal."""
        if outcome == AckOutcome.DROPPED:
            return
        self._heap.messages.pop()
        self._heap.free(header)
        pull = self.pulls.get(header.bits)
        source = header.source
        if pull is None or (source.nid, source.pid) != (
            pull.transfer.client.nid,
            pull.transfer.client.pid,
        ):
            # Nobody waits for it any more, or it comes from somebody who has not been asked.
            return
        if header.length != pull.piece.length:
            # There is no process any more, or it has sent something else of its own accord.
            self._server.drop(pull.transfer)
        else:
            del self.pulls[header.bits], pull.transfer.pulls[header.bits]
            pull.transfer.asked -= pull.piece.length
            self._queue(pull.transfer)
            self._keep(pull.transfer, pull.piece, header.body)
        self.proceed()

    def _keep(self, transfer: Writing, piece: Piece, body: Any) -> None:
        """Keep a piece that has come: in the cache now, with the host before that is reported."""
        server = self._server
        now = server.kernel.engine.now
        done = server.disk.write(now, transfer.file, piece.offset, piece.length)
        if done is None:
            self.room += piece.length
            transfer.error = errno.ENOSPC
            server.fail(transfer)
            return
        if done <= now:
            self.room += piece.length
        else:
            server.kernel.engine.at(done, self._release, piece.length)
        transfer.keep(piece, body, done)
        server.bytes_written += piece.length
        if transfer.complete:
            write = partial(self._write, transfer, transfer.hand_over())
            server.host.add(write, max(now, transfer.done), self._written, transfer)
        elif transfer.held >= BATCH:
            server.host.add(partial(self._write, transfer, transfer.hand_over()))

    def _write(self, transfer: Writing, pieces: list[tuple[int, Any]]) -> None:
        """Give the host what has come of a transfer: in the server's task."""
        server = self._server
        try:
            server.files.write(server.number, transfer.file, pieces)
        except OSError as error:
            transfer.error = error.errno or errno.EIO

    def _written(self, transfer: Writing) -> None:
        if self._server.works_on(transfer):
            self._server.moved(transfer)

    def _release(self, length: int) -> None:
        """Use a buffer again, for the cache has had room for what was in it."""
        self.room += length
        self.proceed()

    def drop(self, transfer: Writing) -> None:
        """Ask for no more data of a transfer, and wait for none."""
        for number in transfer.pulls:
            self.room += self.pulls.pop(number).piece.length
        transfer.pulls.clear()
        if transfer.waits:
            transfer.waits = False
            self._waiting.remove(transfer)

    # -- data that never come ------------------------------------------------------------------

    def _set_alarm(self, now: int) -> None:
        """See to it that those who wait for buffers do not wait for ever."""
        if not self._alarm and self.pulls:
            oldest = next(iter(self.pulls.values()))
            self._alarm = max(oldest.since + PATIENCE, now)
            self._server.kernel.engine.at(self._alarm, self._lose_patience)

    def clear_alarm(self) -> None:
        """Take note that nobody waits for buffers."""
        if self._alarm:
            self._server.kernel.engine.cancel(self._alarm, self._lose_patience)
            self._alarm = 0

    def _lose_patience(self, _: object) -> None:
        """Give a transfer up whose data do not come, to have the buffers."""
        self._alarm = 0
        if self.pulls:
            transfer, _, since = next(iter(self.pulls.values()))
            if since + PATIENCE <= self._server.kernel.engine.now:
                transfer.error = errno.EIO
                self._server.fail(transfer)
        self.proceed()
