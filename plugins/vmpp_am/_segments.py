"""One-sided communication: memory that others put into, get from, and work on.

A segment is three descriptors over one piece of memory, told apart by their match bits: one takes
puts, at the offset that the sender says, and has them acknowledged; one answers gets; one has a
handler in the kernel work atomic operations in. None of them wakes the program.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from numbers import Integral
from operator import index
from typing import TYPE_CHECKING, Any, Final

from vmpp.portals import (
    KernelHandler,
    MatchEntry,
    MemoryOperation,
    SendInfo,
    SingleBlock,
)
from vmpp.portals.language import compile_handler
from vmpp.process.compute import allocate
from vmpp_am._errors import AmError
from vmpp_am._handle import Handle
from vmpp_am._messages import OWN_HANDLERS, as_words, packed_place, whole, words
from vmpp_am._parameters import WORD
from vmpp_am._portals import COMPLETION_PORTAL, SEGMENT_PORTAL
from vmpp_collectives import Channel, Combine, Kind, Reduction, allgather, allreduce, elementwise

if TYPE_CHECKING:
    from vmpp_am._endpoint import Endpoint
    from vmpp_am._token import Token

PUT, GET, ATOMIC = range(3)
"""What the lowest match bits say of a message for a segment."""
_KINDS: Final = 4

ADD, SWAP, COMPARE_SWAP, AND, OR, XOR = range(6)
"""The atomic operations, as the user data of their messages says them."""

ATOMIC_HANDLER: Final = """
found = load(offset)
if user == ADD:
    store(offset, found + body(0))
elif user == COMPARE_SWAP:
    if found == body(8):
        store(offset, body(0))
elif user == SWAP:
    store(offset, body(0))
elif user == AND:
    store(offset, found & body(0))
elif user == OR:
    store(offset, found | body(0))
else:
    store(offset, found ^ body(0))
reply(found)
"""
"""What the kernel does with the message of an atomic operation."""

_BY_HANDLER: Final[dict[int, Callable[[int, int, int], int]]] = {
    ADD: lambda found, value, _: found + value,
    SWAP: lambda found, value, _: value,
    COMPARE_SWAP: lambda found, value, expected: value if found == expected else found,
    AND: lambda found, value, _: found & value,
    OR: lambda found, value, _: found | value,
    XOR: lambda found, value, _: found ^ value,
}
_ATOMIC_NUMBER: Final = OWN_HANDLERS
"""The handler in user space that does the same."""


class Segment:
    """Memory of all ranks that others may reach.

    Attributes:
        number: which it is, the same on all ranks.
        memory: this rank's, as bytes.
    """

    __slots__ = ("_entries", "_sizes", "closed", "memory", "number")

    def __init__(self, number: int, memory: memoryview, entries: tuple[MatchEntry, ...]) -> None:
        self.number = number
        self.memory = memory
        self.closed = False
        self._entries = entries
        self._sizes: int | array[int] = memory.nbytes

    def size(self, rank: int) -> int:
        """Return how many bytes *rank* has exposed."""
        return self._sizes if isinstance(self._sizes, int) else self._sizes[rank]

    def agree(self, channel: Channel) -> None:
        """Let all ranks know how much each has exposed, and that all have."""
        own = self.memory.nbytes
        extremes = array("q", (own, -own))
        combine: Combine = elementwise("maximum", "i8")
        allreduce(
            channel.begin(Kind.ALLREDUCE),
            memoryview(extremes).cast("B"),
            Reduction(combine, WORD, True),
        )
        if extremes[0] == -extremes[1]:
            self._sizes = own
            return
        sizes = array("q", [0] * channel.size)
        sizes[channel.rank] = own
        bounds = range(0, (channel.size + 1) * WORD, WORD)
        allgather(channel.begin(Kind.ALLGATHER), memoryview(sizes).cast("B"), bounds)
        self._sizes = sizes

    def withdraw(self) -> None:
        """Take no more messages."""
        self.closed = True
        for entry in self._entries:
            if entry.descriptor is not None:
                entry.descriptor.valid = False


class Segments:
    """The segments of one process, and its operations on those of others."""

    __slots__ = ("_atomic", "_endpoint", "_handler", "_segments")

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._segments: list[Segment] = []
        self._atomic: set[SingleBlock] = set()
        self._handler: KernelHandler | None = None

    def expose(self, memory: Any) -> Segment:
        """Let others reach *memory*; `Segment.agree` completes it.

        Raises:
            AmError: it is no memory that can be written, in one piece.
        """
        view = as_memory(memory, "expose")
        if view.readonly:
            raise AmError("expose: this memory cannot be written")
        number = len(self._segments)
        puts = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_SV_BDY_ACK, view)
        gets = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_RPLY, view)
        atomics = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_SV_BDY, view)
        places = self._endpoint.portals.segments
        entries = []
        for kind, block in ((PUT, puts), (GET, gets), (ATOMIC, atomics)):
            following = len(places) + 1
            entry = MatchEntry(block, bits=number * _KINDS + kind, next_no_match=following)
            places.append(entry)
            entries.append(entry)
        self._let_work(atomics)
        segment = Segment(number, view, tuple(entries))
        self._segments.append(segment)
        self._endpoint.memories.append(view)
        return segment

    def _let_work(self, block: SingleBlock) -> None:
        """Have the kernel work atomic operations into *block*."""
        portal = self._endpoint.portals.segment
        if self._handler is None:
            process = self._endpoint.process
            program = compile_handler(
                ATOMIC_HANDLER, "atomic",
                ADD=ADD, SWAP=SWAP, COMPARE_SWAP=COMPARE_SWAP, AND=AND, OR=OR,
            )  # fmt: skip
            self._handler = process.kernel.install(process, program)
            self._endpoint.serve(_ATOMIC_NUMBER, self._work)
        self._atomic.add(block)
        portal.handler, portal.raised_by = self._handler, self._atomic
        target = portal.target
        target.head = 0  # type: ignore[union-attr]

    # -- operations ----------------------------------------------------------------------------

    def put(self, rank: int, segment: Segment, offset: int, data: Any) -> Handle:
        """Begin to write *data* into the segment of *rank*."""
        view = as_memory(data, "put")
        offset = self._check("put", rank, segment, offset, view.nbytes)
        endpoint = self._endpoint
        handle = endpoint.begin("put", rank, writes=True)
        info = SendInfo(
            offset=offset, return_portal=COMPLETION_PORTAL, return_bits=endpoint.number(handle)
        )
        bits = segment.number * _KINDS + PUT
        endpoint.send(endpoint.address(rank), SEGMENT_PORTAL, bits, view, info)
        return handle

    def request(
        self, rank: int, handler: Any, segment: Segment, offset: int, data: Any, arguments: Any
    ) -> Handle:
        """Put *data* and send a request that finds it there: messages arrive in order."""
        length = as_memory(data, "request").nbytes
        self._endpoint.may_wait("request")
        self._endpoint.number_of(handler)
        self.put(rank, segment, offset, data)
        where = packed_place(segment.number, index(offset), length)
        return self._endpoint.request(rank, handler, arguments, b"", where)

    def get(self, rank: int, segment: Segment, offset: int, into: Any) -> Handle:
        """Begin to read from the segment of *rank* as many bytes as *into* has."""
        view = as_memory(into, "get")
        if view.readonly:
            raise AmError("get: this memory cannot be written")
        offset = self._check("get", rank, segment, offset, view.nbytes)
        endpoint = self._endpoint
        handle = endpoint.begin("get", rank, writes=False)
        if not view.nbytes:
            handle.done = True
            return handle
        info = SendInfo(
            read=True, offset=offset, reply_length=view.nbytes, return_portal=COMPLETION_PORTAL,
            return_bits=endpoint.await_data(handle, view),
        )  # fmt: skip
        bits = segment.number * _KINDS + GET
        endpoint.send(endpoint.address(rank), SEGMENT_PORTAL, bits, b"", info)
        return handle

    def atomic(
        self, rank: int, segment: Segment, offset: int, operation: int, *operands: int, by: str
    ) -> Handle:
        """Begin an atomic operation on a word of the segment of *rank*."""
        offset = self._check("atomic operation", rank, segment, offset, WORD)
        if by not in ("kernel", "handler"):
            raise AmError(f"atomic operations are done by 'kernel' or 'handler', not {by!r}")
        body = words((*operands, 0)[:2])
        endpoint = self._endpoint
        if by == "handler":
            arguments = (segment.number, offset, operation)
            handle = endpoint.request(rank, self._work, arguments, body)
            handle.writes = True
        else:
            handle = endpoint.begin("do atomic operations", rank, writes=True)
            number = endpoint.number(handle)
            info = SendInfo(
                offset=offset, user_data=operation, return_portal=COMPLETION_PORTAL,
                return_bits=number,
            )  # fmt: skip
            bits = segment.number * _KINDS + ATOMIC
            endpoint.send(endpoint.address(rank), SEGMENT_PORTAL, bits, body, info)
        handle.convert = _first_word
        return handle

    def _work(self, token: Token, number: int, offset: int, operation: int) -> None:
        """Do an atomic operation in user space: the handler of a request for one."""
        memory = self._segments[number].memory[offset : offset + WORD]
        value, expected = as_words(bytes(token.payload))
        found = int.from_bytes(memory, "little", signed=True)
        result = _BY_HANDLER[operation](found, value, expected) & (1 << 64) - 1
        memory[:] = result.to_bytes(WORD, "little")
        token.result(found)

    def _check(self, what: str, rank: int, segment: Segment, offset: int, length: int) -> int:
        """Return an offset, if that is in the segment of *rank*. Raises AmError."""
        self._endpoint.address(rank)
        offset = whole(offset, "offset")
        if type(segment) is not Segment:
            raise AmError(f"{what}: {segment!r:.40} is no segment; am.expose returns one")
        if segment.closed:
            raise AmError(f"{what}: segment {segment.number} has been withdrawn")
        size = segment.size(rank)
        if offset < 0 or offset + length > size:
            raise AmError(
                f"{what}: bytes {offset} to {offset + length} are not in the {size} that rank "
                f"{rank} has exposed"
            )
        return offset


def fresh(length: Integral, what: str) -> bytearray:
    """Return new memory of the process.

    Raises:
        AmError: the node has not so much, or it is a negative number.
    """
    try:
        return allocate(int(length))
    except (ValueError, MemoryError) as error:
        raise AmError(f"{what}: {error}") from None


def as_memory(memory: Any, what: str) -> memoryview:
    """Return memory as bytes. Raises AmError."""
    try:
        return memoryview(memory).cast("B")
    except (TypeError, ValueError) as error:
        raise AmError(f"{what}: this is no memory in one piece: {error}") from None


def _first_word(body: bytes) -> int:
    return as_words(body)[0]
