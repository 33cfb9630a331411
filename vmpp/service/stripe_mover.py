"""The file server as a client of the parallel file servers.

It moves the bytes of striped files for those who ask it as they ask of any file, as a program moves
its own: one descriptor over the memory, one request to each I/O node that has a part, one report
from each. Nothing waits: what a report brings about is done in its turn, between requests.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import msgspec

from vmpp.portals import (
    END,
    AckOutcome,
    Address,
    DynamicBlock,
    Header,
    Heap,
    MatchEntry,
    MatchList,
    MemoryOperation,
    PortalEntry,
    SendInfo,
    SingleBlock,
)
from vmpp.process.link import REQUEST_PORTAL
from vmpp.process.striping import (
    DATA_PORTAL,
    MOVED_PORTAL,
    READ,
    SYSTEM,
    WRITE,
    Moved,
    Seal,
    decode_moved,
    encode,
    server_name,
)
from vmpp.service.filesystem.work import Errand
from vmpp.service.server import ServiceProcess

_HEAP_BYTES: Final = 1 << 30


class _Transfer:
    """Something that I/O nodes have been asked for and are not done with.

    Attributes:
        memory: what lets them get at it; None: they need none.
        owed: how many have not reported yet.
        error: number of the error that was reported first; 0: none was.
        pieces: how many messages have brought what was read.
        done: whom to tell.
    """

    __slots__ = ("done", "error", "memory", "owed", "pieces")

    def __init__(
        self, memory: SingleBlock | None, owed: int, done: Callable[[int], object]
    ) -> None:
        self.memory = memory
        self.owed = owed
        self.error = 0
        self.pieces = 0
        self.done = done


class StripeMover:
    """Asks I/O nodes on behalf of the file server.

    Attributes:
        seal: makes capabilities.
    """

    def __init__(
        self,
        process: ServiceProcess,
        servers: Mapping[str, Address],
        seal: Seal,
        set_time: Callable[[int], object],
    ) -> None:
        """Set up the portals that it needs, at the file server's process.

        Args:
            process: the file server's.
            servers: where servers are, by name.
            seal: makes capabilities.
            set_time: called with the virtual time, ps, at which something takes effect.
        """
        self.seal = seal
        self._set_time = set_time
        self._stopping = False
        self._process = process
        self._servers = servers
        self._made = 0
        self._transfers: dict[int, _Transfer] = {}
        self._heap = Heap(_HEAP_BYTES)
        self._entries: list[MatchEntry | None] = []
        self._places: dict[int, int] = {}
        self._free: list[int] = []
        data = MatchList(self._entries)
        # Each number has its own entry, so the first that is looked at is the right one.
        data.ahead = lambda bits: (self._places.get(bits, END), 0)
        reports = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap)
        process.table.install(DATA_PORTAL, PortalEntry(data))
        process.table.install(MOVED_PORTAL, PortalEntry(reports, self._arrived))
        process.conversation = self

    @property
    def busy(self) -> bool:
        """Whether anything is asked for and not done."""
        return bool(self._transfers)

    # -- asking ------------------------------------------------------------------------------------

    def begin(self, errand: Errand, done: Callable[[int], object]) -> None:
        """Have I/O nodes asked, and *done* called with an error number, or 0, when all are done.

        Raises:
            OSError: EIO, one of them is not there.
        """
        layout = errand.layout
        names = [server_name(layout.servers[place]) for place in errand.places]
        addresses = [self._servers[name] for name in names if name in self._servers]
        if self._stopping or len(addresses) < len(names):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._made += 1
        number = self._made
        memory = self._lay(number, errand)
        self._transfers[number] = _Transfer(memory, len(addresses), done)
        access = WRITE if errand.writes else READ
        request = errand.request(number, self.seal.capability(layout.file, SYSTEM, access))
        info = SendInfo(return_portal=MOVED_PORTAL, return_bits=number)
        for address in addresses:
            self._process.say(address, REQUEST_PORTAL, 0, encode(request), info)

    def _lay(self, number: int, errand: Errand) -> SingleBlock | None:
        """Let I/O nodes get at the memory of an errand."""
        if errand.memory is None:
            return None
        operation = (
            MemoryOperation.SINGLE_SNDR_OFF_RPLY
            if errand.writes
            else MemoryOperation.SINGLE_SNDR_OFF_SV_BDY
        )
        memory = SingleBlock(operation, errand.memory)
        entry = MatchEntry(memory, bits=number, group=SYSTEM)
        if self._free:
            place = self._free.pop()
            self._entries[place] = entry
        else:
            place = len(self._entries)
            self._entries.append(entry)
        self._places[number] = place
        return memory

    # -- being told --------------------------------------------------------------------------------

    def _arrived(self, header: Header, outcome: int) -> None:
        """Take a report: the handler of the portal."""
        if outcome == AckOutcome.DROPPED:
            return
        self._heap.messages.pop()
        self._heap.free(header)
        if not header.source.group:
            self._process.in_turn(partial(self._reported, header))

    def _reported(self, header: Header, time: int) -> None:
        self._set_time(time)
        transfer = self._transfers.get(header.bits)
        if transfer is None:
            return
        try:
            moved = decode_moved(header.body or b"")
        except msgspec.DecodeError:
            # A kernel says that there is no such server.
            moved = Moved(errno.EIO)
        transfer.error = transfer.error or moved.error
        transfer.pieces += moved.pieces
        transfer.owed -= 1
        if not transfer.owed:
            if transfer.memory is not None and transfer.memory.messages < transfer.pieces:
                # The network has lost some of what was read, for reports come behind that.
                transfer.error = transfer.error or errno.EIO
            self._end(header.bits, transfer)

    def break_off(self, time: int) -> None:
        """Have fail what has been asked for: the file server is stopped, or messages are lost."""
        self._set_time(time)
        self._stopping = True
        for number, transfer in list(self._transfers.items()):
            transfer.error = errno.EIO
            self._end(number, transfer)
        self._stopping = False

    def _end(self, number: int, transfer: _Transfer) -> None:
        del self._transfers[number]
        place = self._places.pop(number, None)
        if place is not None:
            self._entries[place] = None
            self._free.append(place)
        transfer.done(transfer.error)
