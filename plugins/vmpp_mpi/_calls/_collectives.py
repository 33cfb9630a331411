"""Collective calls of communicators: the blocking ones, in both spellings.

Each runs its plan (see `vmpp_mpi._plans`) in the calling fiber. Errors, those of lengths that do
not agree included, go through the communicator's error handler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from vmpp_mpi._calls._collective_requests import CollectiveRequests, ScanRequests
from vmpp_mpi._communicators._locks import lock_of
from vmpp_mpi._op import SUM, Op
from vmpp_mpi._plans import now

Operator = Op | Callable[[Any, Any], Any]


class CollectiveCalls(CollectiveRequests):
    """A handle to a communicator, with the calls that all its ranks make together."""

    __slots__ = ()

    # -- memory ------------------------------------------------------------------------------------

    def Barrier(self) -> None:
        """Return when all ranks have called."""
        state = self._state or self._resolve()
        now(state, state.plans.barrier(state))

    def Bcast(self, buf: Any, root: int = 0) -> None:
        """Give all ranks what *root* has in its buffer."""
        state = self._get()
        now(state, state.plans.bcast(state, buf, root))

    def Gather(self, sendbuf: Any, recvbuf: Any, root: int = 0) -> None:
        """Gather equal blocks of all ranks on *root*, in the order of ranks."""
        state = self._get()
        now(state, state.plans.gather(state, sendbuf, recvbuf, root))

    def Gatherv(self, sendbuf: Any, recvbuf: Any, root: int = 0) -> None:
        """Gather blocks of any length on *root*."""
        state = self._get()
        now(state, state.plans.gatherv(state, sendbuf, recvbuf, root))

    def Scatter(self, sendbuf: Any, recvbuf: Any, root: int = 0) -> None:
        """Give each rank its block of what *root* has, all of the same length."""
        state = self._get()
        now(state, state.plans.scatter(state, sendbuf, recvbuf, root))

    def Scatterv(self, sendbuf: Any, recvbuf: Any, root: int = 0) -> None:
        """Give each rank its block of what *root* has, of any lengths."""
        state = self._get()
        now(state, state.plans.scatterv(state, sendbuf, recvbuf, root))

    def Allgather(self, sendbuf: Any, recvbuf: Any) -> None:
        """Gather equal blocks of all ranks on all ranks."""
        state = self._get()
        now(state, state.plans.allgather(state, sendbuf, recvbuf))

    def Allgatherv(self, sendbuf: Any, recvbuf: Any) -> None:
        """Gather blocks of any length on all ranks; all know the lengths."""
        state = self._get()
        now(state, state.plans.allgatherv(state, sendbuf, recvbuf))

    def Alltoall(self, sendbuf: Any, recvbuf: Any) -> None:
        """Send an equal block to each rank, and receive one from each."""
        state = self._get()
        now(state, state.plans.alltoall(state, sendbuf, recvbuf))

    def Alltoallv(self, sendbuf: Any, recvbuf: Any) -> None:
        """Send a block of any length to each rank, and receive one from each."""
        state = self._get()
        now(state, state.plans.alltoallv(state, sendbuf, recvbuf))

    def Alltoallw(self, sendbuf: Any, recvbuf: Any) -> None:
        """Send a block of any length and datatype to each rank, and receive one from each."""
        state = self._get()
        now(state, state.plans.alltoallw(state, sendbuf, recvbuf))

    def Reduce(self, sendbuf: Any, recvbuf: Any, op: Op = SUM, root: int = 0) -> None:
        """Reduce the vectors of all ranks into the receive buffer of *root*."""
        state = self._get()
        now(state, state.plans.reduce(state, sendbuf, recvbuf, op, root))

    def Allreduce(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> None:
        """Reduce the vectors of all ranks into the receive buffers of all."""
        state = self._state or self._resolve()
        now(state, state.plans.allreduce(state, sendbuf, recvbuf, op))

    def Reduce_scatter_block(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> None:
        """Reduce the vectors of all ranks, and give each an equal block of the result."""
        state = self._get()
        now(state, state.plans.reduce_scatter_block(state, sendbuf, recvbuf, op))

    def Reduce_scatter(
        self,
        sendbuf: Any,
        recvbuf: Any,
        recvcounts: Sequence[int] | None = None,
        op: Op = SUM,
    ) -> None:
        """Reduce the vectors of all ranks, and give each a block of the result.

        Without *recvcounts* each rank gets as many elements as its receive buffer takes; in place,
        they get the same number.
        """
        state = self._get()
        now(state, state.plans.reduce_scatter(state, sendbuf, recvbuf, recvcounts, op))

    # -- objects -----------------------------------------------------------------------------------

    def barrier(self) -> None:
        """Return when all ranks have called."""
        self.Barrier()

    def bcast(self, obj: Any, root: int = 0) -> Any:
        """Return the object that *root* gives."""
        state = self._get()
        with lock_of(state, "bcast"):
            return now(state, state.plans.objects.bcast(state, obj, root))

    def gather(self, sendobj: Any, root: int = 0) -> list[Any] | None:
        """Return the objects of all ranks on *root*, None elsewhere."""
        state = self._get()
        with lock_of(state, "gather"):
            found: list[Any] | None = now(state, state.plans.objects.gather(state, sendobj, root))
        return found

    def scatter(self, sendobj: Iterable[Any] | None, root: int = 0) -> Any:
        """Return the rank's own of the objects that *root* gives, one for each rank."""
        state = self._get()
        with lock_of(state, "scatter"):
            return now(state, state.plans.objects.scatter(state, sendobj, root))

    def allgather(self, sendobj: Any) -> list[Any]:
        """Return the objects of all ranks on all ranks."""
        state = self._get()
        with lock_of(state, "allgather"):
            found: list[Any] = now(state, state.plans.objects.allgather(state, sendobj))
        return found

    def alltoall(self, sendobj: Iterable[Any]) -> list[Any]:
        """Send an object to each rank, and return what each sent."""
        state = self._get()
        with lock_of(state, "alltoall"):
            found: list[Any] = now(state, state.plans.objects.alltoall(state, sendobj))
        return found

    def reduce(self, sendobj: Any, op: Operator = SUM, root: int = 0) -> Any | None:
        """Return the objects of all ranks combined in their order on *root*, None elsewhere."""
        state = self._get()
        return now(state, state.plans.objects.reduce(state, sendobj, op, root))

    def allreduce(self, sendobj: Any, op: Operator = SUM) -> Any:
        """Return the objects of all ranks combined in their order."""
        state = self._get()
        return now(state, state.plans.objects.allreduce(state, sendobj, op))


class ScanCalls(ScanRequests, CollectiveCalls):
    """A handle to a communicator within one group, with the calls that only such ones have."""

    __slots__ = ()

    def Scan(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> None:
        """Reduce the vectors of the ranks up to the own."""
        state = self._get()
        now(state, state.plans.scan(state, sendbuf, recvbuf, op))

    def Exscan(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> None:
        """Reduce the vectors of the ranks below the own; rank 0's receive buffer stays as it is."""
        state = self._get()
        now(state, state.plans.exscan(state, sendbuf, recvbuf, op))

    def scan(self, sendobj: Any, op: Operator = SUM) -> Any:
        """Return the objects of the ranks up to the own, combined in their order."""
        state = self._get()
        return now(state, state.plans.objects.scan(state, sendobj, op))

    def exscan(self, sendobj: Any, op: Operator = SUM) -> Any:
        """Return the objects of the ranks below the own combined, None on rank 0."""
        state = self._get()
        return now(state, state.plans.objects.exscan(state, sendobj, op))
