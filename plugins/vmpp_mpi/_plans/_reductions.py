"""Plans that reduce memory, within one group."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from operator import index
from typing import TYPE_CHECKING, Any

import vmpp_collectives as algorithms
from vmpp_collectives import Channel, Kind
from vmpp_mpi._buffers._buffer import Spec, is_in_place, recv_spec, send_spec
from vmpp_mpi._plans import _objects as objects
from vmpp_mpi._plans._plan import (
    Plan,
    block,
    checked_root,
    given,
    now,
    reduction,
    same_shape,
    same_type,
    sent,
)

if TYPE_CHECKING:
    from vmpp_mpi._op import Op
    from vmpp_mpi._state import CommState


def reduce(state: CommState, sendbuf: Any, recvbuf: Any, op: Op, root: int) -> Plan:
    """Reduce the vectors of all ranks into the receive buffer of *root*."""
    root = checked_root(state, root)
    if state.rank != root:
        own = sent(state, sendbuf)
        how = reduction(state, op, own.datatype)

        def give(channel: Channel) -> None:
            algorithms.reduce(channel, memoryview(bytearray(own.data)), how, root)

        return Plan(Kind.REDUCE, give, own)
    into, source = _vectors(sendbuf, recvbuf)
    how = reduction(state, op, into.datatype)

    def run(channel: Channel) -> None:
        if source is not None:
            into.data[:] = source.data
        algorithms.reduce(channel, into.data, how, root)
        into.deliver()

    return Plan(Kind.REDUCE, run, into, source)


def allreduce(state: CommState, sendbuf: Any, recvbuf: Any, op: Op) -> Plan:
    """Reduce the vectors of all ranks into the receive buffers of all."""
    into, source = _vectors(sendbuf, recvbuf)
    how = reduction(state, op, into.datatype)

    def run(channel: Channel) -> None:
        if source is not None:
            into.data[:] = source.data
        algorithms.allreduce(channel, into.data, how)
        into.deliver()

    return Plan(Kind.ALLREDUCE, run, into, source)


def reduce_scatter_block(state: CommState, sendbuf: Any, recvbuf: Any, op: Op) -> Plan:
    """Reduce the vectors of all ranks, and give each an equal block of the result."""
    size = state.size
    inside = is_in_place(sendbuf)
    into = recv_spec(recvbuf, size if inside else 1)
    source = into if inside else send_spec(sendbuf, size)
    same_type(source, into)
    if not inside and source.count != into.count * size:
        raise ValueError(
            f"mismatch in send count {source.count} and receive count {into.count} x {size}"
        )
    how = reduction(state, op, source.datatype)

    def run(channel: Channel) -> None:
        vector = memoryview(bytearray(source.data))
        out = block(into, 0, size) if inside else into.data
        if vector:
            bounds = range(0, len(vector) + 1, len(out))
            algorithms.reduce_scatter_block(channel, vector, bounds, out, how)
        into.deliver()

    return Plan(Kind.REDUCE_SCATTER_BLOCK, run, into, source)


def reduce_scatter(
    state: CommState, sendbuf: Any, recvbuf: Any, recvcounts: Sequence[int] | None, op: Op
) -> Plan:
    """Reduce the vectors of all ranks, and give each a block of the result."""
    into = recv_spec(recvbuf)
    source = into if is_in_place(sendbuf) else send_spec(sendbuf)
    same_type(source, into)
    counts = _counts(state, source, into, recvcounts)
    size = source.datatype.size
    bounds = [size * count for count in accumulate(counts, initial=0)]
    length = size * counts[state.rank]
    how = reduction(state, op, source.datatype)

    def run(channel: Channel) -> None:
        vector = memoryview(bytearray(source.data))
        if vector:
            algorithms.reduce_scatter(channel, vector, bounds, into.data[:length], how)
        into.deliver()

    return Plan(Kind.REDUCE_SCATTER, run, into, source)


def scan(state: CommState, sendbuf: Any, recvbuf: Any, op: Op) -> Plan:
    """Reduce the vectors of the ranks up to the own."""
    into, source = _vectors(sendbuf, recvbuf)
    how = reduction(state, op, into.datatype)

    def run(channel: Channel) -> None:
        if source is not None:
            into.data[:] = source.data
        algorithms.scan(channel, into.data, how)
        into.deliver()

    return Plan(Kind.SCAN, run, into, source)


def exscan(state: CommState, sendbuf: Any, recvbuf: Any, op: Op) -> Plan:
    """Reduce the vectors of the ranks below the own; rank 0's receive buffer stays as it is."""
    into, source = _vectors(sendbuf, recvbuf)
    how = reduction(state, op, into.datatype)

    def run(channel: Channel) -> None:
        data = into.data if source is None else source.data
        algorithms.exscan(channel, data, into.data, how)
        into.deliver()

    return Plan(Kind.EXSCAN, run, into, source)


def _vectors(sendbuf: Any, recvbuf: Any) -> tuple[Spec, Spec | None]:
    """Return the receive buffer of a reduction, and the send buffer unless it works in place.

    Raises:
        ValueError: the buffers differ in count or datatype.
    """
    into = recv_spec(recvbuf)
    source = given(sendbuf)
    if source is not None:
        same_shape(source, into)
    return into, source


def _counts(
    state: CommState, source: Spec, into: Spec, recvcounts: Sequence[int] | None
) -> list[int]:
    """Return how many elements each rank gets, which all must know.

    Raises:
        ValueError: they do not fit the buffers.
    """
    size = state.size
    if recvcounts is not None:
        counts = [index(count) for count in recvcounts]
        if len(counts) != size:
            raise ValueError(f"expecting {size} items, got {len(counts)}")
    elif source is into:
        if into.count % size:
            raise ValueError(f"{into.count} elements do not divide among {size} ranks")
        counts = [into.count // size] * size
    else:
        counts = now(state, objects.allgather(state, into.count))
    if sum(counts) != source.count:
        raise ValueError(f"mismatch in send count {source.count} and sum(counts) {sum(counts)}")
    if source is not into and counts[state.rank] > into.count:
        raise ValueError(
            f"mismatch in receive count {into.count} and recvcounts {counts[state.rank]}"
        )
    return counts
