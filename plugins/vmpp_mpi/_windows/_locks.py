"""Who may access a window's memory in passive target epochs, at the process that exposes it."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class LockQueue(Generic[T]):
    """One lock, shared or exclusive, granted in the order in which it was asked for.

    So nobody starves: a shared request behind an exclusive one waits for that.
    """

    __slots__ = ("_exclusive", "_holders", "_waiting")

    def __init__(self) -> None:
        self._exclusive = False
        self._holders = 0
        self._waiting: deque[tuple[bool, T]] = deque()

    @property
    def busy(self) -> bool:
        """Whether anybody holds the lock or waits for it."""
        return bool(self._holders or self._waiting)

    def request(self, exclusive: bool, who: T) -> list[T]:
        """Ask for the lock; return whom it is granted to now."""
        self._waiting.append((exclusive, who))
        return self._grant()

    def release(self) -> list[T]:
        """Let one holder give the lock back; return whom it is granted to now."""
        self._holders = max(self._holders - 1, 0)
        return self._grant()

    def _grant(self) -> list[T]:
        granted = []
        while self._waiting:
            exclusive, who = self._waiting[0]
            if self._holders and (exclusive or self._exclusive):
                break
            self._waiting.popleft()
            self._exclusive = exclusive
            self._holders += 1
            granted.append(who)
        return granted
