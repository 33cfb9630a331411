"""Memory for buffered sends, which a program attaches to the process or to a communicator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vmpp_mpi._buffers._buffer import memory_of
from vmpp_mpi._constants import BSEND_OVERHEAD
from vmpp_mpi._requests._operation import Operation
from vmpp_mpi._special import BUFFER_AUTOMATIC

if TYPE_CHECKING:
    from vmpp_mpi._protocol import Protocol, Transfer
    from vmpp_mpi._state import CommState


class SendBuffer:
    """A buffer that a program attached for buffered sends.

    The messages are kept elsewhere; the buffer only counts how much of it they would take.

    Args:
        memory: what the program attached, to be given back to it.
        capacity: bytes it has room for; None if it grows by itself.
    """

    __slots__ = ("_capacity", "_pending", "memory")

    def __init__(self, memory: Any, capacity: int | None) -> None:
        self.memory = memory
        self._capacity = capacity
        self._pending: list[tuple[Transfer, int]] = []

    @classmethod
    def of(cls, memory: Any) -> SendBuffer:
        """Make one of what a program attaches; None or `BUFFER_AUTOMATIC` grows by itself.

        Raises:
            TypeError, BufferError: *memory* is no buffer that can be written to.
        """
        if memory is None or memory is BUFFER_AUTOMATIC:
            return cls(memory, None)
        return cls(memory, len(memory_of(memory, True)))

    def room_for(self, protocol: Protocol, nbytes: int) -> bool:
        """Return whether a message of *nbytes* fits beside those still on their way."""
        if self._capacity is None:
            return True
        needed = nbytes + BSEND_OVERHEAD
        if self._used() + needed <= self._capacity:
            return True
        self._pending = [item for item in self._pending if not protocol.test(item[0])]
        return self._used() + needed <= self._capacity

    def hold(self, transfer: Transfer, nbytes: int) -> None:
        """Count a message as taking room until its *transfer* is done."""
        if not transfer.done:
            self._pending.append((transfer, nbytes + BSEND_OVERHEAD))

    def under_way(self) -> list[Transfer]:
        """Return the messages that are not sent yet."""
        return [transfer for transfer, _ in self._pending if not transfer.done]

    def flush(self, protocol: Protocol) -> None:
        """Wait until all messages are sent."""
        for transfer, _ in self._pending:
            protocol.wait(transfer)
        self._pending.clear()

    def detach(self, protocol: Protocol) -> Any:
        """Wait until all messages are sent, and return what the program attached."""
        self.flush(protocol)
        return self.memory

    def _used(self) -> int:
        return sum(size for transfer, size in self._pending if not transfer.done)


class Flush(Operation):
    """The end of the buffered sends that are under way when it is made.

    Args:
        state: of the communicator that errors go to.
        buffer: what they take room in; None if nothing is attached.
    """

    __slots__ = ("_left",)

    def __init__(self, state: CommState, buffer: SendBuffer | None) -> None:
        super().__init__(state, None)
        self._left = [] if buffer is None else buffer.under_way()

    def pending(self) -> Transfer | None:
        """Return the message to wait for next, None if all are sent."""
        while self._left and self._left[-1].done:
            self._left.pop()
        return self._left[-1] if self._left else None
