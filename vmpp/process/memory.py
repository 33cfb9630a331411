"""Memory that a program asks its node for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmpp.engine import current_process
from vmpp.hardware import OutOfMemory

if TYPE_CHECKING:
    from vmpp.hardware import Region
    from vmpp.kernel.memory import ProcessMemory


class NodeMemory(bytearray):
    """Bytes of a node's memory, zero at first, which are given back when nobody refers to them."""

    __slots__ = ("_holder", "_region")

    _holder: ProcessMemory
    _region: Region

    def __del__(self) -> None:
        if getattr(self, "_holder", None) is not None:
            self.give_back()

    def give_back(self) -> None:
        """Give the memory back to the node, whoever refers to the bytes; once is enough."""
        self._holder.free(self._region)


def taken(nbytes: int) -> bytearray:
    """Return *nbytes* of new memory, of the node of the process that calls, if one does.

    Raises:
        ValueError: *nbytes* is negative.
        MemoryError: the node, or the process's part of it, has not so much; the message says how
            much it has.
    """
    process = current_process()
    if process is None:
        return bytearray(nbytes)
    try:
        region = process.memory.allocate(nbytes)
    except OutOfMemory as error:
        raise MemoryError(str(error)) from None
    memory = NodeMemory(nbytes)
    memory._holder, memory._region = process.memory, region
    return memory
