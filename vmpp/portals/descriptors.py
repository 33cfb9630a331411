"""Memory descriptors: where a message's bytes go to or come from."""

from __future__ import annotations

from vmpp.portals.header import Header
from vmpp.portals.operations import (
    COMBINED,
    DYNAMIC,
    INDEPENDENT,
    SINGLE,
    MemoryOperation,
)


def _check(operation: MemoryOperation, family: tuple[bool, ...], name: str) -> None:
    if not family[operation]:
        raise ValueError(f"{operation!r} is not an operation of a {name} block")


class Descriptor:
    """What all descriptors have.

    Attributes:
        operation: what the descriptor does.
        valid: whether it takes messages; its owner may say no at any time.
    """

    __slots__ = ("operation", "valid")

    def __init__(self, operation: MemoryOperation) -> None:
        self.operation = operation
        self.valid = True


class SingleBlock(Descriptor):
    """One contiguous buffer.

    Attributes:
        buffer: the memory; writable for saving operations.
        count: bytes written or read by the last message; its owner sets -1 and polls it.
        messages: messages taken so far.
        offset: where the next message goes, if the receiver manages the offset.
    """

    __slots__ = ("buffer", "count", "messages", "offset")

    def __init__(self, operation: MemoryOperation, buffer: memoryview) -> None:
        _check(operation, SINGLE, "single")
        super().__init__(operation)
        self.buffer = buffer
        self.count = -1
        self.messages = 0
        self.offset = 0


class Block:
    """One buffer of an independent or combined block.

    Attributes:
        buffer: the memory, or None where only headers are kept.
        header: the header of the message that it holds; None: empty.
    """

    __slots__ = ("buffer", "header")

    def __init__(self, buffer: memoryview | None = None) -> None:
        self.buffer = buffer
        self.header: Header | None = None


class IndependentBlock(Descriptor):
    """A row of buffers, each taking one message with its header.

    A message goes to the buffer at `next_free` or nowhere. The owner empties a block by setting its
    header to None.

    Attributes:
        blocks: the buffers.
        next_free: index of the buffer that takes the next message; len(blocks): none is left.
        first_read: index at which the owner reads next.
    """

    __slots__ = ("blocks", "first_read", "next_free")

    def __init__(self, operation: MemoryOperation, blocks: list[Block]) -> None:
        _check(operation, INDEPENDENT, "independent")
        super().__init__(operation)
        self.blocks = blocks
        self.next_free = 0
        self.first_read = 0


class CombinedBlock(Descriptor):
    """A row of buffers used as one: writes scatter over them, reads gather from them.

    Attributes:
        blocks: the buffers, in order.
        count: bytes written or read by the last message; its owner sets -1 and polls it.
        messages: messages taken so far.
        offset: where the next message goes, if the receiver manages the offset.
    """

    __slots__ = ("blocks", "count", "messages", "offset")

    def __init__(self, operation: MemoryOperation, blocks: list[memoryview]) -> None:
        _check(operation, COMBINED, "combined")
        super().__init__(operation)
        self.blocks = blocks
        self.count = -1
        self.messages = 0
        self.offset = 0


class Heap:
    """Memory that the kernel allocates from, message by message.

    Several dynamic blocks may lie over one heap. `messages` holds what has arrived, oldest first;
    `free` gives the space of one back after its owner took it out.

    Attributes:
        size: bytes in all.
        used: bytes taken, headers included.
        messages: headers, with their bodies where these were saved.
    """

    __slots__ = ("messages", "size", "used")

    HEADER_BYTES = 64
    """What the header of a saved message takes of a heap."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.used = 0
        self.messages: list[Header] = []

    def free(self, header: Header) -> None:
        """Give back the space of *header* and of its body, if that was saved."""
        self.used -= self.HEADER_BYTES
        if header.body is not None:
            self.used -= header.length


class DynamicBlock(Descriptor):
    """Takes any number of messages, into space that the kernel allocates on a heap."""

    __slots__ = ("heap",)

    def __init__(self, operation: MemoryOperation, heap: Heap) -> None:
        _check(operation, DYNAMIC, "dynamic")
        super().__init__(operation)
        self.heap = heap
