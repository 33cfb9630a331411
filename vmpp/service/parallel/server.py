"""The parallel file server of an I/O node: moves data between its disk and processes' memory."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

import msgspec

from vmpp.engine.bridge import Bridge
from vmpp.hardware import DiskParameters
from vmpp.kernel import QuintessentialKernel
from vmpp.portals import Header
from vmpp.process import striping
from vmpp.process.striping import (
    READ,
    WRITE,
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
from vmpp.service.parallel.costs import IoCosts
from vmpp.service.parallel.fetching import Fetching
from vmpp.service.parallel.host_work import HostWork
from vmpp.service.parallel.node_disk import NodeDisk
from vmpp.service.parallel.sending import Sending
from vmpp.service.parallel.stripe_files import StripeFiles
from vmpp.service.parallel.transfers import Reading, Runs, Transfer, Writing
from vmpp.service.parallel.upkeep import Upkeep
from vmpp.service.server import Server
from vmpp.service.status import ParallelServerStatus


class ParallelServer(Server):
    """One process with a portal, and a Trio task, on one I/O node.

    In virtual time a request takes the server as long as `IoCosts.request`, the disk as long as
    `DiskCache` says, and the network and both kernels what any message takes. Data are read from
    the host, or written to it, by the server's task, in the order in which that is decided on in
    virtual time. Everybody who has asked gets one report, at the return portal of the request.

    Attributes:
        number: of its I/O node, counted from 0.
        files: the host's files.
        host: what its task does with them.
        sending, fetching: data to processes, and from them.
        crashed: whether its node has crashed.
        bytes_read, bytes_written: moved from and to the disk on behalf of processes.
    """

    __slots__ = (
        "_costs", "_disk", "_owed", "_parameters", "_seal", "_serial", "_transfers", "_upkeep",
        "bytes_read", "bytes_written", "crashed", "fetching", "files", "host", "number", "sending",
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
        start: Callable[[ParallelServer], object],
    ) -> None:
        """Set the server up, which has no task and no disk before the first request.

        Args:
            start: starts its task, `run`.
        """
        super().__init__(kernel, pid, costs.request)
        self.number = number
        self.files = files
        self.crashed = False
        self.bytes_read = 0
        self.bytes_written = 0
        self.host = HostWork(bridge, lambda: start(self))
        self.sending = Sending(self)
        self.fetching = Fetching(self, costs.buffers)
        self._costs = costs
        self._parameters = disk
        self._disk: NodeDisk | None = None
        self._seal = seal
        self._serial = 0
        # Requests without a report yet, and those of them that are transfers under way.
        self._owed: dict[int, Header] = {}
        self._transfers: dict[int, Transfer] = {}
        self._upkeep = Upkeep(self)

    @property
    def disk(self) -> NodeDisk:
        """The node's disk, with what is kept there."""
        if self._disk is None:
            cache = self._costs.cached(self._parameters)
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
            transfers=len(self._transfers),
            bytes_read=self.bytes_read,
            bytes_written=self.bytes_written,
            hits=cache.hits,
            misses=cache.misses,
            busy=cache.disk.busy,
            dirty=cache.dirty,
            used=disk.used,
            capacity=disk.capacity,
        )

    async def run(self) -> None:
        """Read from the host and write to it for ever: the server's Trio task."""
        try:
            await self.host.run()
        finally:
            self.dead = True

    # -- requests and reports ------------------------------------------------------------------

    def received(self, header: Header, due: int) -> None:
        """Begin with a request when it is due; one whose answer cannot be sent is nobody's."""
        if _can_be_answered(header):
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
            self.report(serial, Moved(errno.EBADMSG))
        except OSError as error:
            self.report(serial, Moved(error.errno or errno.EIO))

    def report(self, serial: int, moved: Moved) -> None:
        """Tell whoever asked that a request is done, unless that has been told."""
        if self.crashed:
            return
        self._transfers.pop(serial, None)
        header = self._owed.pop(serial, None)
        if header is not None:
            self.reply((header, striping.encode(moved)))

    # -- transfers -----------------------------------------------------------------------------

    def works_on(self, transfer: Transfer) -> bool:
        """Return whether a transfer is under way."""
        return transfer.serial in self._transfers

    def moved(self, transfer: Transfer) -> None:
        """Report a transfer that is done, or has failed."""
        length = self.disk.length(transfer.file)
        end = transfer.layout.end(transfer.place, length)
        pieces = transfer.sent if isinstance(transfer, Reading) else 0
        grown = isinstance(transfer, Writing) and length > transfer.before
        self.report(transfer.serial, Moved(transfer.error, transfer.moved, end, pieces, grown))

    def fail(self, transfer: Transfer) -> None:
        """Report a transfer that goes no further, because of its `error`."""
        self._let_go(transfer)
        self.moved(transfer)

    def fail_all(self, file: int, error: int) -> None:
        """Report all transfers of a file as failed, with an ``errno``."""
        for transfer in list(self._transfers.values()):
            if transfer.file == file:
                transfer.error = error
                self.fail(transfer)

    def drop(self, transfer: Transfer) -> None:
        """Forget a transfer, of which nobody wants to hear."""
        self._let_go(transfer)
        self._transfers.pop(transfer.serial, None)
        self._owed.pop(transfer.serial, None)

    def _let_go(self, transfer: Transfer) -> None:
        if isinstance(transfer, Writing):
            self.fetching.drop(transfer)

    def _read(self, serial: int, header: Header, request: ReadStripes) -> None:
        runs = self._check(header, request, READ)
        length = self.disk.length(runs.layout.file)
        transfer = Reading(serial, header.source, request.transfer, runs, length)
        self._transfers[serial] = transfer
        self.sending.begin(transfer)

    def _write(self, serial: int, header: Header, request: WriteStripes) -> None:
        runs = self._check(header, request, WRITE)
        before = self.disk.length(runs.layout.file)
        if not self.disk.reserve(runs.layout.file, runs.end):
            _fail(errno.ENOSPC)
        transfer = Writing(serial, header.source, request.transfer, runs, before)
        self._transfers[serial] = transfer
        if transfer.complete:
            self.moved(transfer)
        else:
            self.fetching.begin(transfer)

    def _check(self, header: Header, request: ReadStripes | WriteStripes, access: int) -> Runs:
        """Return what a request is about. Raises OSError: the client has no right to that."""
        runs = Runs(request, self.number)
        file, job = runs.layout.file, header.source.group
        if job and not self._seal.permits(request.capability, file, job, access):
            _fail(errno.EACCES)
        if self._upkeep.has_removed(file):
            _fail(errno.ENOENT)
        return runs

    # -- the end of clients, and its own -------------------------------------------------------

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
                self.drop(transfer)
            else:
                del self._owed[serial]
        if owed and not self.dead:
            self.fetching.proceed()

    def abandon(self, job: int) -> None:
        """Work no longer for *job*: its processes are being killed."""
        self.forget(job)

    def stop(self) -> None:
        """Take no more requests; whoever waits for one is told that it has failed."""
        super().stop()
        self._end_transfers()
        for serial in list(self._owed):
            self.report(serial, Moved(errno.EIO))

    def start(self) -> None:
        """Take requests again, unless the node has crashed."""
        if not self.crashed:
            super().start()

    def crash(self) -> None:
        """Lose the node: the server does nothing more, and tells nobody."""
        self.dead = self.crashed = True
        self._end_transfers()

    def settle(self) -> None:
        """Report, in the place of a server that is no more, what it owed."""
        failed = striping.encode(Moved(errno.EIO))
        for header in self._owed.values():
            self.reply((header, failed))
        self._owed.clear()

    def _end_transfers(self) -> None:
        for transfer in list(self._transfers.values()):
            self._let_go(transfer)
        self._transfers.clear()
        self.fetching.clear_alarm()


_ACTIONS: Final[Mapping[type[Request], Callable[[ParallelServer, int, Header, Any], None]]] = {
    ReadStripes: ParallelServer._read,
    WriteStripes: ParallelServer._write,
    Cut: lambda server, *what: server._upkeep.cut(*what),
    Remove: lambda server, *what: server._upkeep.remove(*what),
    Sync: lambda server, *what: server._upkeep.sync(*what),
}


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
