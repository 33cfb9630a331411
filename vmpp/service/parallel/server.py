"""The parallel file server of an I/O node: moves data between its disk and processes' memory."""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import msgspec
from trio.lowlevel import ParkingLot

from vmpp.engine import SECOND
from vmpp.engine.bridge import Bridge, Ticket
from vmpp.hardware.disk import DiskParameters
from vmpp.hardware.disk_cache import DiskCache
from vmpp.kernel import QuintessentialKernel
from vmpp.portals import (
    AckOutcome,
    DynamicBlock,
    Header,
    Heap,
    MemoryOperation,
    PortalEntry,
    SendInfo,
)
from vmpp.process import striping
from vmpp.process.striping import (
    DATA_PORTAL,
    Cut,
    Moved,
    ReadStripes,
    Remove,
    Request,
    Seal,
    Sync,
    WriteStripes,
    server_name,
)
from vmpp.service.parallel.node_disk import NodeDisk
from vmpp.service.parallel.stripe_files import StripeFiles
from vmpp.service.parallel.transfers import Piece, Reading, Runs, Transfer, Writing
from vmpp.service.server import Server
from vmpp.service.status import ParallelServerStatus

BATCH: Final = 1 << 20
"""Bytes of one transfer that a server reads, or gives the host to write, before others have their
turn."""

PATIENCE: Final = 10 * SECOND
"""For how long data may be on their way that a server has asked for, ps, if others want the memory
that is kept for them."""

_HEAP_BYTES: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class IoCosts:
    """The constants of a parallel file server: times in picoseconds, memory in bytes.

    Attributes:
        request: the least that a request takes.
        buffers: memory for data that the server has asked for.
        cache: memory for blocks of the disk.
        write_behind: of that, what may be on its way to the disk yet.
        read_ahead: read beyond what a sequential reader asks for.
    """

    request: int
    buffers: int
    cache: int
    write_behind: int
    read_ahead: int


class ParallelServer(Server):
    """One process with a portal, and a Trio task, on one I/O node.

    In virtual time a request takes the server as long as `IoCosts.request`, the disk as long as
    `DiskCache` says, and the network and both kernels what any message takes. Data are read from
    the host, or written to it, by the server's task, in the order in which that is decided on in
    virtual time; with the bridge's ticket held where anybody waits for it.

    A transfer to a process goes batch by batch: the next one is read when the last but one has left
    the node. For one from a process the server asks for piece after piece, as long as it has
    buffers; those who wait for buffers get them in turn. A piece is given to the host before its
    transfer is reported as done, and its buffer is free when the cache has room for it.

    Attributes:
        number: of its I/O node, counted from 0.
        files: the host's files.
        crashed: whether its node has crashed.
        bytes_read, bytes_written: moved from and to the disk on behalf of processes.
    """

    __slots__ = (
        "_bridge", "_costs", "_disk", "_fetched_heap", "_lot", "_owed", "_parameters", "_pulls",
        "_removed", "_room", "_runs", "_seal", "_serial", "_starved", "_transfers", "_waiting",
        "_work", "bytes_read", "bytes_written", "crashed", "files", "number", "start_task",
    )  # fmt: skip

    def __init__(
        self,
        kernel: QuintessentialKernel,
        pid: int,
        number: int,
        costs: IoCosts,
        disk: DiskParameters,
        files: StripeFiles,
        seal: Seal,
        bridge: Bridge,
    ) -> None:
        """Set the server up, which has no task and no disk before the first request."""
        super().__init__(kernel, pid, costs.request)
        self.number = number
        self.files = files
        self.crashed = False
        self.bytes_read = 0
        self.bytes_written = 0
        self.start_task: Callable[[], object] = _nothing
        self._costs = costs
        self._parameters = disk
        self._disk: NodeDisk | None = None
        self._seal = seal
        self._bridge = bridge
        self._serial = 0
        # Requests without a report yet, by what the server calls them.
        self._owed: dict[int, Header] = {}
        self._transfers: dict[int, Transfer] = {}
        # Those that want buffers, in turn, and what the others have them for.
        self._waiting: deque[Writing] = deque()
        self._pulls: dict[int, tuple[Writing, Piece, int]] = {}
        self._room = costs.buffers
        self._starved = 0
        self._removed: set[int] = set()
        self._work: deque[tuple[Callable[[Any], object], Any]] = deque()
        self._runs = False
        self._lot = ParkingLot()
        self._fetched_heap = Heap(_HEAP_BYTES)
        data = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._fetched_heap)
        self.table.install(DATA_PORTAL, PortalEntry(data, self._fetched))

    @property
    def disk(self) -> NodeDisk:
        """The node's disk, with what is kept there."""
        if self._disk is None:
            costs = self._costs
            cache = DiskCache(self._parameters, costs.cache, costs.write_behind, costs.read_ahead)
            self._disk = NodeDisk(cache, self.files.sizes(self.number))
        return self._disk

    @property
    def status(self) -> ParallelServerStatus:
        """What there is to tell of it now."""
        disk, cache = self.disk, self.disk.cache
        cache.settle(self.kernel.engine.now)
        return ParallelServerStatus(
            name=server_name(self.number),
            node=self.address.nid,
            running=not self.dead,
            crashed=self.crashed,
            requests=self.requests,
            bytes_read=self.bytes_read,
            bytes_written=self.bytes_written,
            hits=cache.hits,
            misses=cache.misses,
            busy=cache.disk.busy,
            dirty=cache.dirty,
            used=disk.used,
            capacity=disk.capacity,
            transfers=len(self._transfers),
        )

    # -- the host's side -----------------------------------------------------------------------

    async def run(self) -> None:
        """Read from the host and write to it for ever: the server's Trio task."""
        try:
            while True:
                while self._work:
                    action, argument = self._work.popleft()
                    action(argument)
                await self._lot.park()
        finally:
            # Nobody reads or writes any more; what is not reported yet will not be.
            self.dead = True
            self._owed.clear()
            for _, argument in self._work:
                ticket = argument[0]
                if ticket is not None:
                    self._bridge.close(ticket, _nothing, None)

    def _have_done(self, action: Callable[[Any], object], argument: Any) -> None:
        """Have the task do something, whose argument begins with a ticket, or None."""
        self._work.append((action, argument))
        if self._runs:
            self._lot.unpark_all()
        else:
            self._runs = True
            self.start_task()

    def _close(self, ticket: Ticket | None, callback: Callable[[Any], object], what: Any) -> None:
        if ticket is not None:
            self._bridge.close(ticket, callback, what)

    # -- requests ------------------------------------------------------------------------------

    def received(self, header: Header, due: int) -> None:
        """Begin with a request when it is due; one whose answer cannot be sent is nobody's."""
        if not _can_be_answered(header):
            return
        self._serial += 1
        self._owed[self._serial] = header
        self.kernel.engine.at(due, self._begin, self._serial)

    def _begin(self, serial: int) -> None:
        header = self._owed.get(serial)
        if header is None or self.crashed:
            # The server has been stopped, or the client is no more.
            return
        try:
            request = striping.decode_request(header.body or b"")
            _ACTIONS[type(request)](self, serial, header, request)
        except msgspec.DecodeError:
            self._report(serial, Moved(errno.EBADMSG))
        except OSError as error:
            self._report(serial, Moved(error.errno or errno.EIO))

    def _report(self, serial: int, moved: Moved) -> None:
        """Tell whoever asked that a request is done, unless that has been told."""
        if self.crashed:
            return
        self._transfers.pop(serial, None)
        header = self._owed.pop(serial, None)
        if header is not None:
            self.reply((header, striping.encode(moved)))

    def _check(self, header: Header, request: ReadStripes | WriteStripes, access: int) -> Runs:
        """Return what a request is about. Raises OSError: the client has no right to that."""
        runs = Runs(request, self.number)
        file, job = runs.layout.file, header.source.group
        if job and not self._seal.permits(request.capability, file, job, access):
            _fail(errno.EACCES)
        if file in self._removed:
            _fail(errno.ENOENT)
        return runs

    def _check_system(self, header: Header) -> None:
        if header.source.group:
            _fail(errno.EACCES)

    # -- reading -------------------------------------------------------------------------------

    def _read(self, serial: int, header: Header, request: ReadStripes) -> None:
        runs = self._check(header, request, striping.READ)
        most = self.disk.length(runs.layout.file)
        transfer = Reading(serial, header, runs, request.transfer, most)
        self._transfers[serial] = transfer
        self._next_batch(transfer)

    def _next_batch(self, transfer: Reading) -> None:
        """Have the next pieces of a transfer read, or report that all have been sent."""
        if transfer.serial not in self._transfers:
            return
        now = self.kernel.engine.now
        # It may have been cut meanwhile.
        length = self.disk.length(transfer.file)
        batch = [each for each in transfer.batch(BATCH) if each.offset < length]
        if not batch or transfer.error:
            self._moved(transfer)
            return
        ready = self.disk.read(now, transfer.file, [(each.offset, each.length) for each in batch])
        ticket = self._bridge.open(max(now, ready[0]))
        self._have_done(self._read_from_host, (ticket, transfer, batch, ready))

    def _read_from_host(self, what: tuple[Ticket, Reading, list[Piece], list[int]]) -> None:
        ticket, transfer, batch, ready = what
        bodies: list[memoryview] = []
        try:
            for row in _rows(batch):
                start = row[0].offset
                length = row[-1].offset + row[-1].length - start
                view = memoryview(self.files.read(self.number, transfer.file, start, length))
                bodies += [view[piece.offset - start :][: piece.length] for piece in row]
        except OSError as error:
            transfer.error = error.errno or errno.EIO
        self._bridge.close(ticket, self._send, (transfer, batch, bodies, ready, 0))

    def _send(self, what: tuple[Reading, list[Piece], list[memoryview], list[int], int]) -> None:
        """Send the pieces of a batch that are in memory, and see to the others when they are."""
        transfer, batch, bodies, ready, first = what
        if transfer.serial not in self._transfers:
            return
        now = self.kernel.engine.now
        self.clock = max(self.clock, now)
        gone = now
        for place in range(first, len(bodies)):
            if ready[place] > now:
                self.kernel.engine.at(
                    ready[place], self._send, (transfer, batch, bodies, ready, place)
                )
                return
            piece = batch[place]
            gone = self.kernel.send(
                self,
                transfer.client,
                DATA_PORTAL,
                transfer.bits,
                bodies[place],
                piece.length,
                SendInfo(offset=piece.place),
            )
            transfer.moved += piece.length
            self.bytes_read += piece.length
        later, transfer.gone = max(now, transfer.gone), gone
        if transfer.next is None or later == now:
            self._next_batch(transfer)
        else:
            self.kernel.engine.at(later, self._next_batch, transfer)

    def _moved(self, transfer: Transfer) -> None:
        """Report a transfer that is done."""
        self.clock = max(self.clock, self.kernel.engine.now)
        end = transfer.layout.end(transfer.place, self.disk.length(transfer.file))
        self._report(transfer.serial, Moved(transfer.error, transfer.moved, end))

    # -- writing -------------------------------------------------------------------------------

    def _write(self, serial: int, header: Header, request: WriteStripes) -> None:
        runs = self._check(header, request, striping.WRITE)
        if not self.disk.fits(runs.layout.file, runs.end):
            _fail(errno.ENOSPC)
        transfer = Writing(serial, header, runs, request.transfer)
        if transfer.next is None:
            self._moved(transfer)
            return
        self._transfers[serial] = transfer
        self._waiting.append(transfer)
        self._pull()

    def _pull(self) -> None:
        """Ask for data, of one transfer after the other in turn, as far as there are buffers."""
        waiting, kernel = self._waiting, self.kernel
        self.clock = max(self.clock, kernel.engine.now)
        while waiting:
            transfer = waiting[0]
            piece = transfer.next
            if piece is None:
                waiting.popleft()
                continue
            if piece.length > self._room:
                self._starve()
                return
            waiting.rotate(-1)
            transfer.take()
            self._room -= piece.length
            self._serial += 1
            transfer.pulls[self._serial] = None
            self._pulls[self._serial] = transfer, piece, kernel.engine.now
            kernel.send(
                self,
                transfer.client,
                DATA_PORTAL,
                transfer.bits,
                None,
                0,
                SendInfo(
                    read=True,
                    offset=piece.place,
                    reply_length=piece.length,
                    return_portal=DATA_PORTAL,
                    return_bits=self._serial,
                ),
            )
        self._sate()

    def _fetched(self, header: Header, outcome: int) -> None:
        """Take data that the server has asked for: the handler of the portal."""
        if outcome == AckOutcome.DROPPED:
            return
        self._fetched_heap.messages.pop()
        self._fetched_heap.free(header)
        pull = self._pulls.get(header.bits)
        source = header.source
        if pull is None or (source.nid, source.pid) != (pull[0].client.nid, pull[0].client.pid):
            # Nobody waits for it any more, or it comes from somebody who has not been asked.
            return
        transfer, piece, _ = pull
        if header.length != piece.length:
            # There is no process any more, or it has sent something else of its own accord.
            self._drop(transfer)
        else:
            del self._pulls[header.bits], transfer.pulls[header.bits]
            self._keep(transfer, piece, header.body)
        self._pull()

    def _keep(self, transfer: Writing, piece: Piece, body: Any) -> None:
        """Keep a piece that has come: in the cache now, with the host before that is reported."""
        engine = self.kernel.engine
        done = self.disk.write(engine.now, transfer.file, piece.offset, piece.length)
        if done is None or done <= engine.now:
            self._room += piece.length
        else:
            engine.at(done, self._release, piece.length)
        if done is None:
            transfer.error = errno.ENOSPC
            self._give_up(transfer)
            return
        transfer.done = max(transfer.done, done)
        transfer.moved += piece.length
        transfer.held += piece.length
        transfer.fetched.append((piece.offset, body))
        self.bytes_written += piece.length
        if transfer.complete:
            self._hand_over(transfer, self._bridge.open(max(engine.now, transfer.done)))
        elif transfer.held >= BATCH:
            self._hand_over(transfer, None)

    def _hand_over(self, transfer: Writing, ticket: Ticket | None) -> None:
        """Have what has come of a transfer written to the host."""
        self._have_done(self._write_to_host, (ticket, transfer, transfer.fetched))
        transfer.fetched, transfer.held = [], 0

    def _write_to_host(self, what: tuple[Ticket | None, Writing, list[tuple[int, Any]]]) -> None:
        ticket, transfer, pieces = what
        try:
            self.files.write(self.number, transfer.file, pieces)
        except OSError as error:
            transfer.error = error.errno or errno.EIO
        self._close(ticket, self._written, transfer)

    def _written(self, transfer: Writing) -> None:
        if transfer.serial in self._transfers:
            self._moved(transfer)

    def _release(self, length: int) -> None:
        """Use a buffer again, for the cache has had room for what was in it."""
        self._room += length
        self._pull()

    # -- the end of transfers ------------------------------------------------------------------

    def _give_up(self, transfer: Transfer) -> None:
        """Report a transfer that has failed."""
        self._drop_pulls(transfer)
        transfer.moved = 0
        self._moved(transfer)

    def _drop(self, transfer: Transfer) -> None:
        """Forget a transfer, of which nobody wants to hear."""
        self._drop_pulls(transfer)
        self._transfers.pop(transfer.serial, None)
        self._owed.pop(transfer.serial, None)

    def _drop_pulls(self, transfer: Transfer) -> None:
        """Wait no longer for data of a transfer."""
        if isinstance(transfer, Writing):
            for number in transfer.pulls:
                self._room += self._pulls.pop(number)[1].length
            transfer.pulls.clear()
            if transfer in self._waiting:
                self._waiting.remove(transfer)

    def _starve(self) -> None:
        """See to it that those who wait for buffers do not wait for ever."""
        if not self._starved and self._pulls:
            since = next(iter(self._pulls.values()))[2]
            self._starved = max(since + PATIENCE, self.kernel.engine.now)
            self.kernel.engine.at(self._starved, self._lose_patience)

    def _sate(self) -> None:
        """Take note that nobody waits for buffers."""
        if self._starved:
            self.kernel.engine.cancel(self._starved, self._lose_patience)
            self._starved = 0

    def _lose_patience(self, _: object) -> None:
        """Give a transfer up whose data do not come, to have the buffers."""
        self._starved = 0
        if self._pulls:
            transfer, _, since = next(iter(self._pulls.values()))
            if since + PATIENCE <= self.kernel.engine.now:
                transfer.error = errno.EIO
                self._give_up(transfer)
        self._pull()

    def forget(self, job: int, rank: int | None = None) -> None:
        """Work no longer for a *job*, or one rank of it: nobody is there to hear of it."""
        owed = [
            serial
            for serial, header in self._owed.items()
            if header.source.group == job and rank in (None, header.source.rank)
        ]
        for serial in owed:
            transfer = self._transfers.get(serial)
            if transfer is not None:
                self._drop(transfer)
            else:
                del self._owed[serial]
        if owed and not self.dead:
            self._pull()

    def abandon(self, job: int) -> None:
        """Work no longer for *job*: its processes are being killed."""
        self.forget(job)

    def stop(self) -> None:
        """Take no more requests; whoever waits for one is told that it has failed."""
        super().stop()
        self._fail_all()

    def start(self) -> None:
        """Take requests again, unless the node has crashed."""
        if not self.crashed:
            super().start()

    def crash(self) -> None:
        """Lose the node: the server does nothing more, and tells nobody."""
        self.dead = self.crashed = True
        for transfer in list(self._transfers.values()):
            self._drop_pulls(transfer)
        self._transfers.clear()
        self._waiting.clear()
        self._sate()

    def settle(self) -> None:
        """Report, in the place of a server that is no more, what it owed."""
        failed = striping.encode(Moved(errno.EIO))
        for header in self._owed.values():
            self.reply((header, failed))
        self._owed.clear()

    def _fail_all(self) -> None:
        for transfer in list(self._transfers.values()):
            self._drop_pulls(transfer)
        self._sate()
        for serial in list(self._owed):
            self._report(serial, Moved(errno.EIO))

    # -- what the system asks for --------------------------------------------------------------

    def _cut(self, serial: int, header: Header, request: Cut) -> None:
        self._check_system(header)
        layout = request.layout
        if self.number in layout.servers and layout.unit > 0 and request.size >= 0:
            length = layout.part_length(layout.servers.index(self.number), request.size)
            self.disk.cut(layout.file, length)
            self._on_host(serial, lambda: self.files.cut(self.number, layout.file, length))
        else:
            _fail(errno.EBADMSG)

    def _remove(self, serial: int, header: Header, request: Remove) -> None:
        self._check_system(header)
        file = request.file
        self._removed.add(file)
        for transfer in list(self._transfers.values()):
            if transfer.file == file:
                transfer.error = errno.ENOENT
                self._give_up(transfer)
        self.disk.cut(file, 0)
        self._on_host(serial, lambda: self.files.remove(self.number, file))

    def _sync(self, serial: int, header: Header, request: Sync) -> None:
        del header
        file = request.layout.file
        done = self.disk.cache.flush(self.kernel.engine.now)
        self._on_host(serial, lambda: self.files.sync(self.number, file), done)

    def _on_host(self, serial: int, action: Callable[[], object], when: int = 0) -> None:
        """Have the task do something with the host's files, and report it at time *when*."""
        ticket = self._bridge.open(max(when, self.kernel.engine.now))
        self._have_done(self._do_on_host, (ticket, serial, action))

    def _do_on_host(self, what: tuple[Ticket, int, Callable[[], object]]) -> None:
        ticket, serial, action = what
        moved = Moved(0)
        try:
            action()
        except OSError as error:
            moved = Moved(error.errno or errno.EIO)
        self._close(ticket, lambda done: self._report(serial, done), moved)


_ACTIONS: Final[Mapping[type[Request], Callable[[ParallelServer, int, Header, Any], None]]] = {
    ReadStripes: ParallelServer._read,
    WriteStripes: ParallelServer._write,
    Cut: ParallelServer._cut,
    Remove: ParallelServer._remove,
    Sync: ParallelServer._sync,
}


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


def _can_be_answered(header: Header) -> bool:
    """Return whether what a message says of its answer, its sender's memory, makes sense."""
    info = header.info
    try:
        return info is None or not (
            info.return_bits >> 64 or (info.return_portal >> 16 and info.return_portal != -1)
        )
    except TypeError:
        return False


def _fail(number: int) -> NoReturn:
    raise OSError(number, os.strerror(number))


def _nothing(*_: object) -> None:
    """Do nothing, where nobody has said what to do."""
