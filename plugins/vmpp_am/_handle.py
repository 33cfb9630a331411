"""Operations under way, as a program can wait for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from vmpp_am._messages import as_words

if TYPE_CHECKING:
    from vmpp_am._endpoint import Endpoint


Message = tuple[int, bytes, int | bytes]
"""Match bits, body and user data of a request."""


class Handle:
    """An operation under way: a request, put, get or atomic operation.

    Attributes:
        rank: whom it is with.
        done: whether it has ended, as far as has been looked; ask `test`.
        value: what it has brought, once it has ended: the word that an atomic operation found,
            the words that a handler in the kernel replied; None if it brings nothing.
    """

    __slots__ = (
        "_endpoint",
        "convert",
        "done",
        "error",
        "message",
        "rank",
        "value",
        "writes",
    )

    def __init__(self, endpoint: Endpoint, rank: int, *, writes: bool = False) -> None:
        self._endpoint = endpoint
        self.rank = rank
        self.done = False
        self.error = ""
        self.value: Any = None
        # What a fence waits for, how a value is made of the answer, what may go once more.
        self.convert: Callable[[bytes], Any] = as_words
        self.writes = writes
        self.message: Message | None = None

    def test(self) -> bool:
        """Return whether the operation has ended; lets messages be dealt with.

        Raises:
            AmError: it has failed.
        """
        self._endpoint.poll()
        return self._ended()

    def wait(self) -> Any:
        """Wait until the operation has ended; return its value.

        Raises:
            AmError: it has failed, or a handler waits, which it may not.
        """
        self._endpoint.wait_for(self._ended)
        return self.value

    def _ended(self) -> bool:
        if self.error:
            error, self.error = self.error, ""
            raise self._endpoint.failed(error)
        return self.done


def wait_all(handles: Iterable[Handle]) -> None:
    """Wait until all *handles* are done.

    Raises:
        AmError: one has failed.
    """
    for handle in list(handles):
        handle.wait()
