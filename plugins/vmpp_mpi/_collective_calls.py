"""Collective calls of communicators, in both spellings.

A call turns the program's arguments into views of bytes and a `Reduction`, and hands them to the
algorithms in `vmpp_mpi._collectives`. Its errors, those of lengths that do not agree included, go
through the communicator's error handler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce as fold
from itertools import accumulate
from operator import index
from typing import Any

from mpi4py import rc

from vmpp_mpi import _collectives as algorithms
from vmpp_mpi._buffer import (
    Spec,
    is_in_place,
    recv_spec,
    recv_vspec,
    recv_wspec,
    send_spec,
    send_vspec,
    send_wspec,
)
from vmpp_mpi._collectives import Kind, Reduction
from vmpp_mpi._datatype import Datatype
from vmpp_mpi._errors import ERR_BUFFER, ERR_ROOT
from vmpp_mpi._numbers import whole
from vmpp_mpi._op import SUM, Op
from vmpp_mpi._pickle import pickle
from vmpp_mpi._point_to_point import PointToPoint
from vmpp_mpi._state import CommState

Operator = Op | Callable[[Any, Any], Any]


class CollectiveCalls(PointToPoint):
    """A handle to a communicator, with the calls that all its ranks make together."""

    __slots__ = ()

    # -- memory ------------------------------------------------------------------------------------

    def Barrier(self) -> None:
        """Return when all ranks have called."""
        state = self._state or self._resolve()
        algorithms.barrier(state.channel.begin(Kind.BARRIER))

    def Bcast(self, buf: Any, root: int = 0) -> None:
        """Give all ranks what *root* has in its buffer."""
        state = self._get()
        root = _root(state, root)
        spec = send_spec(buf) if state.rank == root else recv_spec(buf)
        algorithms.broadcast(state.channel.begin(Kind.BCAST), spec.data, root)
        if state.rank != root:
            spec.deliver()

    def Gather(self, sendbuf: Any, recvbuf: Any, root: int = 0) -> None:
        """Gather equal blocks of all ranks on *root*, in the order of ranks."""
        state = self._get()
        root = _root(state, root)
        channel = state.channel.begin(Kind.GATHER)
        if state.rank != root:
            algorithms.gather(channel, _sent(state, sendbuf).data, None, root)
            return
        into = recv_spec(recvbuf, state.size)
        own = _block(into, state.rank, state.size)
        block = own if is_in_place(sendbuf) else send_spec(sendbuf).data
        _agree(channel, len(block), len(own))
        algorithms.gather(channel, block, into.data, root)
        into.deliver()

    def Gatherv(self, sendbuf: Any, recvbuf: Any, root: int = 0) -> None:
        """Gather blocks of any length on *root*."""
        state = self._get()
        root = _root(state, root)
        channel = state.channel.begin(Kind.GATHERV)
        if state.rank != root:
            algorithms.gatherv(channel, _sent(state, sendbuf).data, None, root)
            return
        into = recv_vspec(recvbuf, state.size)
        own = None if is_in_place(sendbuf) else send_spec(sendbuf).data
        algorithms.gatherv(channel, own, list(into.blocks()), root)
        into.deliver()

    def Scatter(self, sendbuf: Any, recvbuf: Any, root: int = 0) -> None:
        """Give each rank its block of what *root* has, all of the same length."""
        state = self._get()
        root = _root(state, root)
        channel = state.channel.begin(Kind.SCATTER)
        if state.rank != root:
            into = _received(state, recvbuf)
            algorithms.scatter(channel, None, into.data, root)
            into.deliver()
            return
        given = send_spec(sendbuf, state.size)
        own = _block(given, root, state.size)
        if is_in_place(recvbuf):
            algorithms.scatter(channel, given.data, memoryview(bytearray(own)), root)
            return
        into = recv_spec(recvbuf)
        _agree(channel, len(own), len(into.data))
        algorithms.scatter(channel, given.data, into.data, root)
        into.deliver()

    def Scatterv(self, sendbuf: Any, recvbuf: Any, root: int = 0) -> None:
        """Give each rank its block of what *root* has, of any lengths."""
        state = self._get()
        root = _root(state, root)
        channel = state.channel.begin(Kind.SCATTERV)
        given = list(send_vspec(sendbuf, state.size).blocks()) if state.rank == root else None
        if given is not None and is_in_place(recvbuf):
            algorithms.scatterv(channel, given, None, root)
            return
        into = _received(state, recvbuf)
        algorithms.scatterv(channel, given, into.data, root)
        into.deliver()

    def Allgather(self, sendbuf: Any, recvbuf: Any) -> None:
        """Gather equal blocks of all ranks on all ranks."""
        state = self._get()
        channel = state.channel.begin(Kind.ALLGATHER)
        into = recv_spec(recvbuf, state.size)
        own = _block(into, state.rank, state.size)
        if not is_in_place(sendbuf):
            block = send_spec(sendbuf).data
            _agree(channel, len(block), len(own))
            own[:] = block
        length = len(own)
        if length:
            algorithms.allgather(channel, into.data, range(0, (state.size + 1) * length, length))
        into.deliver()

    def Allgatherv(self, sendbuf: Any, recvbuf: Any) -> None:
        """Gather blocks of any length on all ranks; all know the lengths."""
        state = self._get()
        channel = state.channel.begin(Kind.ALLGATHERV)
        into = recv_vspec(recvbuf, state.size)
        blocks = list(into.blocks())
        own = blocks[state.rank]
        if not is_in_place(sendbuf):
            block = send_spec(sendbuf).data
            _agree(channel, len(block), len(own))
            own[:] = block
        # The algorithms move runs of blocks, which need not lie side by side in the buffer.
        bounds = list(accumulate(map(len, blocks), initial=0))
        packed = memoryview(bytearray(bounds[-1]))
        packed[bounds[state.rank] : bounds[state.rank + 1]] = own
        algorithms.allgather(channel, packed, bounds)
        for peer, block in enumerate(blocks):
            block[:] = packed[bounds[peer] : bounds[peer + 1]]
        into.deliver()

    def Alltoall(self, sendbuf: Any, recvbuf: Any) -> None:
        """Send an equal block to each rank, and receive one from each."""
        state = self._get()
        channel = state.channel.begin(Kind.ALLTOALL)
        into = recv_spec(recvbuf, state.size)
        if is_in_place(sendbuf):
            data = memoryview(bytearray(into.data))
        else:
            data = send_spec(sendbuf, state.size).data
        _agree(channel, len(data) // state.size, len(into.data) // state.size)
        algorithms.alltoall(channel, data, into.data, len(data) // state.size)
        into.deliver()

    def Alltoallv(self, sendbuf: Any, recvbuf: Any) -> None:
        """Send a block of any length to each rank, and receive one from each."""
        state = self._get()
        into = recv_vspec(recvbuf, state.size)
        take = list(into.blocks())
        if is_in_place(sendbuf):
            give = [memoryview(bytearray(block)) for block in take]
        else:
            give = list(send_vspec(sendbuf, state.size).blocks())
        _exchange(state, Kind.ALLTOALLV, give, take)
        into.deliver()

    def Alltoallw(self, sendbuf: Any, recvbuf: Any) -> None:
        """Send a block of any length and datatype to each rank, and receive one from each."""
        state = self._get()
        into = recv_wspec(recvbuf, state.size)
        take = [spec.data for spec in into.blocks]
        if is_in_place(sendbuf):
            give = [memoryview(bytearray(block)) for block in take]
        else:
            give = [spec.data for spec in send_wspec(sendbuf, state.size).blocks]
        _exchange(state, Kind.ALLTOALLW, give, take)
        into.deliver()

    def Reduce(self, sendbuf: Any, recvbuf: Any, op: Op = SUM, root: int = 0) -> None:
        """Reduce the vectors of all ranks into the receive buffer of *root*."""
        state = self._get()
        root = _root(state, root)
        channel = state.channel.begin(Kind.REDUCE)
        if state.rank != root:
            given = _sent(state, sendbuf)
            vector = memoryview(bytearray(given.data))
            algorithms.reduce(channel, vector, _reduction(state, op, given.datatype), root)
            return
        into = _loaded(sendbuf, recvbuf)
        algorithms.reduce(channel, into.data, _reduction(state, op, into.datatype), root)
        into.deliver()

    def Allreduce(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> None:
        """Reduce the vectors of all ranks into the receive buffers of all."""
        state = self._state or self._resolve()
        into = _loaded(sendbuf, recvbuf)
        algorithms.allreduce(
            state.channel.begin(Kind.ALLREDUCE), into.data, _reduction(state, op, into.datatype)
        )
        into.deliver()

    def Reduce_scatter_block(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> None:
        """Reduce the vectors of all ranks, and give each an equal block of the result."""
        state = self._get()
        channel = state.channel.begin(Kind.REDUCE_SCATTER_BLOCK)
        if is_in_place(sendbuf):
            given = into = recv_spec(recvbuf, state.size)
            out = _block(into, 0, state.size)
        else:
            given, into = send_spec(sendbuf, state.size), recv_spec(recvbuf)
            _same_type(given, into)
            out = into.data
            if given.count != into.count * state.size:
                raise ValueError(
                    f"mismatch in send count {given.count} and receive count "
                    f"{into.count} x {state.size}"
                )
        self._reduce_scatter(channel, given, range(0, len(given.data) + 1, len(out) or 1), out, op)
        into.deliver()

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
        into = recv_spec(recvbuf)
        given = into if is_in_place(sendbuf) else send_spec(sendbuf)
        _same_type(given, into)
        if recvcounts is not None:
            counts = [index(count) for count in recvcounts]
            if len(counts) != state.size:
                raise ValueError(f"expecting {state.size} items, got {len(counts)}")
        elif given is into:
            if into.count % state.size:
                raise ValueError(f"{into.count} elements do not divide among {state.size} ranks")
            counts = [into.count // state.size] * state.size
        else:
            counts = self.allgather(into.count)
        if sum(counts) != given.count:
            raise ValueError(f"mismatch in send count {given.count} and sum(counts) {sum(counts)}")
        if given is not into and counts[state.rank] > into.count:
            raise ValueError(
                f"mismatch in receive count {into.count} and recvcounts {counts[state.rank]}"
            )
        size = given.datatype.size
        bounds = [size * count for count in accumulate(counts, initial=0)]
        out = into.data[: bounds[state.rank + 1] - bounds[state.rank]]
        self._reduce_scatter(state.channel.begin(Kind.REDUCE_SCATTER), given, bounds, out, op)
        into.deliver()

    def _reduce_scatter(
        self,
        channel: algorithms.Channel,
        given: Spec,
        bounds: Sequence[int],
        out: memoryview,
        op: Op,
    ) -> None:
        vector = memoryview(bytearray(given.data))
        reduction = _reduction(self._get(), op, given.datatype)
        if vector:
            algorithms.reduce_scatter(channel, vector, bounds, out, reduction)

    # -- objects -----------------------------------------------------------------------------------

    def barrier(self) -> None:
        """Return when all ranks have called."""
        self.Barrier()

    def bcast(self, obj: Any, root: int = 0) -> Any:
        """Return the object that *root* gives."""
        state = self._get()
        root = _root(state, root)
        data = pickle.dumps(obj) if state.rank == root else b""
        channel = state.channel.begin(Kind.BCAST)
        return pickle.loads(algorithms.broadcast_pickle(channel, data, root))

    def gather(self, sendobj: Any, root: int = 0) -> list[Any] | None:
        """Return the objects of all ranks on *root*, None elsewhere."""
        state = self._get()
        root = _root(state, root)
        channel = state.channel.begin(Kind.GATHER)
        found = algorithms.gather_pickles(channel, pickle.dumps(sendobj), root)
        return None if found is None else [pickle.loads(data) for data in found]

    def scatter(self, sendobj: Iterable[Any] | None, root: int = 0) -> Any:
        """Return the rank's own of the objects that *root* gives, one for each rank."""
        state = self._get()
        root = _root(state, root)
        pickles = _pickles(sendobj, state.size) if state.rank == root else None
        channel = state.channel.begin(Kind.SCATTER)
        return pickle.loads(algorithms.scatter_pickles(channel, pickles, root))

    def allgather(self, sendobj: Any) -> list[Any]:
        """Return the objects of all ranks on all ranks."""
        state = self._get()
        channel = state.channel.begin(Kind.ALLGATHER)
        found = algorithms.allgather_pickles(channel, pickle.dumps(sendobj))
        return [pickle.loads(data) for data in found]

    def alltoall(self, sendobj: Iterable[Any]) -> list[Any]:
        """Send an object to each rank, and return what each sent."""
        state = self._get()
        pickles = _pickles(sendobj, state.size)
        found = algorithms.alltoall_pickles(state.channel.begin(Kind.ALLTOALL), pickles)
        return [pickle.loads(data) for data in found]

    def reduce(self, sendobj: Any, op: Operator = SUM, root: int = 0) -> Any | None:
        """Return the objects of all ranks combined in their order on *root*, None elsewhere."""
        state = self._get()
        root = _root(state, root)
        if not rc.fast_reduce:
            gathered = self.gather(sendobj, root)
            return None if gathered is None else fold(op, gathered)
        own = _copy(sendobj)
        channel = state.channel.begin(Kind.REDUCE)
        return algorithms.reduce_objects(channel, own, op, root, pickle.dumps, pickle.loads)

    def allreduce(self, sendobj: Any, op: Operator = SUM) -> Any:
        """Return the objects of all ranks combined in their order."""
        state = self._get()
        if not rc.fast_reduce:
            return fold(op, self.allgather(sendobj))
        own = _copy(sendobj)
        channel = state.channel.begin(Kind.ALLREDUCE)
        result = algorithms.reduce_objects(channel, own, op, 0, pickle.dumps, pickle.loads)
        data = pickle.dumps(result) if state.rank == 0 else b""
        return pickle.loads(algorithms.broadcast_pickle(channel, data, 0))


class ScanCalls(CollectiveCalls):
    """A handle to a communicator within one group, with the calls that only such ones have."""

    __slots__ = ()

    def Scan(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> None:
        """Reduce the vectors of the ranks up to the own."""
        state = self._get()
        into = _loaded(sendbuf, recvbuf)
        reduction = _reduction(state, op, into.datatype)
        algorithms.scan(state.channel.begin(Kind.SCAN), into.data, reduction)
        into.deliver()

    def Exscan(self, sendbuf: Any, recvbuf: Any, op: Op = SUM) -> None:
        """Reduce the vectors of the ranks below the own; rank 0's receive buffer stays as it is."""
        state = self._get()
        into = recv_spec(recvbuf)
        given = into if is_in_place(sendbuf) else send_spec(sendbuf)
        _same_shape(given, into)
        reduction = _reduction(state, op, into.datatype)
        channel = state.channel.begin(Kind.EXSCAN)
        algorithms.exscan(channel, given.data, into.data, reduction)
        into.deliver()

    def scan(self, sendobj: Any, op: Operator = SUM) -> Any:
        """Return the objects of the ranks up to the own, combined in their order."""
        return self._scan(sendobj, op, Kind.SCAN)

    def exscan(self, sendobj: Any, op: Operator = SUM) -> Any:
        """Return the objects of the ranks below the own combined, None on rank 0."""
        return self._scan(sendobj, op, Kind.EXSCAN)

    def _scan(self, sendobj: Any, op: Operator, kind: Kind) -> Any:
        channel = self._get().channel.begin(kind)
        return algorithms.scan_objects(
            channel, sendobj, op, pickle.dumps, pickle.loads, inclusive=kind is Kind.SCAN
        )


def _root(state: CommState, root: Any) -> int:
    """Return *root* as a number.

    Raises:
        MPIError: `ERR_ROOT`: there is no such rank.
    """
    rank = whole(root)
    if not 0 <= rank < state.size:
        raise state.error(ERR_ROOT, f"{rank} in a communicator of {state.size}")
    return rank


def _block(spec: Spec, place: int, blocks: int) -> memoryview:
    """Return one of the equal *blocks* of a buffer."""
    length = len(spec.data) // blocks
    return spec.data[place * length : (place + 1) * length]


def _agree(channel: algorithms.Channel, sent: int, expected: int) -> None:
    """Refuse a rank's own block that does not fit its place, as one from another rank would be."""
    if sent != expected:
        raise channel.mismatch(channel.rank, sent, expected)


def _sent(state: CommState, buf: Any) -> Spec:
    """Return what a rank sends that is not the root."""
    if is_in_place(buf):
        raise state.error(ERR_BUFFER, "only the root can work in place")
    return send_spec(buf)


def _received(state: CommState, buf: Any) -> Spec:
    """Return what a rank receives into."""
    if is_in_place(buf):
        raise state.error(ERR_BUFFER, "only the root can work in place")
    return recv_spec(buf)


def _same_type(given: Spec, into: Spec) -> None:
    if given.datatype != into.datatype:
        raise ValueError("mismatch in send and receive MPI datatypes")


def _same_shape(given: Spec, into: Spec) -> None:
    _same_type(given, into)
    if given.count != into.count:
        raise ValueError(f"mismatch in send count {given.count} and receive count {into.count}")


def _loaded(sendbuf: Any, recvbuf: Any) -> Spec:
    """Return the receive buffer of a reduction, with the rank's own vector in it.

    Raises:
        ValueError: the buffers differ in count or datatype.
    """
    into = recv_spec(recvbuf)
    if not is_in_place(sendbuf):
        given = send_spec(sendbuf)
        _same_shape(given, into)
        into.data[:] = given.data
    return into


def _reduction(state: CommState, op: Op, datatype: Datatype) -> Reduction:
    """Return how to reduce vectors of *datatype*, which takes the process its time.

    Raises:
        MPIError: `ERR_OP`: the operation is null or does not take such elements.
        TypeError: *op* is no operation.
    """
    if not isinstance(op, Op):
        raise TypeError(f"expected Op, got {type(op).__name__}")
    combine = op.combiner(datatype)
    commutative = op.Is_commutative()
    library = state.library
    rate = library.tuning.reduce_rate
    if not rate:
        return Reduction(combine, datatype.size, commutative)
    charge = library.process.charge

    def timed(given: memoryview, result: memoryview) -> None:
        combine(given, result)
        charge(len(result) * rate // 1000)

    return Reduction(timed, datatype.size, commutative)


def _exchange(
    state: CommState, kind: Kind, give: Sequence[memoryview], take: Sequence[memoryview]
) -> None:
    channel = state.channel.begin(kind)
    _agree(channel, len(give[state.rank]), len(take[state.rank]))
    algorithms.alltoallv(channel, give, take)


def _pickles(objects: Iterable[Any] | None, size: int) -> list[bytes]:
    """Return the pickle of each object, one for each rank."""
    if objects is None:
        return [pickle.dumps(None)] * size
    given = list(objects)
    if len(given) != size:
        raise ValueError(f"expecting {size} items, got {len(given)}")
    return [pickle.dumps(item) for item in given]


def _copy(obj: Any) -> Any:
    """Return a copy of what the program gives, which an operator may change in place."""
    return pickle.loads(pickle.dumps(obj))
