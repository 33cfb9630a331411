"""What a memory descriptor does with a message: one function per kind of descriptor.

The descriptor is the process's memory and may hold anything. These functions check what they use;
what they cannot check without cost raises an exception, which the caller takes as a malformed
descriptor. A negative result is the reason for which nothing was saved. What is saved is a copy:
no header keeps a view of its sender's memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from vmpp.portals import (
    AckOutcome,
    CombinedBlock,
    DynamicBlock,
    Header,
    Heap,
    IndependentBlock,
    MemoryOperation,
    SingleBlock,
)
from vmpp.portals.operations import (
    CIRCULAR,
    COMBINED,
    DYNAMIC,
    INDEPENDENT,
    KEEPS_BODY,
    READS,
    RECEIVER_OFFSET,
    SINGLE,
)

NO_FIT: Final = -1
INVALID: Final = -2
MALFORMED: Final = -3

SAVED_BODY: Final = int(AckOutcome.SAVED_BODY)
SAVED_HEADER: Final = int(AckOutcome.SAVED_HEADER)
SAVED_HEADER_AND_BODY: Final = int(AckOutcome.SAVED_HEADER_AND_BODY)


def save_single(block: SingleBlock, header: Header) -> int:
    """Save the body in the one buffer, at the offset of whoever manages it."""
    if type(block) is not SingleBlock:
        return MALFORMED
    length = header.length
    buffer = block.buffer
    receiver = RECEIVER_OFFSET[block.operation]
    if receiver:
        offset = block.offset
        if offset < 0:
            return MALFORMED
    else:
        info = header.info
        offset = info.offset if info is not None else 0
    end = offset + length
    if offset < 0 or end > buffer.nbytes:
        return NO_FIT
    if length:
        buffer[offset:end] = header.body
        header.body = None
    if receiver:
        block.offset = end
    block.count = length
    block.messages += 1
    return SAVED_BODY


def save_independent(block: IndependentBlock, header: Header) -> int:
    """Save the header, and the body if it is kept, in the next free buffer."""
    if type(block) is not IndependentBlock:
        return MALFORMED
    blocks = block.blocks
    place = block.next_free
    end = len(blocks)
    if not 0 <= place < end:
        return INVALID if place == end else MALFORMED
    target = blocks[place]
    if target.header is not None:
        return INVALID
    outcome = SAVED_HEADER
    operation = block.operation
    if KEEPS_BODY[operation]:
        length = header.length
        buffer = target.buffer
        if buffer is None:
            return MALFORMED
        if length:
            if length > buffer.nbytes:
                return NO_FIT
            buffer[:length] = header.body
            header.body = None
        outcome = SAVED_HEADER_AND_BODY
    else:
        header.body = None
    target.header = header
    place += 1
    block.next_free = 0 if place == end and CIRCULAR[operation] else place
    return outcome


def save_combined(block: CombinedBlock, header: Header) -> int:
    """Scatter the body over the buffers, at the offset of whoever manages it."""
    if type(block) is not CombinedBlock:
        return MALFORMED
    length = header.length
    receiver = RECEIVER_OFFSET[block.operation]
    info = header.info
    offset = block.offset if receiver else info.offset if info is not None else 0
    pieces = _pieces(block, offset, length)
    if pieces is None:
        return NO_FIT
    if length:
        body = memoryview(header.body)
        if body.nbytes != length or body.itemsize != 1:
            return MALFORMED
        taken = 0
        for piece in pieces:
            piece[:] = body[taken : taken + piece.nbytes]
            taken += piece.nbytes
        header.body = None
    if receiver:
        block.offset = offset + length
    block.count = length
    block.messages += 1
    return SAVED_BODY


def save_dynamic(block: DynamicBlock, header: Header) -> int:
    """Allocate space on the heap for the header, and for the body if it is kept."""
    if type(block) is not DynamicBlock:
        return MALFORMED
    heap = block.heap
    if type(heap) is not Heap or type(heap.messages) is not list:
        return MALFORMED
    length = header.length
    used = heap.used + Heap.HEADER_BYTES
    if KEEPS_BODY[block.operation]:
        used += length
        outcome = SAVED_HEADER_AND_BODY
    else:
        outcome = SAVED_HEADER
    if used > heap.size:
        return NO_FIT
    if outcome == SAVED_HEADER or not length:
        header.body = None
    else:
        body = header.body
        if type(body) is not bytes:
            body = header.body = bytes(memoryview(body))
        if len(body) != length:
            return MALFORMED
    heap.used = used
    heap.messages.append(header)
    return outcome


def read_single(block: SingleBlock, header: Header) -> Any:
    """Return the bytes of the one buffer that a read asks for, or why not."""
    info = header.info
    if info is None or type(block) is not SingleBlock:
        return MALFORMED
    length = info.reply_length
    receiver = RECEIVER_OFFSET[block.operation]
    offset = block.offset if receiver else info.offset
    if offset < 0 or length < 0 or offset + length > block.buffer.nbytes:
        return NO_FIT
    data = _copy(block.buffer, offset, length)
    if receiver:
        block.offset = offset + length
    block.count = length
    block.messages += 1
    return data


def read_independent(block: IndependentBlock, header: Header) -> Any:
    """Return the bytes of the next buffer that a read asks for, or why not."""
    info = header.info
    if info is None or type(block) is not IndependentBlock:
        return MALFORMED
    blocks = block.blocks
    place = block.next_free
    if place == len(blocks):
        return INVALID
    if place < 0:
        return MALFORMED
    target = blocks[place]
    if target.header is not None:
        return INVALID
    buffer = target.buffer
    if buffer is None:
        return MALFORMED
    if not 0 <= info.reply_length <= buffer.nbytes:
        return NO_FIT
    data = _copy(buffer, 0, info.reply_length)
    target.header = header
    place += 1
    if place == len(blocks) and CIRCULAR[block.operation]:
        place = 0
    block.next_free = place
    return data


def read_combined(block: CombinedBlock, header: Header) -> Any:
    """Gather the bytes that a read asks for from the buffers, or say why not."""
    info = header.info
    if info is None or type(block) is not CombinedBlock:
        return MALFORMED
    receiver = RECEIVER_OFFSET[block.operation]
    offset = block.offset if receiver else info.offset
    pieces = _pieces(block, offset, info.reply_length)
    if pieces is None:
        return NO_FIT
    data = b"".join(pieces)
    if len(data) != info.reply_length:
        return MALFORMED
    if receiver:
        block.offset = offset + info.reply_length
    block.count = info.reply_length
    block.messages += 1
    return data


def _copy(buffer: memoryview, offset: int, length: int) -> bytes:
    """Return a copy of part of a buffer: its owner may write there as soon as it has been read."""
    data = bytes(memoryview(buffer)[offset : offset + length])
    if len(data) != length:
        raise ValueError("this is not a buffer of bytes")
    return data


def _pieces(block: CombinedBlock, offset: int, length: int) -> list[memoryview] | None:
    """Return the parts of the buffers from *offset* on, *length* bytes; None if they do not fit."""
    if offset < 0 or length < 0:
        return None
    if type(block.blocks) is not list:
        raise TypeError("the buffers are not a list")
    pieces = []
    for buffer in block.blocks:
        size = buffer.nbytes
        if offset < size and length:
            taken = min(size - offset, length)
            pieces.append(buffer[offset : offset + taken])
            length -= taken
            offset = 0
        else:
            offset = max(0, offset - size)
    return None if length else pieces


def refuse(descriptor: Any, header: Header) -> int:
    """Take nothing: what a descriptor does with messages that its operation is not for."""
    return MALFORMED


def _table(
    single: Callable[..., Any],
    independent: Callable[..., Any],
    combined: Callable[..., Any],
    dynamic: Callable[..., Any],
    *,
    reads: bool,
) -> tuple[Callable[[Any, Header], Any], ...]:
    """Return, by value of an operation, who deals with a write or a read."""
    table = [refuse] * len(MemoryOperation)
    for family, function in (
        (SINGLE, single),
        (INDEPENDENT, independent),
        (COMBINED, combined),
        (DYNAMIC, dynamic),
    ):
        for operation in MemoryOperation:
            if family[operation] and READS[operation] == reads:
                table[operation] = function
    return tuple(table)


WRITERS: Final = _table(save_single, save_independent, save_combined, save_dynamic, reads=False)
"""Who saves a message, by operation."""

READERS: Final = _table(read_single, read_independent, read_combined, refuse, reads=True)
"""Who answers a read, by operation: with the bytes, or with a negative reason."""
