"""Who may access a window's memory in passive target epochs, at the process that exposes it."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Owner = TypeVar("Owner")
Ticket = TypeVar("Ticket")


class LockQueue(Generic[Owner, Ticket]):
    """One lock, shared or exclusive, granted in the order in which it was asked for.

    So nobody starves: a shared request behind an exclusive one waits for that. An owner is who
    asks, a ticket what the answer to the request is made of.
    """

    __slots__ = ("_exclusive", "_holders", "_waiting")

    def __init__(self) -> None:
        self._exclusive = False
        self._holders: list[Owner] = []
        self._waiting: deque[tuple[bool, Owner, Ticket]] = deque()

    def request(self, exclusive: bool, owner: Owner, ticket: Ticket) -> list[Ticket]:
        """Ask for the lock; return the tickets of all requests that are granted now."""
        self._waiting.append((exclusive, owner, ticket))
        return self._grant()

    def release(self, owner: Owner) -> list[Ticket]:
        """Let an *owner* give the lock back, if it holds it; return as `request`."""
        if owner in self._holders:
            self._holders.remove(owner)
        return self._grant()

    def lose(self, owner: Owner) -> list[Ticket]:
        """Forget an *owner* that is no more; return as `request`."""
        self._holders = [each for each in self._holders if each != owner]
        self._waiting = deque(each for each in self._waiting if each[1] != owner)
        return self._grant()

    def _grant(self) -> list[Ticket]:
        granted = []
        while self._waiting:
            exclusive, owner, ticket = self._waiting[0]
            if self._holders and (exclusive or self._exclusive):
                break
            self._waiting.popleft()
            self._exclusive = exclusive
            self._holders.append(owner)
            granted.append(ticket)
        return granted
