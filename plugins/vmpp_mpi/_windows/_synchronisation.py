"""The calls that begin and end epochs, and those that wait within one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from vmpp_mpi._constants import (
    LOCK_EXCLUSIVE,
    LOCK_SHARED,
    MODE_NOCHECK,
    MODE_NOPRECEDE,
    MODE_NOPUT,
    MODE_NOSTORE,
    MODE_NOSUCCEED,
    PROC_NULL,
    UNDEFINED,
)
from vmpp_mpi._errors import ERR_ASSERT, ERR_GROUP, ERR_LOCKTYPE
from vmpp_mpi._group import Group
from vmpp_mpi._handle import AnyHandle
from vmpp_mpi._numbers import whole
from vmpp_mpi._windows._state import WindowState
from vmpp_mpi._windows._wire import Notice

_FENCE: Final = MODE_NOSTORE | MODE_NOPUT | MODE_NOPRECEDE | MODE_NOSUCCEED
_POST: Final = MODE_NOCHECK | MODE_NOSTORE | MODE_NOPUT


class SynchronisationCalls(AnyHandle[WindowState]):
    """Synchronisation of a window: fences, post and start, locks, flushes."""

    __slots__ = ()

    # -- fences ----------------------------------------------------------------------------------

    def Fence(self, assertion: int = 0) -> None:
        """End the epoch on all ranks, and begin the next.

        Returns when all accesses that began before, on whatever rank, are done.

        Raises:
            MPIError: `ERR_ASSERT`: *assertion* is none of a fence; `ERR_RMA_SYNC`: another kind of
                epoch is under way.
        """
        state = self._get()
        assertion = _assertion(state, assertion, _FENCE)
        state.epochs.fence(not assertion & MODE_NOSUCCEED)
        try:
            state.flush()
        finally:
            state.comm.Barrier()

    # -- post and start ----------------------------------------------------------------------------

    def Start(self, group: Group, assertion: int = 0) -> None:
        """Begin to access the memory of *group*, of each when it has called `Post`.

        That is waited for at the first access, or in `Complete`.

        Raises:
            MPIError: `ERR_GROUP`: a process is not in the window; `ERR_ASSERT`, `ERR_RMA_SYNC` as
                `Fence`.
        """
        state = self._get()
        assertion = _assertion(state, assertion, MODE_NOCHECK)
        ranks = _ranks(state, group)
        state.epochs.start(ranks)
        if assertion & MODE_NOCHECK:
            state.consume(Notice.POSTED, ranks)
        else:
            state.unposted = dict.fromkeys(ranks)

    def Complete(self) -> None:
        """End what `Start` began, when all accesses are done."""
        state = self._get()
        ranks = state.epochs.complete()
        try:
            state.await_posts(list(state.unposted))
            state.flush(ranks)
        finally:
            state.unposted = {}
            _tell(state, Notice.COMPLETED, ranks)

    def Post(self, group: Group, assertion: int = 0) -> None:
        """Let the processes of *group* access this one's memory; raises as `Start`."""
        state = self._get()
        _assertion(state, assertion, _POST)
        ranks = _ranks(state, group)
        state.epochs.post(ranks)
        _tell(state, Notice.POSTED, ranks)

    def Wait(self) -> Literal[True]:
        """End what `Post` began, when all of its group have called `Complete`.

        Raises:
            MPIError: `ERR_RMA_SYNC`: `Post` was not called.
        """
        state = self._get()
        ranks = state.epochs.exposure()
        try:
            state.await_notices(Notice.COMPLETED, ranks)
        finally:
            state.epochs.posted = None
        return True

    def Test(self) -> bool:
        """Return whether all of the group of `Post` have called `Complete`; if so, as `Wait`."""
        state = self._get()
        ranks = state.epochs.exposure()
        state.library.protocol.poll()
        if not state.arrived(Notice.COMPLETED, ranks):
            return False
        state.consume(Notice.COMPLETED, ranks)
        state.epochs.posted = None
        return True

    # -- locks -----------------------------------------------------------------------------------

    def Lock(self, rank: int, lock_type: int = LOCK_EXCLUSIVE, assertion: int = 0) -> None:
        """Begin to access the memory of one rank, alone or with others who share the lock.

        Raises:
            MPIError: `ERR_LOCKTYPE`: there is no such type; `ERR_RANK`, `ERR_ASSERT`,
                `ERR_RMA_SYNC`.
        """
        state = self._get()
        if lock_type not in (LOCK_EXCLUSIVE, LOCK_SHARED):
            raise state.error(ERR_LOCKTYPE, f"lock type {lock_type}")
        assertion = _assertion(state, assertion, MODE_NOCHECK)
        rank = state.check_rank(rank)
        state.epochs.lock(rank, lock_type)
        state.unchecked = bool(assertion)
        if rank == PROC_NULL:
            return
        try:
            state.acquire(rank, exclusive=lock_type == LOCK_EXCLUSIVE)
        except BaseException:
            state.epochs.unlock(rank)
            raise

    def Unlock(self, rank: int) -> None:
        """End what `Lock` began, when all accesses to *rank* are done.

        Raises:
            MPIError: `ERR_RMA_SYNC`: it is not locked; or an access ended with an error.
        """
        state = self._get()
        rank = state.check_rank(rank)
        state.epochs.unlock(rank)
        try:
            state.flush([rank])
        finally:
            state.release(rank)

    def Lock_all(self, assertion: int = 0) -> None:
        """Begin to access the memory of all ranks, sharing their locks.

        The lock of another rank is asked for when that is accessed for the first time.

        Raises:
            MPIError: `ERR_ASSERT`, `ERR_RMA_SYNC`.
        """
        state = self._get()
        assertion = _assertion(state, assertion, MODE_NOCHECK)
        state.epochs.lock_all()
        state.unchecked = bool(assertion)
        state.acquire(state.rank, exclusive=False)

    def Unlock_all(self) -> None:
        """End what `Lock_all` began, when all accesses are done.

        Raises:
            MPIError: `ERR_RMA_SYNC`: it was not called; or an access ended with an error.
        """
        state = self._get()
        state.epochs.unlock_all()
        try:
            state.flush()
        finally:
            for rank in list(state.granted):
                state.release(rank)

    # -- within an epoch ---------------------------------------------------------------------------

    def Flush(self, rank: int) -> None:
        """Wait until accesses to *rank* are done, there and here.

        Raises:
            MPIError: `ERR_RMA_SYNC`: it is not locked; or an access ended with an error.
        """
        self._flush(rank, False)

    def Flush_all(self) -> None:
        """Wait until accesses to all ranks are done, there and here; raises as `Flush`."""
        self._flush(None, False)

    def Flush_local(self, rank: int) -> None:
        """Wait until the buffers of accesses to *rank* may be used again; raises as `Flush`."""
        self._flush(rank, True)

    def Flush_local_all(self) -> None:
        """Wait until the buffers of all accesses may be used again; raises as `Flush`."""
        self._flush(None, True)

    def _flush(self, rank: int | None, local_only: bool) -> None:
        state = self._get()
        if rank is not None:
            rank = state.check_rank(rank)
        state.epochs.flush(rank)
        ranks = None if rank is None else [rank]
        if local_only or not state.outstanding.any(ranks):
            # There may be nothing to wait for, and a program that polls has to get on.
            state.library.protocol.poll()
        state.flush(ranks, local_only)

    def Sync(self) -> None:
        """See what others have written by now; a little time passes.

        There is one copy of a window's memory, which loads and stores and accesses share.
        """
        self._get().library.protocol.poll()


def _assertion(state: WindowState, assertion: Any, allowed: int) -> int:
    """Return an *assertion* as a number, which may only have bits of *allowed*."""
    number = whole(assertion)
    if number & ~allowed:
        raise state.error(ERR_ASSERT, f"assertion {number} is not one of this call")
    return number


def _ranks(state: WindowState, group: Group) -> tuple[int, ...]:
    """Return the ranks in the window of a group's processes."""
    if not isinstance(group, Group):
        raise TypeError(f"expected Group, got {type(group).__name__}")
    ranks = group.Translate_ranks(None, Group.of(state.addresses, None))
    if UNDEFINED in ranks:
        raise state.error(ERR_GROUP, "the group is not a part of the window's")
    return tuple(ranks)


def _tell(state: WindowState, notice: Notice, ranks: Sequence[int]) -> None:
    for rank in ranks:
        state.origin.notify(state.addresses[rank], state.number, notice, state.rank)
