"""What a memory descriptor does with a message: one function per kind of descriptor.

The descriptor is the process's memory and may hold anything. These functions check what they use;
what they cannot check without cost raises an exception, which the caller takes as a malformed
descriptor. A negative result is the reason for which nothing was saved.
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
    SingleBlock,
)
from vmpp.portals.operations import CIRCULAR, KEEPS_BODY, RECEIVER_OFFSET

NO_FIT: Final = -1
INVALID: Final = -2
MALFORMED: Final = -3

SAVED_BODY: Final = int(AckOutcome.SAVED_BODY)
SAVED_HEADER: Final = int(AckOutcome.SAVED_HEADER)
SAVED_HEADER_AND_BODY: Final = int(AckOutcome.SAVED_HEADER_AND_BODY)


def save_single(block: SingleBlock, header: Header) -> int:
    """Save the body in the one buffer, at the offset of whoever manages it."""
    length = header.length
    buffer = block.buffer
    if RECEIVER_OFFSET[block.operation]:
        offset = block.offset
        block_end = offset + length
        if block_end > buffer.nbytes:
            return NO_FIT
        if offset < 0:
            return MALFORMED
        block.offset = block_end
    else:
        info = header.info
        offset = info.offset if info is not None else 0
        if offset < 0 or offset + length > buffer.nbytes:
            return NO_FIT
    if length:
        buffer[offset : offset + length] = header.body
    block.count = length
    block.messages += 1
    return SAVED_BODY


def save_independent(block: IndependentBlock, header: Header) -> int:
    """Save the header, and the body if it is kept, in the next free buffer."""
    blocks = block.blocks
    place = block.next_free
    if place == len(blocks):
        return INVALID
    if place < 0:
        return MALFORMED
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
        if length > buffer.nbytes:
            return NO_FIT
        if length:
            buffer[:length] = header.body
        outcome = SAVED_HEADER_AND_BODY
    target.header = header
    place += 1
    if place == len(blocks) and CIRCULAR[operation]:
        place = 0
    block.next_free = place
    return outcome


def save_combined(block: CombinedBlock, header: Header) -> int:
    """Scatter the body over the buffers, at the offset of whoever manages it."""
    length = header.length
    receiver = RECEIVER_OFFSET[block.operation]
    info = header.info
    offset = block.offset if receiver else info.offset if info is not None else 0
    pieces = _pieces(block, offset, length)
    if pieces is None:
        return NO_FIT
    body = memoryview(header.body) if length else None
    taken = 0
    for piece in pieces:
        if body is not None:
            piece[:] = body[taken : taken + piece.nbytes]
        taken += piece.nbytes
    if receiver:
        block.offset = offset + length
    block.count = length
    block.messages += 1
    return SAVED_BODY


def save_dynamic(block: DynamicBlock, header: Header) -> int:
    """Allocate space on the heap for the header, and for the body if it is kept."""
    heap = block.heap
    if type(heap) is not Heap or type(heap.messages) is not list:
        return MALFORMED
    used = heap.used + Heap.HEADER_BYTES
    if KEEPS_BODY[block.operation]:
        used += header.length
        outcome = SAVED_HEADER_AND_BODY
    else:
        outcome = SAVED_HEADER
    if used > heap.size:
        return NO_FIT
    if outcome == SAVED_HEADER:
        header.body = None
    elif type(header.body) is memoryview:
        header.body = bytes(header.body)
    heap.used = used
    heap.messages.append(header)
    return outcome


def read_single(block: SingleBlock, header: Header) -> Any:
    """Return the bytes of the one buffer that a read asks for, or why not."""
    info = header.info
    if info is None:
        return MALFORMED
    length = info.reply_length
    receiver = RECEIVER_OFFSET[block.operation]
    offset = block.offset if receiver else info.offset
    if offset < 0 or length < 0 or offset + length > block.buffer.nbytes:
        return NO_FIT
    if receiver:
        block.offset = offset + length
    block.count = length
    block.messages += 1
    return block.buffer[offset : offset + length]


def read_independent(block: IndependentBlock, header: Header) -> Any:
    """Return the bytes of the next buffer that a read asks for, or why not."""
    info = header.info
    if info is None:
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
    target.header = header
    place += 1
    if place == len(blocks) and CIRCULAR[block.operation]:
        place = 0
    block.next_free = place
    return buffer[: info.reply_length]


def read_combined(block: CombinedBlock, header: Header) -> Any:
    """Gather the bytes that a read asks for from the buffers, or say why not."""
    info = header.info
    if info is None:
        return MALFORMED
    receiver = RECEIVER_OFFSET[block.operation]
    offset = block.offset if receiver else info.offset
    pieces = _pieces(block, offset, info.reply_length)
    if pieces is None:
        return NO_FIT
    if receiver:
        block.offset = offset + info.reply_length
    block.count = info.reply_length
    block.messages += 1
    return b"".join(pieces)


def _pieces(block: CombinedBlock, offset: int, length: int) -> list[memoryview] | None:
    """Return the parts of the buffers from *offset* on, *length* bytes; None if they do not fit."""
    if offset < 0 or length < 0:
        return None
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


WRITERS: Final[dict[type, Callable[[Any, Header], int]]] = {
    SingleBlock: save_single,
    IndependentBlock: save_independent,
    CombinedBlock: save_combined,
    DynamicBlock: save_dynamic,
}
"""Who saves a message, by kind of descriptor. A dynamic block takes no reads."""

READERS: Final[dict[type, Callable[[Any, Header], Any]]] = {
    SingleBlock: read_single,
    IndependentBlock: read_independent,
    CombinedBlock: read_combined,
}
"""Who answers a read, by kind of descriptor: with the bytes, or with a negative reason."""
