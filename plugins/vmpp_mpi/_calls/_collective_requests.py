"""Collective calls that return a request: non-blocking and persistent ones.

A non-blocking call has a further fiber of the process carry out the plan that the blocking call
runs itself. The fiber gets on while the process is in an MPI call that waits or polls; while the
program computes, nothing moves. What goes wrong goes through the communicator's error handler when
the program waits for the request. All ranks begin, or prepare, the operations of a communicator in
the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from vmpp_mpi._calls._point_to_point import PointToPoint
from vmpp_mpi._errors import ERR_TRUNCATE
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._info import INFO_NULL, Info
from vmpp_mpi._op import SUM, Op
from vmpp_mpi._requests._operation import PersistentWork, Work
from vmpp_mpi._requests._request import Prequest, Request

if TYPE_CHECKING:
    from vmpp_mpi._plans import Plan
    from vmpp_mpi._state import CommState

_truncated: Final = partial(MPIError, ERR_TRUNCATE)
"""Makes the error of an operation in a fiber; the handler is told when the program waits."""


def begin(state: CommState, plan: Plan) -> Request:
    """Have a fiber of its own carry *plan* out, and return the request for its end."""
    channel = state.route.apart(plan.kind, _truncated)
    return Request._wrap(Work(state, partial(plan.run, channel)))


def prepare(state: CommState, plan: Plan, info: Info) -> Prequest:
    """Return the request that has *plan* carried out each time it is started.

    Its messages have one tag for good, so that ranks may start several requests in any order.
    """
    channel = state.route.apart(plan.kind, _truncated)

    def body() -> Any:
        plan.load()
        return plan.run(channel)

    return Prequest._wrap(PersistentWork(state, body))


class CollectiveRequests(PointToPoint):
    """A handle to a communicator, with the collective calls that return a request."""

    __slots__ = ()

    # -- non-blocking ------------------------------------------------------------------------------

    def Ibarrier(self) -> Request:
        """Begin `Barrier`."""
        state = self._get()
        return begin(state, state.plans.barrier(state))

    def Ibcast(self, buf: Any, root: int = 0) -> Request:
        """Begin `Bcast`."""
        state = self._get()
        return begin(state, state.plans.bcast(state, buf, root))

    def Igather(self, sendbuf: Any, recvbuf: Any, root: int = 0) -> Request:
        """Begin `Gather`."""
        state = self._get()
        return begin(state, state.plans.gather(state, sendbuf, recvbuf, root))

    def Igatherv(self, sendbuf: Any, recvbuf: Any, root: int = 0) -> Request:
        """Begin `Gatherv`."""
        state = self._get()
        return begin(state, state.plans.gatherv(state, sendbuf, recvbuf, root))

    def Iscatter(self, sendbuf: Any, recvbuf: Any, root: int = 0) -> Request:
        """Begin `Scatter`."""
        state = self._get()
        return begin(state, state.plans.scatter(state, sendbuf, recvbuf, root))

    def Iscatterv(self, sendbuf: Any, recvbuf: Any, root: int = 0) -> Request:
        """Begin `Scatterv`."""
        state = self._get()
        return begin(state, state.plans.scatterv(state, sendbuf, recvbuf, root))

    def Iallgather(self, sendbuf: Any, recvbuf: Any) -> Request:
        """Begin `Allgather`."""
        state = self._get()
        return begin(state, state.plans.allgather(state, sendbuf, recvbuf))

    def Iallgatherv(self, sendbuf: Any, recvbuf: Any) -> Request:
        """Begin `Allgatherv`."""
        state = self._get()
        return begin(state, state.plans.allgatherv(state, sendbuf, recvbuf))

    def Ialltoall(self, sendbuf: Any, recvbuf: Any) -> Request:
        """Begin `Alltoall`."""
        state = self._get()
        return begin(state, state.plans.alltoall(state, sendbuf, recvbuf))

    def Ialltoallv(self, sendbuf: Any, recvbuf: Any) -> Request:
        """Begin `Alltoallv`."""
        state = self._get()
        return begin(state, state.plans.alltoallv(state, sendbuf, recvbuf))

    def Ialltoallw(self, sendbuf: Any, recvbuf: Any) -> Request:
        """Begin `Alltoallw`."""
        state = self._get()
        return begin(state, state.plans.alltoallw(state, sendbuf, recvbuf))

    def Ireduce(self, sendbuf: Any, recvbuf: Any, op: Op = SUM, root: int = 0) -> Request:
        """Begin `Reduce`."""
        state = self._get()
        return begin(state, state.plans.reduce(state, sendbuf, recvbuf, op, root))

    def Iallreduce(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> Request:
        """Begin `Allreduce`."""
        state = self._get()
        return begin(state, state.plans.allreduce(state, sendbuf, recvbuf, op))

    def Ireduce_scatter_block(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> Request:
        """Begin `Reduce_scatter_block`."""
        state = self._get()
        return begin(state, state.plans.reduce_scatter_block(state, sendbuf, recvbuf, op))

    def Ireduce_scatter(
        self, sendbuf: Any, recvbuf: Any, recvcounts: Sequence[int] | None = None, op: Op = SUM
    ) -> Request:
        """Begin `Reduce_scatter`."""
        state = self._get()
        return begin(state, state.plans.reduce_scatter(state, sendbuf, recvbuf, recvcounts, op))

    # -- persistent --------------------------------------------------------------------------------

    def Barrier_init(self, info: Info = INFO_NULL) -> Prequest:
        """Return a request for `Barrier`, again and again."""
        state = self._get()
        return prepare(state, state.plans.barrier(state), info)

    def Bcast_init(self, buf: Any, root: int = 0, info: Info = INFO_NULL) -> Prequest:
        """Return a request for `Bcast`, again and again."""
        state = self._get()
        return prepare(state, state.plans.bcast(state, buf, root), info)

    def Gather_init(
        self, sendbuf: Any, recvbuf: Any, root: int = 0, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request for `Gather`, again and again."""
        state = self._get()
        return prepare(state, state.plans.gather(state, sendbuf, recvbuf, root), info)

    def Gatherv_init(
        self, sendbuf: Any, recvbuf: Any, root: int = 0, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request for `Gatherv`, again and again."""
        state = self._get()
        return prepare(state, state.plans.gatherv(state, sendbuf, recvbuf, root), info)

    def Scatter_init(
        self, sendbuf: Any, recvbuf: Any, root: int = 0, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request for `Scatter`, again and again."""
        state = self._get()
        return prepare(state, state.plans.scatter(state, sendbuf, recvbuf, root), info)

    def Scatterv_init(
        self, sendbuf: Any, recvbuf: Any, root: int = 0, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request for `Scatterv`, again and again."""
        state = self._get()
        return prepare(state, state.plans.scatterv(state, sendbuf, recvbuf, root), info)

    def Allgather_init(self, sendbuf: Any, recvbuf: Any, info: Info = INFO_NULL) -> Prequest:
        """Return a request for `Allgather`, again and again."""
        state = self._get()
        return prepare(state, state.plans.allgather(state, sendbuf, recvbuf), info)

    def Allgatherv_init(self, sendbuf: Any, recvbuf: Any, info: Info = INFO_NULL) -> Prequest:
        """Return a request for `Allgatherv`, again and again."""
        state = self._get()
        return prepare(state, state.plans.allgatherv(state, sendbuf, recvbuf), info)

    def Alltoall_init(self, sendbuf: Any, recvbuf: Any, info: Info = INFO_NULL) -> Prequest:
        """Return a request for `Alltoall`, again and again."""
        state = self._get()
        return prepare(state, state.plans.alltoall(state, sendbuf, recvbuf), info)

    def Alltoallv_init(self, sendbuf: Any, recvbuf: Any, info: Info = INFO_NULL) -> Prequest:
        """Return a request for `Alltoallv`, again and again."""
        state = self._get()
        return prepare(state, state.plans.alltoallv(state, sendbuf, recvbuf), info)

    def Alltoallw_init(self, sendbuf: Any, recvbuf: Any, info: Info = INFO_NULL) -> Prequest:
        """Return a request for `Alltoallw`, again and again."""
        state = self._get()
        return prepare(state, state.plans.alltoallw(state, sendbuf, recvbuf), info)

    def Reduce_init(
        self, sendbuf: Any, recvbuf: Any, op: Op = SUM, root: int = 0, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request for `Reduce`, again and again."""
        state = self._get()
        return prepare(state, state.plans.reduce(state, sendbuf, recvbuf, op, root), info)

    def Allreduce_init(
        self, sendbuf: Any, recvbuf: Any, op: Op = SUM, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request for `Allreduce`, again and again."""
        state = self._get()
        return prepare(state, state.plans.allreduce(state, sendbuf, recvbuf, op), info)

    def Reduce_scatter_block_init(
        self, sendbuf: Any, recvbuf: Any, op: Op = SUM, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request for `Reduce_scatter_block`, again and again."""
        state = self._get()
        return prepare(state, state.plans.reduce_scatter_block(state, sendbuf, recvbuf, op), info)

    def Reduce_scatter_init(
        self,
        sendbuf: Any,
        recvbuf: Any,
        recvcounts: Sequence[int] | None = None,
        op: Op = SUM,
        info: Info = INFO_NULL,
    ) -> Prequest:
        """Return a request for `Reduce_scatter`, again and again."""
        state = self._get()
        return prepare(
            state, state.plans.reduce_scatter(state, sendbuf, recvbuf, recvcounts, op), info
        )


class ScanRequests(PointToPoint):
    """A handle to a communicator within one group, with calls that only such ones have."""

    __slots__ = ()

    def Iscan(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> Request:
        """Begin `Scan`."""
        state = self._get()
        return begin(state, state.plans.scan(state, sendbuf, recvbuf, op))

    def Iexscan(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> Request:
        """Begin `Exscan`."""
        state = self._get()
        return begin(state, state.plans.exscan(state, sendbuf, recvbuf, op))

    def Scan_init(
        self, sendbuf: Any, recvbuf: Any, op: Op = SUM, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request for `Scan`, again and again."""
        state = self._get()
        return prepare(state, state.plans.scan(state, sendbuf, recvbuf, op), info)

    def Exscan_init(
        self, sendbuf: Any, recvbuf: Any, op: Op = SUM, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request for `Exscan`, again and again."""
        state = self._get()
        return prepare(state, state.plans.exscan(state, sendbuf, recvbuf, op), info)
