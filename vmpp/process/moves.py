"""Moves: bytes of striped files on their way between a process's memory and I/O nodes.

A move lays one descriptor over the caller's memory, behind a match entry of its own number, and
sends one request to all servers that are concerned. They put the bytes there, or fetch them from
there, whatever the process does meanwhile, and report when they are done. The process counts the
reports that it is owed, one for each request, and does not know whose are still to come. No number
is used twice: so what comes late for a move that has been given up finds no entry, and never the
memory of another.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from vmpp.portals import (
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
    MOST_RUNS,
    MOVED_PORTAL,
    SYSTEM,
    Layout,
    Moved,
    ReadStripes,
    Request,
    WriteStripes,
    decode_moved,
    encode,
    pack_runs,
    server_name,
)

if TYPE_CHECKING:
    from vmpp.kernel.process import Process

Run = tuple[int, int, int]
"""A stretch of a file: its offset there, its length, and its offset in the caller's memory."""

_REPORT_BYTES: Final = Heap.HEADER_BYTES + 64
"""What a report takes of the heap at the most."""

_NOTHING: Final = memoryview(b"")


class Move:
    """Bytes under way.

    Attributes:
        done: whether all servers have reported, or it has been given up.
        owed: how many reports are still to come.
        error: ``errno`` of what has failed first; 0: nothing has.
        count: bytes that have been moved.
        ends: how far the file reaches as far as each server can tell, in the order of reports.
        grown: whether some server has more of the file than before it was written to.
    """

    __slots__ = ("_pieces", "_slot", "count", "done", "ends", "error", "grown", "owed")

    def __init__(self, slot: _Slot) -> None:
        self._slot: _Slot | None = slot
        self._pieces = 0
        self.owed = 0
        self.done = False
        self.error = 0
        self.count = 0
        self.ends: list[int] = []
        self.grown = False

    def report(self, moved: Moved) -> None:
        """Take note of what a server has done."""
        self.owed -= 1
        self.error = self.error or moved.error
        self.count += moved.count
        self.ends.append(moved.end)
        self.grown = self.grown or moved.grown
        self._pieces += moved.pieces
        slot = self._slot
        if not self.owed and slot is not None and slot.block.messages < self._pieces:
            # The network has lost some of what was read, for reports come behind that.
            self.error = self.error or errno.EIO
        self.done = self.done or not self.owed


class _Slot:
    """A place in the match list with its descriptor, used again and again."""

    __slots__ = ("block", "entry")

    def __init__(self, index: int) -> None:
        self.block = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_SV_BDY, _NOTHING)
        # Servers are no job's: no other process gets at the memory that a transfer moves.
        self.entry = MatchEntry(self.block, group=SYSTEM, next_no_match=index + 1)

    def lay(self, memory: memoryview, number: int, writing: bool) -> None:
        """Lay the descriptor over *memory*, for move *number*."""
        block, entry = self.block, self.entry
        block.operation = (
            MemoryOperation.SINGLE_SNDR_OFF_RPLY
            if writing
            else MemoryOperation.SINGLE_SNDR_OFF_SV_BDY
        )
        block.buffer = memory
        block.messages = 0
        entry.bits = number
        entry.active = True

    def lift(self) -> None:
        """Take the descriptor away from the memory that it lies over."""
        self.entry.active = False
        self.block.buffer = _NOTHING


class Moves:
    """The moves of one process, and the two portals that they use.

    Nothing is set up before the first striped file is opened. Those who begin a move have it
    vanish, by `give_up`, before its memory is used for anything else.
    """

    __slots__ = (
        "_completions", "_entries", "_free", "_heap", "_made", "_process", "_servers", "_under_way",
    )  # fmt: skip

    def __init__(self, process: Process, servers: Mapping[str, Address]) -> None:
        self._process = process
        self._servers = servers
        self._made = 0
        self._under_way: dict[int, Move] = {}
        self._entries: list[MatchEntry | None] = []
        self._free: list[_Slot] = []
        self._heap = Heap(0)
        self._completions = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap)
        process.table.install(DATA_PORTAL, PortalEntry(MatchList(self._entries, 0)))
        process.table.install(MOVED_PORTAL, PortalEntry(self._completions))

    # -- beginning -------------------------------------------------------------------------------

    def begin(
        self,
        layout: Layout,
        capability: bytes,
        runs: Sequence[Run],
        memory: memoryview,
        *,
        writing: bool,
    ) -> Move:
        """Begin to move stretches of a file from or to *memory*, which is format ``B``.

        Raises:
            OSError: EIO, one of the I/O nodes that have them is not there, or no longer.
        """
        kind = WriteStripes if writing else ReadStripes
        self._made += 1
        number = self._made
        requests: list[tuple[Request, list[Address]]] = []
        for first in range(0, len(runs), MOST_RUNS):
            batch = runs[first : first + MOST_RUNS]
            request = kind(number, layout, capability, pack_runs(batch))
            places = layout.concerned(batch, self._turn(layout.factor))
            requests.append((request, self._addresses(layout, places)))
        slot = self._slot()
        slot.lay(memory, number, writing)
        return self._send(number, Move(slot), requests)

    def _turn(self, factor: int) -> int:
        """Return how many places after the first the process begins to ask *factor* servers.

        Asked by all processes of a job in the same order, all servers would send to one process at
        a time, whose link would be the limit.
        """
        process = self._process
        return process.rank * max(1, factor // process.size)

    def _addresses(self, layout: Layout, places: Sequence[int]) -> list[Address]:
        found = [self._servers.get(server_name(layout.servers[place])) for place in places]
        there = [address for address in found if address is not None]
        if len(there) < len(found):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return there

    def _slot(self) -> _Slot:
        if self._free:
            return self._free.pop()
        slot = _Slot(len(self._entries))
        self._entries.append(slot.entry)
        return slot

    def _send(
        self, number: int, move: Move, requests: Sequence[tuple[Request, list[Address]]]
    ) -> Move:
        process = self._process
        move.owed = sum(len(addresses) for _, addresses in requests)
        if not move.owed:
            move.done = True
            self._end(move)
            return move
        self._under_way[number] = move
        self._heap.size += _REPORT_BYTES * move.owed
        process.calls += move.owed
        info = SendInfo(return_portal=MOVED_PORTAL, return_bits=number)
        for request, addresses in requests:
            body = encode(request)
            for address in addresses:
                process.kernel.send(process, address, REQUEST_PORTAL, 0, body, len(body), info)
        if process.clock - process.kernel.engine.now > process.kernel.lookahead:
            process.synchronise()
        return move

    # -- completing ------------------------------------------------------------------------------

    def look(self, move: Move) -> bool:
        """Return whether *move* is done by now, without letting time pass."""
        messages, heap = self._heap.messages, self._heap
        while messages:
            header = messages.pop(0)
            heap.free(header)
            self._take(header)
        return move.done

    def wait(self, move: Move, *, alone: bool = False) -> None:
        """Block until *move* is done; the whole process, as a system call does, if *alone*."""
        process = self._process
        while not self.look(move):
            if alone:
                process.wait_alone(self._completions)
            else:
                process.wait(self._completions)

    def poll(self) -> None:
        """Let the time of one look at the portal pass, and other fibers run."""
        process = self._process
        process.clock += process.kernel.send_time + 1
        process.synchronise()
        if process.fibers is not None and not process.in_handler:
            process.yield_cpu()

    def give_up(self, move: Move) -> None:
        """Let a *move* go on without the memory that it was begun with; never blocks.

        What is still read into it goes nowhere. What is still to be written is written, from a
        copy: a server that is at it waits for the bytes.
        """
        move.done = True
        slot = move._slot
        if slot is None or not slot.entry.active:
            return
        if slot.block.operation == MemoryOperation.SINGLE_SNDR_OFF_RPLY:
            slot.block.buffer = memoryview(bytes(slot.block.buffer))
        else:
            slot.lift()

    def _take(self, header: Header) -> None:
        """Take a report, which is a server's, or a kernel's that there is none."""
        move = self._under_way.get(header.bits)
        if move is None or header.source.group:
            return
        move.report(_moved(header))
        if not move.owed:
            del self._under_way[header.bits]
            self._heap.size -= _REPORT_BYTES * len(move.ends)
            self._end(move)

    def _end(self, move: Move) -> None:
        slot, move._slot = move._slot, None
        if slot is not None:
            slot.lift()
            self._free.append(slot)


def _moved(header: Header) -> Moved:
    """Return what a report says; the kernel of a node says of a server that it is not there."""
    try:
        return decode_moved(header.body or b"")
    except msgspec.DecodeError:
        return Moved(errno.EIO)
