"""In which epochs a process is on a window: when it may access others' memory, and they its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import NoReturn


class _Fence(Enum):
    NONE = auto()
    OPEN = auto()
    """A fence was called, which begins an epoch if anything is accessed."""
    USED = auto()


class Epochs:
    """The epochs of one process on one window.

    Args:
        failure: makes the exception, of class `ERR_RMA_SYNC`, for a call that is not allowed now.

    Attributes:
        started: ranks that the process may access between start and complete, None outside.
        posted: ranks that may access the process between post and wait, None outside.
        locks: lock types by rank, of the targets that were locked one by one.
        all_locked: whether all targets are locked at once.
    """

    __slots__ = ("_failure", "_fence", "all_locked", "locks", "posted", "started")

    def __init__(self, failure: Callable[[str], Exception]) -> None:
        self._failure = failure
        self._fence = _Fence.NONE
        self.started: tuple[int, ...] | None = None
        self.posted: tuple[int, ...] | None = None
        self.locks: dict[int, int] = {}
        self.all_locked = False

    @property
    def passive(self) -> bool:
        """Whether targets are locked."""
        return self.all_locked or bool(self.locks)

    def access(self, rank: int | None, by_request: bool = False) -> None:
        """Check that memory of *rank* may be accessed, None for a target that is nobody."""
        if self.passive:
            if rank is None or self.all_locked or rank in self.locks:
                return
            self._refuse(f"rank {rank} is not locked")
        if by_request:
            self._refuse("operations with a request need a lock")
        if self.started is not None:
            if rank is None or rank in self.started:
                return
            self._refuse(f"rank {rank} is not in the group of Start")
        if self._fence is _Fence.NONE:
            self._refuse("no epoch has begun: call Fence, Start or Lock first")
        self._fence = _Fence.USED

    def fence(self, more: bool) -> None:
        """Check that a fence may be called; it begins an epoch if *more* is to come."""
        if self.passive:
            self._refuse("Fence while a target is locked")
        if self.started is not None:
            self._refuse("Fence between Start and Complete")
        if self.posted is not None:
            self._refuse("Fence between Post and Wait")
        self._fence = _Fence.OPEN if more else _Fence.NONE

    def start(self, ranks: Iterable[int]) -> None:
        """Begin to access *ranks*."""
        self._begin("Start")
        self.started = tuple(ranks)

    def complete(self) -> tuple[int, ...]:
        """End what `start` began, and return the ranks."""
        ranks, self.started = self.started, None
        return self._refuse("Complete without Start") if ranks is None else ranks

    def post(self, ranks: Iterable[int]) -> None:
        """Begin to be accessed by *ranks*."""
        if self.posted is not None:
            self._refuse("Post after Post, without Wait")
        if self._fence is _Fence.USED:
            self._refuse("Post in an epoch between fences")
        self.posted = tuple(ranks)

    def exposure(self) -> tuple[int, ...]:
        """Return the ranks of `post`."""
        return self._refuse("Wait or Test without Post") if self.posted is None else self.posted

    def lock(self, rank: int, lock_type: int) -> None:
        """Begin to access one target."""
        if rank in self.locks:
            self._refuse(f"rank {rank} is locked already")
        if not self.locks:
            self._begin("Lock")
        self.locks[rank] = lock_type

    def unlock(self, rank: int) -> None:
        """End what `lock` began."""
        if rank not in self.locks:
            self._refuse(f"Unlock of rank {rank}, which is not locked")
        del self.locks[rank]

    def lock_all(self) -> None:
        """Begin to access all targets."""
        self._begin("Lock_all")
        self.all_locked = True

    def unlock_all(self) -> None:
        """End what `lock_all` began."""
        if not self.all_locked:
            self._refuse("Unlock_all without Lock_all")
        self.all_locked = False

    def flush(self, rank: int | None = None) -> None:
        """Check that accesses to *rank*, to all for None, can be flushed."""
        if not self.passive:
            self._refuse("Flush without a lock")
        if rank is not None and not self.all_locked and rank not in self.locks:
            self._refuse(f"Flush of rank {rank}, which is not locked")

    def free(self) -> None:
        """Check that the window may be freed."""
        if self.passive or self.started is not None or self.posted is not None:
            self._refuse("Free within an epoch")

    def _begin(self, call: str) -> None:
        """Check that an access epoch other than between fences may begin; a fence's is over."""
        if self.passive:
            self._refuse(f"{call} while a target is locked")
        if self.started is not None:
            self._refuse(f"{call} between Start and Complete")
        if self._fence is _Fence.USED:
            self._refuse(f"{call} in an epoch between fences")
        self._fence = _Fence.NONE

    def _refuse(self, why: str) -> NoReturn:
        raise self._failure(why)
