"""Sizes and times of the library, from a machine's description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vmpp.portals import Heap

if TYPE_CHECKING:
    from vmpp.machine.description import MachineDescription

MOST_ARGUMENTS: Final = 16
"""Arguments of a request or reply, as in GASNet."""
MOST_PAYLOAD: Final = 4096
"""Bytes of a request's or reply's payload, if the heap is not small."""
WORD: Final = 8
"""Bytes of an argument."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the library goes by.

    Attributes:
        send: library time of a message, ps.
        handler: library time of finding and calling a handler, ps.
        heap: bytes for each of: requests, replies, and ends of operations.
        payload: the longest payload.
        credits: requests that a process can have under way.
        operations: puts, gets and atomic operations that a process can have under way.
    """

    send: int
    handler: int
    heap: int
    payload: int
    credits: int
    operations: int

    def completions(self, size: int) -> int:
        """Return the bytes for what ends operations, and for collective ones of *size* ranks.

        A rank is one barrier ahead of another at the most; sizes of segments are collected by
        messages of a word for each rank.
        """
        return self.heap + 64 * Heap.HEADER_BYTES + 4 * WORD * size

    @classmethod
    def of(cls, description: MachineDescription) -> Parameters:
        """Return what the table ``[am]`` of a machine says, and what follows from it.

        Each request gets one reply at the most: with so many credits the replies find room. So do
        the ends of requests, with up to `MOST_ARGUMENTS` words, beside those of other operations.
        """
        table = description.am
        least = Heap.HEADER_BYTES + MOST_ARGUMENTS * WORD
        payload = max(0, min(MOST_PAYLOAD, table.heap // 4 - least))
        return cls(
            send=table.send,
            handler=table.handler,
            heap=table.heap,
            payload=payload,
            credits=max(1, table.heap // (least + payload)),
            operations=max(1, table.heap // (8 * Heap.HEADER_BYTES)),
        )
