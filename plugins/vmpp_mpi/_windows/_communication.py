"""The calls that access memory of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vmpp_mpi._buffers._buffer import Spec, recv_spec, send_spec
from vmpp_mpi._constants import PROC_NULL
from vmpp_mpi._handle import AnyHandle
from vmpp_mpi._op import SUM, Op
from vmpp_mpi._requests._operation import Operation
from vmpp_mpi._requests._request import Request
from vmpp_mpi._windows import _operations as operations
from vmpp_mpi._windows._placing import Place
from vmpp_mpi._windows._state import WindowState

if TYPE_CHECKING:
    from vmpp_mpi._windows._access import Access


class CommunicationCalls(AnyHandle[WindowState]):
    """One-sided operations.

    Each begins an operation, which is done when the epoch ends or is flushed. A *target* is a
    displacement, in the target's units, or a list or tuple of a displacement, a count and a
    datatype; what is left out is as at the origin.

    All raise `MPIError`: of class `ERR_RMA_SYNC` outside of an epoch in which the target may be
    accessed, `ERR_RANK`, `ERR_DISP`, `ERR_RMA_RANGE` for memory that the target does not expose,
    `ERR_TYPE`, `ERR_OP`; and ValueError, TypeError, KeyError or BufferError for a buffer or target
    argument that is none.
    """

    __slots__ = ()

    def Put(self, origin: Any, target_rank: int, target: Any = None) -> None:
        """Write to the memory of a target."""
        operations.put(self._get(), origin, target_rank, target)

    def Get(self, origin: Any, target_rank: int, target: Any = None) -> None:
        """Read the memory of a target into *origin*."""
        operations.get(self._get(), origin, target_rank, target)

    def Accumulate(self, origin: Any, target_rank: int, target: Any = None, op: Op = SUM) -> None:
        """Combine *origin* with the memory of a target, atomically for each element."""
        operations.accumulate(self._get(), origin, target_rank, target, op)

    def Get_accumulate(
        self, origin: Any, result: Any, target_rank: int, target: Any = None, op: Op = SUM
    ) -> None:
        """Combine as `Accumulate` does, and read what was there before into *result*."""
        operations.get_accumulate(self._get(), origin, result, target_rank, target, op)

    def Fetch_and_op(
        self, origin: Any, result: Any, target_rank: int, target_disp: int = 0, op: Op = SUM
    ) -> None:
        """Combine one element, and read what was there before into *result*."""
        state = self._get()
        rank = state.check_rank(target_rank)
        if rank == PROC_NULL:
            state.epochs.access(None)
            return
        given, got = _single("origin", send_spec(origin)), _single("result", recv_spec(result))
        _same(given, got, "result")
        place = Place(target_disp, 1, given.datatype)
        operations.fetch(state, given, got, rank, place, op)

    def Compare_and_swap(
        self, origin: Any, compare: Any, result: Any, target_rank: int, target_disp: int = 0
    ) -> None:
        """Replace one element by *origin* if it equals *compare*; read it into *result*."""
        state = self._get()
        rank = state.check_rank(target_rank)
        if rank == PROC_NULL:
            state.epochs.access(None)
            return
        given = _single("origin", send_spec(origin))
        expected = _single("compare", send_spec(compare))
        got = _single("result", recv_spec(result))
        _same(given, expected, "compare")
        _same(given, got, "result")
        place = Place(target_disp, 1, given.datatype)
        operations.swap(state, given, expected, got, rank, place)

    def Rput(self, origin: Any, target_rank: int, target: Any = None) -> Request:
        """Write as `Put` does; the request is complete when *origin* may be used again."""
        state = self._get()
        return _request(state, operations.put(state, origin, target_rank, target, True))

    def Rget(self, origin: Any, target_rank: int, target: Any = None) -> Request:
        """Read as `Get` does; the request is complete when *origin* has the data."""
        state = self._get()
        return _request(state, operations.get(state, origin, target_rank, target, True))

    def Raccumulate(
        self, origin: Any, target_rank: int, target: Any = None, op: Op = SUM
    ) -> Request:
        """Combine as `Accumulate` does; the request is complete when *origin* may be used again."""
        state = self._get()
        return _request(state, operations.accumulate(state, origin, target_rank, target, op, True))

    def Rget_accumulate(
        self, origin: Any, result: Any, target_rank: int, target: Any = None, op: Op = SUM
    ) -> Request:
        """Combine as `Get_accumulate`; the request is complete when *result* has the data."""
        state = self._get()
        access = operations.get_accumulate(state, origin, result, target_rank, target, op, True)
        return _request(state, access)


def _single(name: str, spec: Spec) -> Spec:
    if spec.count != 1:
        raise ValueError(f"{name}: expecting a single element, got {spec.count}")
    return spec


def _same(origin: Spec, other: Spec, name: str) -> None:
    if origin.datatype != other.datatype:
        raise ValueError(f"mismatch in origin and {name} MPI datatypes")


def _request(state: WindowState, access: Access | None) -> Request:
    """Return a request for an access; for one that has nothing to wait for it is complete."""
    if access is None or access.local:
        return Request._wrap(Operation(state, None))  # type: ignore[arg-type]
    access.told = True
    return Request._wrap(Operation(state, access))  # type: ignore[arg-type]
