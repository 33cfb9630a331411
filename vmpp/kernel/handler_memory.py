"""The memory that handlers in the kernel work on: that of one descriptor, with a way back."""

from __future__ import annotations

from struct import Struct
from typing import Any, Final

from vmpp.portals import MATCH_BITS_MASK, CombinedBlock, SingleBlock


class Fault(Exception):
    """A handler did what it may not; its string is the reason."""


class SharedMemory:
    """The memory of a descriptor: a block, or a row of them used as one.

    Attributes:
        size: bytes of it.
    """

    __slots__ = ("_blocks", "_undo", "size")

    def __init__(self, descriptor: Any) -> None:
        if type(descriptor) is SingleBlock:
            blocks = [descriptor.buffer]
        elif type(descriptor) is CombinedBlock:
            if type(descriptor.blocks) is not list:
                raise Fault("the descriptor's memory is no row of buffers")
            blocks = descriptor.blocks.copy()
        else:
            # Messages have blocks of their own, or space on a heap: there is nothing to share.
            blocks = []
        for block in blocks:
            if type(block) is not memoryview or block.format != "B" or not block.c_contiguous:
                raise Fault("the descriptor's memory is no row of bytes")
        self._blocks: list[memoryview] = blocks
        self._undo: list[tuple[int, bytes]] = []
        self.size = sum(block.nbytes for block in blocks)

    def load(self, offset: int, width: int) -> int:
        """Return the number at *offset*: 8 bytes have a sign, less have none."""
        self._check(offset, width)
        return unpacked(self._read(offset, width), width)

    def store(self, offset: int, value: int, width: int) -> None:
        """Write the low bytes of *value* at *offset*."""
        self.write(offset, (value & MATCH_BITS_MASK).to_bytes(8, "little")[:width])

    def write(self, offset: int, data: bytes) -> None:
        """Write *data* at *offset*, and keep what was there."""
        self._check(offset, len(data))
        if any(block.readonly for block in self._blocks):
            raise Fault("writes to memory that can only be read")
        self._undo.append((offset, bytes(self._read(offset, len(data)))))
        self._write(offset, data)

    def restore(self) -> None:
        """Write everything back."""
        while self._undo:
            self._write(*self._undo.pop())

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or offset + length > self.size:
            raise Fault(
                f"bytes {offset} to {offset + length} are not in the descriptor's {self.size}"
            )

    def _read(self, offset: int, length: int) -> bytes | memoryview:
        if len(self._blocks) == 1:
            return self._blocks[0][offset : offset + length]
        return b"".join(block[begin:end] for block, begin, end in self._parts(offset, length))

    def _write(self, offset: int, data: bytes) -> None:
        taken = 0
        for block, begin, end in self._parts(offset, len(data)):
            block[begin:end] = data[taken : taken + end - begin]
            taken += end - begin

    def _parts(self, offset: int, length: int) -> list[tuple[memoryview, int, int]]:
        """Return which stretches of which blocks some bytes are."""
        parts = []
        for block in self._blocks:
            end = min(offset + length, block.nbytes)
            if offset < end:
                parts.append((block, offset, end))
                length -= end - offset
                offset = end
            offset -= block.nbytes
        return parts


_WORDS: Final = {
    width: Struct(code) for width, code in ((1, "<B"), (2, "<H"), (4, "<I"), (8, "<q"))
}


def unpacked(data: bytes | memoryview, width: int) -> int:
    """Return the number that some bytes are: 8 have a sign, fewer have none."""
    value: int = _WORDS[width].unpack(data)[0]
    return value


def packed(words: list[int]) -> bytes:
    """Return words of 64 bits as bytes."""
    return b"".join(_WORDS[8].pack(word) for word in words)
