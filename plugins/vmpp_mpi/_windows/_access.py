"""One access to a window's memory, from its beginning until it is known to be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vmpp.portals import AckOutcome, Block, IndependentBlock, MemoryOperation
from vmpp_mpi._errors import ERR_PROC_FAILED, ERR_WIN
from vmpp_mpi._protocol import Transfer

if TYPE_CHECKING:
    from vmpp.portals import Address
    from vmpp_mpi._windows._origin import Origin


def error_of(status: Any) -> int:
    """Return the error class in the user data of a reply or acknowledgement, 0 if it is none."""
    if not isinstance(status, int):
        return 0
    if status < 0:
        return -status
    if status == AckOutcome.NO_PROCESS:
        return ERR_PROC_FAILED
    return ERR_WIN if status == AckOutcome.DROPPED else 0


class Access(Transfer):
    """A put, get or atomic operation under way: the messages of one call to one target.

    Attributes:
        peer: the target process.
        window: number of the window.
        number: what acknowledgements and replies name it by.
        unanswered: how many acknowledgements are still to come.
        replies: where what is replied goes; None if nothing is.
        local: whether the origin's buffer may be used again before the access is done.
        told: whether the program has been told of its error, or will be by a request.
        deliver: puts what was replied in its place in the program's buffer, once it is there.
    """

    __slots__ = (
        "_origin", "deliver", "local", "number", "peer", "place", "replies", "told", "unanswered",
        "window",
    )  # fmt: skip

    def __init__(
        self,
        origin: Origin,
        peer: Address,
        window: int,
        number: int,
        blocks: list[memoryview] | None = None,
    ) -> None:
        super().__init__(self)
        self._origin = origin
        self.peer = peer
        self.window = window
        self.number = number
        self.unanswered = 0
        self.place = -1
        self.local = self.told = False
        self.deliver: Callable[[], object] | None = None
        self.replies: IndependentBlock | None = None
        if blocks is not None:
            self.replies = IndependentBlock(
                MemoryOperation.IND_LIN_SV_HDR_BDY, [Block(block) for block in blocks]
            )

    def look(self) -> Any:
        """Complete the access if it can be; return None, or the descriptor that it waits for."""
        origin = self._origin
        origin.drain()
        replies = self.replies
        if replies is not None:
            if replies.next_free < len(replies.blocks):
                return replies
            for block in replies.blocks:
                header: Any = block.header
                self.error = self.error or error_of(header.info.user_data)
            origin.forget(self)
            if self.deliver is not None and not self.error:
                self.deliver()
            self.replies = self.deliver = None
        elif self.unanswered:
            return origin.events
        return None

    def abandon(self) -> None:
        """Expect no more answers: the target is no more."""
        self._origin.abandon(self)
        self.replies = self.deliver = None
        self.unanswered = 0

    def settled(self) -> bool:
        """Return whether the access is done, and complete it if it can be."""
        if not self.done and self.look() is None:
            self.done = True
            self._record = None
        return self.done

    def answered(self, status: Any) -> bool:
        """Count an acknowledgement; return whether it was the last."""
        self.error = self.error or error_of(status)
        self.unanswered -= 1
        return not self.unanswered
