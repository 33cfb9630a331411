"""MPI's messages on portals: the protocol of MPI on Puma.

The structure is that of MPICH on Cplant's Puma portals. Three portals take messages,
acknowledgements and reads. The match bits of a message hold three flags, the context, the source
rank and the tag. A posted receive is a match entry with one block laid on the user's buffer. What
no receive has been posted for falls through to two catch-alls over one heap: short messages whole,
long ones by header only. A short send is one message. A long send brings its body along at once and
keeps it readable; if the acknowledgement says that only the header was saved, the receiver reads
the body when it posts the receive.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from vmpp.kernel import ANYTHING
from vmpp.portals import (
    MATCH_BITS_MASK,
    AckOutcome,
    Address,
    Block,
    DynamicBlock,
    Header,
    Heap,
    IndependentBlock,
    MatchEntry,
    MatchList,
    MemoryOperation,
    PortalEntry,
    SendInfo,
    SingleBlock,
)
from vmpp_mpi._errors import (
    ERR_PROC_FAILED,
    ERR_PROC_FAILED_PENDING,
    ERR_REVOKED,
    ERR_TRUNCATE,
)
from vmpp_mpi._posted import PostedReceives

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp_mpi._faults._failures import Faults

RECEIVE_PORTAL: Final = 14
ACKNOWLEDGE_PORTAL: Final = 24
READ_PORTAL: Final = 34

READY_FLAG: Final = 0x8000 << 48
PULLED_FLAG: Final = 0x4000 << 48
LONG_FLAG: Final = 0x2000 << 48
FLAGS: Final = READY_FLAG | PULLED_FLAG | LONG_FLAG
CONTEXTS: Final = 1 << 13
"""How many contexts the match bits have room for."""
MAX_RANKS: Final = 1 << 16
"""How many ranks of a communicator the match bits have room for."""

STANDARD, SYNCHRONOUS, READY, BUFFERED = range(4)
"""Modes of a send."""

ANY: Final = -1
"""Any source, or any tag."""

_CONTEXT_BITS: Final = (0x1FFF << 48) | PULLED_FLAG
_SOURCE_BITS: Final = 0xFFFF << 32
_TAG_BITS: Final = 0xFFFFFFFF
_SHORT, _LONG, _ONLY, _FIRST = range(4)
"""Places in the match list: the catch-alls, the entry of a blocking receive beside which none is
posted, and the first of all others."""
_MANY: Final = 64
"""With more receives posted at once than this they are found by an index."""


class HeapOverflow(Exception):
    """More unexpected messages arrived than the heap holds, or more receives than the list."""


@dataclass(frozen=True, slots=True)
class ProtocolParameters:
    """Sizes and times of the library, from the machine's description.

    Attributes:
        short_message: longest body in bytes that goes as a short message.
        heap: bytes for unexpected messages.
        match_list: entries of the match list: receives that can be posted at once.
        send: library time of a send, ps.
        receive: library time of a receive, ps.
        copy_rate: of a copy from the heap to the user's buffer, fs a byte.
    """

    short_message: int = 4096
    heap: int = 1 << 20
    match_list: int = 2048
    send: int = 0
    receive: int = 0
    copy_rate: int = 0


class Transfer:
    """A send or receive under way.

    Attributes:
        done: whether it is complete. Ask `Protocol.test`, which looks.
        source: rank of the sender in the communicator, for a receive.
        tag: of the message.
        nbytes: length of the message in bytes.
        error: 0, or an MPI error class.
        cancelled: whether it was cancelled.
    """

    __slots__ = ("_record", "cancelled", "done", "error", "nbytes", "source", "tag")

    def __init__(self, record: Any = None) -> None:
        self.done = record is None
        self.source = ANY
        self.tag = ANY
        self.nbytes = 0
        self.error = 0
        self.cancelled = False
        self._record = record

    def fill(self, header: Header) -> None:
        """Take source, tag and length from *header*, and be done."""
        bits = header.bits
        self.source = bits >> 32 & 0xFFFF
        self.tag = bits & _TAG_BITS
        self.nbytes = header.length
        self.done = True


class Arrival:
    """A message matched by a probe and taken out of the heap, not yet received.

    Attributes:
        source: rank of the sender in the communicator.
        tag: of the message.
        nbytes: length of the message in bytes.
    """

    __slots__ = ("_header", "nbytes", "source", "tag")

    def __init__(self, header: Header) -> None:
        self._header = header
        self.source = header.bits >> 32 & 0xFFFF
        self.tag = header.bits & _TAG_BITS
        self.nbytes = header.length


class _Receive:
    """A place in the match list with its descriptor, used again and again."""

    __slots__ = ("block", "descriptor", "entry", "index", "peer", "previous")

    def __init__(self, index: int) -> None:
        self.index = index
        self.peer: Address | None = None
        self.previous = -1
        self.block = Block()
        self.descriptor = IndependentBlock(MemoryOperation.IND_LIN_SV_HDR_BDY_ACK, [self.block])
        self.entry = MatchEntry(self.descriptor)


class _Send:
    """What a send that is acknowledged keeps: an entry for the acknowledgement, one for reads."""

    __slots__ = ("acknowledged", "acknowledgement", "body", "context", "index", "peer")

    def __init__(self, index: int) -> None:
        self.index = index
        self.context = 0
        self.peer: Address | None = None
        self.acknowledged = Block()
        self.acknowledgement = IndependentBlock(MemoryOperation.IND_LIN_SV_HDR, [self.acknowledged])
        self.body = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_RPLY, memoryview(b""))


def _match(context: int, source: int, tag: int) -> tuple[int, int]:
    """Return the match bits and mask of a receive."""
    bits = context << 48
    mask = _CONTEXT_BITS
    if source >= 0:
        bits |= source << 32
        mask |= _SOURCE_BITS
    if tag >= 0:
        bits |= tag
        mask |= _TAG_BITS
    return bits, mask


class Protocol:
    """One process's end of the protocol.

    Contexts are whole numbers below `CONTEXTS`, ranks those of the sender in its communicator; an
    address says which process. Data are ``bytes`` or one-dimensional views of bytes.

    Attributes:
        parameters: sizes and times of the library.
    """

    __slots__ = (
        "_acknowledge_entries", "_copy_rate", "_engine", "_entries", "_free_receives",
        "_free_sends", "_heap", "_kernel_send", "_last", "_limit", "_list", "_long_catch",
        "_lookahead", "_only", "_outstanding", "_posted", "_process", "_pulls", "_read_entries",
        "_receive_cost", "_receives", "_send_cost", "_sends", "_short", "_short_catch", "faults",
        "parameters",
    )  # fmt: skip

    def __init__(self, process: Process, parameters: ProtocolParameters) -> None:
        self._process = process
        self._engine = process.kernel.engine
        self._kernel_send = process.kernel.send
        self._lookahead = process.kernel.lookahead
        self.parameters = parameters
        self._short = parameters.short_message
        self._limit = parameters.match_list
        self.faults: Faults | None = None
        self._send_cost = parameters.send
        self._receive_cost = parameters.receive
        self._copy_rate = parameters.copy_rate
        self._heap = Heap(parameters.heap)
        self._short_catch = MatchEntry(
            DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap),
            mask=FLAGS,
            next_no_match=_LONG,
        )
        self._long_catch = MatchEntry(
            DynamicBlock(MemoryOperation.DYN_SV_HDR_ACK, self._heap),
            mask=READY_FLAG | PULLED_FLAG,
        )
        self._entries: list[MatchEntry | None] = [self._short_catch, self._long_catch]
        self._list = MatchList(self._entries, _SHORT)
        self._last = -1
        self._only = _Receive(_ONLY)
        self._only.entry.active = False
        self._only.entry.next_no_match = self._only.entry.next_invalid = _SHORT
        self._entries.append(self._only.entry)
        self._receives: list[_Receive | None] = [None, None, self._only]
        self._posted: PostedReceives | None = None
        self._pulls = 0
        self._free_receives: list[_Receive] = []
        self._acknowledge_entries: list[MatchEntry | None] = []
        self._read_entries: list[MatchEntry | None] = []
        self._sends: list[_Send] = []
        self._free_sends: list[_Send] = []
        self._outstanding: deque[Transfer] = deque()
        process.table.install(RECEIVE_PORTAL, PortalEntry(self._list))
        process.table.install(
            ACKNOWLEDGE_PORTAL, PortalEntry(MatchList(self._acknowledge_entries, 0))
        )
        process.table.install(READ_PORTAL, PortalEntry(MatchList(self._read_entries, 0)))

    # -- sending -------------------------------------------------------------------------------

    def send(
        self, context: int, rank: int, dest: Address, tag: int, data: Any, mode: int = STANDARD
    ) -> None:
        """Send *data* and return when its memory may be used again."""
        length = len(data)
        if length > self._short or mode:
            transfer = self.isend(context, rank, dest, tag, data, mode)
            if mode != BUFFERED:
                self.wait(transfer)
                self.refuse(context, transfer)
            return
        process = self._process
        process.clock += self._send_cost
        process.clock = gone = self._kernel_send(
            process,
            dest,
            RECEIVE_PORTAL,
            context << 48 | rank << 32 | tag,
            bytes(data) if length else None,
            length,
        )
        if gone - self._engine.now > self._lookahead:
            process.synchronise()

    def isend(
        self, context: int, rank: int, dest: Address, tag: int, data: Any, mode: int = STANDARD
    ) -> Transfer:
        """Begin to send *data*, which must stay as it is until the transfer is done.

        With `BUFFERED` it need not: it is copied, and the transfer is that of the copy.
        """
        process = self._process
        length = len(data)
        bits = context << 48 | rank << 32 | tag
        if mode == READY:
            bits |= READY_FLAG
        process.clock += self._send_cost
        long = length > self._short
        if not long and mode != SYNCHRONOUS:
            self._kernel_send(
                process, dest, RECEIVE_PORTAL, bits, bytes(data) if length else None, length
            )
            if process.clock - self._engine.now > self._lookahead:
                process.synchronise()
            return Transfer()
        record = self._keep(data if mode != BUFFERED else bytes(data), long)
        record.context, record.peer = context, dest
        info = SendInfo(return_portal=ACKNOWLEDGE_PORTAL, return_bits=record.index)
        if long:
            bits |= LONG_FLAG
        body: Any = record.body.buffer if long else bytes(data) if length else None
        transfer = Transfer(record)
        transfer.done = False
        self._kernel_send(process, dest, RECEIVE_PORTAL, bits, body, length, info)
        if process.clock - self._engine.now > self._lookahead:
            process.synchronise()
        if mode == BUFFERED:
            # To the program it is done: the copy is ours, and kept until somebody has received it.
            outstanding = self._outstanding
            while outstanding and self.look(outstanding[0]):
                outstanding.popleft()
            outstanding.append(transfer)
        return transfer

    def _keep(self, data: Any, readable: bool) -> _Send:
        """Return a record for a send that will be acknowledged, its body readable if asked."""
        if self._free_sends:
            record = self._free_sends.pop()
        else:
            index = len(self._sends)
            record = _Send(index)
            self._sends.append(record)
            self._acknowledge_entries.append(
                MatchEntry(record.acknowledgement, bits=index, next_no_match=index + 1)
            )
            self._read_entries.append(MatchEntry(record.body, bits=index, next_no_match=index + 1))
        record.acknowledged.header = None
        record.acknowledgement.next_free = 0
        record.body.messages = 0
        record.body.valid = readable
        record.body.buffer = memoryview(data) if readable else memoryview(b"")
        return record

    def _sent(self, record: _Send) -> Any:
        """Return None if a send is complete, or the descriptor whose change it waits for."""
        header = record.acknowledged.header
        if header is None:
            return record.acknowledgement
        outcome = header.info.user_data if header.info is not None else 0
        if outcome == AckOutcome.NO_PROCESS:
            # Nobody will ever receive it: the send waits, as on the real machine.
            return record.body
        if outcome == AckOutcome.SAVED_HEADER and record.body.valid and not record.body.messages:
            return record.body
        return None

    def _release(self, record: _Send) -> None:
        record.acknowledged.header = None
        record.body.buffer = memoryview(b"")
        self._free_sends.append(record)

    # -- receiving -----------------------------------------------------------------------------

    def receive(self, context: int, source: int, tag: int, buffer: memoryview) -> Transfer:
        """Receive a message into *buffer* and return what is known of it."""
        transfer = self.ireceive(context, source, tag, buffer)
        try:
            if self.faults is not None and not self.look(transfer):
                self.faults.check(context, source, tag)
            self.wait(transfer)
        except BaseException:
            self.cancel(transfer)
            raise
        return transfer

    def take(self, context: int, source: int, tag: int, buffer: memoryview) -> Header | None:
        """Receive into *buffer*, as `receive` does, for callers who rarely look at the envelope.

        Returns:
            The header of the message, or None if it did not fit.
        """
        bits, mask = _match(context, source, tag)
        if self._heap.messages:
            self._check_drops()
            found = self._search(bits, mask)
            if found is not None:
                transfer = self._from_heap(found, buffer)
                if not transfer.done:
                    self.wait(transfer)
                    self.refuse(context, transfer)
                return None if transfer.error else found
        if self.faults is not None:
            self.faults.check(context, source, tag)
        alone = self._last < 0 and self._posted is None
        if alone:
            # Nothing else is posted: one entry, linked to the catch-alls for good, is enough.
            record = self._only
            entry = record.entry
            entry.bits = bits
            entry.mask = mask
            entry.active = True
            block = record.block
            block.buffer = buffer
            self._list.head = self._last = record.index
        else:
            record = self._post(bits, mask, buffer)
            entry = record.entry
            block = record.block
        process = self._process
        try:
            while block.header is None:
                process.wait(record.descriptor)
                if block.header is None:
                    if entry.failed_no_fit:
                        break
                    self._check_drops()
                    if self.faults is not None:
                        self.faults.check(context, source, tag)
        except BaseException:
            # What would have been received here is for the program's next receive.
            self._unlink(record)
            raise
        header = block.header
        process.clock += self._receive_cost
        if alone and self._last == _ONLY and self._posted is None:
            self._list.head = _SHORT
            self._last = -1
            entry.active = entry.failed_no_fit = False
            block.header = block.buffer = None
            record.descriptor.next_free = 0
        else:
            self._unlink(record)
        return header

    def ireceive(self, context: int, source: int, tag: int, buffer: memoryview) -> Transfer:
        """Begin to receive a message into *buffer*."""
        bits, mask = _match(context, source, tag)
        if self._heap.messages:
            self._check_drops()
            found = self._search(bits, mask)
            if found is not None:
                return self._from_heap(found, buffer)
        transfer = Transfer(self._post(bits, mask, buffer))
        transfer.done = False
        return transfer

    def receive_object(self, context: int, source: int, tag: int) -> tuple[Any, Transfer]:
        """Receive a message of any length: a matched probe, then its bytes."""
        arrival = self.match(context, source, tag, True)
        assert arrival is not None
        transfer = Transfer()
        transfer.source, transfer.tag, transfer.nbytes = (
            arrival.source,
            arrival.tag,
            arrival.nbytes,
        )
        return self.take_matched(arrival), transfer

    def _post(self, bits: int, mask: int, buffer: memoryview) -> _Receive:
        """Link a match entry for *buffer* before the catch-alls."""
        entries = self._entries
        if self._free_receives:
            record = self._free_receives.pop()
        elif len(entries) < self._limit + _FIRST:
            record = _Receive(len(entries))
            entries.append(record.entry)
            self._receives.append(record)
            if len(entries) == _MANY + _FIRST:
                self._index_posted()
        else:
            raise HeapOverflow(
                f"more than {self._limit} receives are posted at once; give [mpi] match_list a "
                "larger number in the machine's file"
            )
        entry = record.entry
        entry.bits = bits
        entry.mask = mask
        entry.active = True
        entry.failed_no_fit = False
        entry.next_no_match = entry.next_invalid = _SHORT
        block = record.block
        block.header = None
        block.buffer = buffer
        record.descriptor.next_free = 0
        index = record.index
        last = self._last
        if last < 0:
            self._list.head = index
        else:
            before: Any = entries[last]
            before.next_no_match = before.next_invalid = index
        record.previous = last
        self._last = index
        if self._posted is not None:
            self._posted.add(index, bits, mask)
        return record

    def _index_posted(self) -> None:
        """Have receives found by an index from now on: so many are posted at once."""
        posted = self._posted = PostedReceives(_SHORT)
        place = self._list.head
        while place != _SHORT:
            entry: Any = self._entries[place]
            posted.add(place, entry.bits, entry.mask)
            place = entry.next_no_match
        self._list.ahead = posted.first

    def _unlink(self, record: _Receive) -> None:
        """Take a match entry out of the list and keep it for the next receive."""
        if self._posted is not None:
            self._posted.remove(record.index)
        entries: Any = self._entries
        following = record.entry.next_no_match
        previous = record.previous
        if previous < 0:
            self._list.head = following
        else:
            before = entries[previous]
            before.next_no_match = before.next_invalid = following
        if following == _SHORT:
            self._last = previous
        else:
            receives: Any = self._receives
            receives[following].previous = previous
        record.entry.active = False
        record.block.header = None
        record.block.buffer = None
        if record is not self._only:
            self._free_receives.append(record)
            return
        record.entry.failed_no_fit = False
        record.entry.next_no_match = record.entry.next_invalid = _SHORT
        record.descriptor.next_free = 0

    def _search(self, bits: int, mask: int, *, take: bool = True, begin: int = 0) -> Header | None:
        """Return the oldest unexpected message that matches, taken out of the heap if so asked.

        Those before place *begin* are known not to match.
        """
        messages = self._heap.messages
        for place, header in enumerate(islice(messages, begin, None), begin):
            if not (header.bits ^ bits) & mask:
                if take:
                    del messages[place]
                    self._heap.free(header)
                return header
        return None

    def _from_heap(self, header: Header, buffer: memoryview) -> Transfer:
        """Receive a message that had arrived before its receive was posted."""
        process = self._process
        length = header.length
        transfer = Transfer()
        transfer.fill(header)
        process.clock += self._receive_cost
        if length > len(buffer):
            transfer.error = ERR_TRUNCATE
            self._dismiss(header)
            return transfer
        if header.bits & LONG_FLAG:
            self._pull(header, buffer, transfer)
            return transfer
        if length:
            buffer[:length] = header.body
            process.clock += length * self._copy_rate // 1000
        if header.info is not None:
            self._acknowledge(header)
        return transfer

    def _pull(self, header: Header, buffer: memoryview, transfer: Transfer) -> None:
        """Read the body of a long message from its sender's memory."""
        info = header.info
        if info is None:
            raise RuntimeError(f"a long message without a way back: {header!r}")
        self._pulls = (self._pulls + 1) & _TAG_BITS
        bits = PULLED_FLAG | self._pulls
        record = self._post(bits, MATCH_BITS_MASK, buffer)
        record.peer = header.source
        transfer.done = False
        transfer._record = record
        self._kernel_send(
            self._process,
            header.source,
            READ_PORTAL,
            info.return_bits,
            None,
            0,
            SendInfo(
                read=True,
                reply_length=header.length,
                return_portal=RECEIVE_PORTAL,
                return_bits=bits,
            ),
        )

    def _dismiss(self, header: Header) -> None:
        """Let the sender of a message that will not be received get on."""
        info = header.info
        if info is None:
            return
        if header.bits & LONG_FLAG:
            # It waits for its body to be read: so an empty part of that is.
            self._kernel_send(
                self._process, header.source, READ_PORTAL, info.return_bits, None, 0,
                SendInfo(read=True),
            )  # fmt: skip
        else:
            self._acknowledge(header)

    def _acknowledge(self, header: Header) -> None:
        """Tell the sender of a synchronous message that it has been received."""
        info = header.info
        if info is None or info.return_portal < 0:
            return
        self._kernel_send(
            self._process,
            header.source,
            info.return_portal,
            info.return_bits,
            None,
            0,
            SendInfo(user_data=AckOutcome.SAVED_HEADER_AND_BODY),
        )

    # -- probing -------------------------------------------------------------------------------

    def probe(self, context: int, source: int, tag: int, blocking: bool) -> Transfer | None:
        """Return the envelope of a message that waits to be received, or None."""
        header = self._probe(context, source, tag, blocking, take=False)
        if header is None:
            return None
        transfer = Transfer()
        transfer.fill(header)
        return transfer

    def match(self, context: int, source: int, tag: int, blocking: bool) -> Arrival | None:
        """Take a message out of the heap, to be received by `receive_matched`; or return None."""
        header = self._probe(context, source, tag, blocking, take=True)
        return None if header is None else Arrival(header)

    def _probe(
        self, context: int, source: int, tag: int, blocking: bool, *, take: bool
    ) -> Header | None:
        bits, mask = _match(context, source, tag)
        process = self._process
        if not blocking:
            self.poll()
        messages = self._heap.messages
        seen = 0
        while True:
            # While a process of one fiber waits, messages come in at the end and none is taken out.
            if len(messages) > seen:
                header = self._search(bits, mask, take=take, begin=seen)
                if header is not None:
                    return header
                seen = len(messages)
            self._check_drops()
            if self.faults is not None:
                self.faults.check(context, source, tag)
            if not blocking:
                return None
            process.wait(ANYTHING)
            if process.fibers is not None:
                seen = 0

    def receive_matched(self, arrival: Arrival, buffer: memoryview) -> Transfer:
        """Begin to receive a matched message into *buffer*."""
        return self._from_heap(arrival._header, buffer)

    def take_matched(self, arrival: Arrival) -> Any:
        """Return the bytes of a matched message."""
        header = arrival._header
        if header.bits & LONG_FLAG:
            data = bytearray(header.length)
            transfer = self._from_heap(header, memoryview(data))
            self.wait(transfer)
            self.refuse(header.bits >> 48 & CONTEXTS - 1, transfer)
            return data
        process = self._process
        process.clock += self._receive_cost + header.length * self._copy_rate // 1000
        if header.info is not None:
            self._acknowledge(header)
        return header.body if header.length else b""

    # -- completing ----------------------------------------------------------------------------

    def wait(self, transfer: Transfer) -> None:
        """Block until *transfer* is done."""
        process = self._process
        while not transfer.done:
            watch = self._look(transfer)
            if watch is None:
                return
            self._check_drops()
            if self.faults is not None and self._hopeless(transfer):
                return
            process.wait(watch)

    def wait_all(self, transfers: Iterable[Transfer]) -> None:
        """Block until all of *transfers* are done."""
        for transfer in transfers:
            if not transfer.done:
                self.wait(transfer)

    def wait_any(self, transfers: list[Transfer]) -> int:
        """Block until one of *transfers* is done, and return the first index of such a one."""
        process = self._process
        while True:
            for place, transfer in enumerate(transfers):
                if transfer.done or self._look(transfer) is None:
                    return place
                if self.faults is not None and self._hopeless(transfer):
                    return place
            self._check_drops()
            process.wait(ANYTHING)

    def test(self, transfer: Transfer) -> bool:
        """Return whether *transfer* is done; a little time passes."""
        if not transfer.done:
            self.poll()
            self.look(transfer)
        return transfer.done

    def look(self, transfer: Transfer) -> bool:
        """Return whether *transfer* is done by now, without letting time pass."""
        if not transfer.done and self._look(transfer) is not None:
            self._check_drops()
            if self.faults is not None:
                self._hopeless(transfer)
        return transfer.done

    def cancel(self, transfer: Transfer) -> None:
        """Cancel a receive that has not been matched; anything else goes on as it would have."""
        record = transfer._record
        if transfer.done or type(record) is not _Receive or record.block.header is not None:
            return
        if record.entry.bits & PULLED_FLAG:
            return
        self._unlink(record)
        transfer._record = None
        transfer.cancelled = transfer.done = True

    def finish(self) -> None:
        """Wait for the buffered sends that are under way."""
        self.wait_all(self._outstanding)
        self._outstanding.clear()

    def _hopeless(self, transfer: Transfer) -> bool:
        """Return whether *transfer* is complete by now, as a failure, because it can never be.

        Raises:
            MPIError: `ERR_PROC_FAILED_PENDING`: a message may still come from somebody else.
        """
        faults, record = self.faults, transfer._record
        assert faults is not None
        if type(record) is _Receive:
            bits, mask = record.entry.bits, record.entry.mask
            if bits & PULLED_FLAG:
                code = ERR_PROC_FAILED if record.peer in faults.failed else 0
            else:
                context = bits >> 48 & CONTEXTS - 1
                source = bits >> 32 & 0xFFFF if mask & _SOURCE_BITS else ANY
                code = faults.verdict(context, source, bits & _TAG_BITS)
                if code == ERR_PROC_FAILED_PENDING:
                    raise faults.error(context, code)
            if code:
                self._unlink(record)
        elif type(record) is _Send:
            code = ERR_PROC_FAILED if record.peer in faults.failed else 0
            if code:
                # Nobody will acknowledge it any more: the record is for others.
                self._release(record)
            elif faults.revoked(record.context):
                code = ERR_REVOKED
        else:
            # An access to a window, say: it knows what is to be taken away.
            code = ERR_PROC_FAILED if record.peer in faults.failed else 0
            if code:
                record.abandon()
        if code:
            transfer.error = code
            transfer.done = True
            transfer._record = None
        return transfer.done

    def refuse(self, context: int, transfer: Transfer) -> None:
        """Raise the error that a fault has ended a *transfer* with."""
        if transfer.error and transfer.error != ERR_TRUNCATE:
            assert self.faults is not None
            raise self.faults.error(context, transfer.error)

    def _look(self, transfer: Transfer) -> Any:
        """Complete *transfer* if it can be; return None, or the descriptor that it waits for."""
        record = transfer._record
        kind = type(record)
        if kind is _Send:
            watch = self._sent(record)
            if watch is not None:
                return watch
            self._release(record)
        elif kind is not _Receive:
            # One of another protocol of the library, as an access to a window is.
            watch = record.look()
            if watch is not None:
                return watch
        else:
            header = record.block.header
            entry = record.entry
            if header is None and not entry.failed_no_fit:
                return record.descriptor
            if header is None:
                transfer.error = ERR_TRUNCATE
                transfer.source = entry.bits >> 32 & 0xFFFF if entry.mask & _SOURCE_BITS else ANY
                transfer.tag = entry.bits & _TAG_BITS if entry.mask & _TAG_BITS else ANY
            elif not entry.bits & PULLED_FLAG:
                transfer.fill(header)
            elif header.length != transfer.nbytes:
                # Its sender is gone and the body with it: it never comes.
                return record.descriptor
            self._unlink(record)
            self._process.clock += self._receive_cost
        transfer._record = None
        transfer.done = True
        return None

    def poll(self) -> None:
        """Let the time of one look pass, and other fibers run: so a program that polls gets on."""
        process = self._process
        process.clock += self._receive_cost + 1
        process.synchronise()
        if process.fibers is not None:
            process.yield_cpu()

    def _check_drops(self) -> None:
        if self._short_catch.failed_no_fit or self._long_catch.failed_no_fit:
            heap = self._heap
            raise HeapOverflow(
                f"MPI heap overflow: {len(heap.messages)} unexpected messages fill the "
                f"{heap.size} bytes set aside for them; post receives earlier, or give [mpi] heap "
                "a larger size in the machine's file"
            )
