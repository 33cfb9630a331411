"""Plans that reduce the vectors of one group for the other.

A group reduces on its leader, which sends the result across; operands keep the order of ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import index
from typing import TYPE_CHECKING, Any

import vmpp_collectives as algorithms
from vmpp_collectives import Kind, Reduction
from vmpp_mpi._buffers._buffer import Spec, recv_spec, send_spec
from vmpp_mpi._constants import PROC_NULL, ROOT
from vmpp_mpi._plans import _objects as objects
from vmpp_mpi._plans._crossing import LEADER, Crossing, checked_root, idle
from vmpp_mpi._plans._plan import Plan, now, reduction, same_shape, same_type

if TYPE_CHECKING:
    from vmpp_mpi._op import Op
    from vmpp_mpi._state import CommState


def reduce(state: CommState, sendbuf: Any, recvbuf: Any, op: Op, root: int) -> Plan:
    """Reduce the vectors of one group into the receive buffer of one rank of the other."""
    root = checked_root(state, root)
    if root == PROC_NULL:
        return idle(Kind.REDUCE)
    if root == ROOT:
        into = recv_spec(recvbuf)

        def take(ways: Crossing) -> None:
            ways.across.receive(LEADER, into.data)
            into.deliver()

        return Plan(Kind.REDUCE, take, into)
    source = send_spec(sendbuf)
    how = reduction(state, op, source.datatype)

    def run(ways: Crossing) -> None:
        vector = memoryview(bytearray(source.data))
        algorithms.reduce(ways.local, vector, how, LEADER)
        if ways.local.rank == LEADER:
            ways.across.send(root, vector)

    return Plan(Kind.REDUCE, run, source)


def allreduce(state: CommState, sendbuf: Any, recvbuf: Any, op: Op) -> Plan:
    """Reduce the vectors of each group into the receive buffers of the other."""
    into = recv_spec(recvbuf)
    source = send_spec(sendbuf)
    same_shape(source, into)
    how = reduction(state, op, into.datatype)

    def run(ways: Crossing) -> None:
        _swap_reduced(ways, source.data, into.data, how)
        algorithms.broadcast(ways.local, into.data, LEADER)
        into.deliver()

    return Plan(Kind.ALLREDUCE, run, into, source)


def reduce_scatter_block(state: CommState, sendbuf: Any, recvbuf: Any, op: Op) -> Plan:
    """Reduce the vectors of each group, and give each rank of the other an equal block."""
    size = state.size
    into = recv_spec(recvbuf)
    source = send_spec(sendbuf, size)
    same_type(source, into)
    if source.count != into.count * size:
        raise ValueError(
            f"mismatch in send count {source.count} and receive count {into.count} x {size}"
        )
    return _scattered(state, Kind.REDUCE_SCATTER_BLOCK, source, into, [into.count] * size, op)


def reduce_scatter(
    state: CommState, sendbuf: Any, recvbuf: Any, recvcounts: Sequence[int] | None, op: Op
) -> Plan:
    """Reduce the vectors of each group, and give each rank of the other a block."""
    into = recv_spec(recvbuf)
    source = send_spec(sendbuf)
    same_type(source, into)
    if recvcounts is None:
        local = state.local
        assert local is not None
        counts = now(local, objects.allgather(local, into.count))
    else:
        counts = [index(count) for count in recvcounts]
    if len(counts) != state.size:
        raise ValueError(f"expecting {state.size} items, got {len(counts)}")
    if sum(counts) != source.count:
        raise ValueError(f"mismatch in send count {source.count} and sum(counts) {sum(counts)}")
    if counts[state.rank] > into.count:
        raise ValueError(
            f"mismatch in receive count {into.count} and recvcounts {counts[state.rank]}"
        )
    return _scattered(state, Kind.REDUCE_SCATTER, source, into, counts, op)


def _scattered(
    state: CommState, kind: int, source: Spec, into: Spec, counts: Sequence[int], op: Op
) -> Plan:
    """Return the plan that scatters by *counts* what the other group has reduced."""
    how = reduction(state, op, source.datatype)
    itemsize = source.datatype.size
    bounds = [itemsize * count for count in accumulate(counts, initial=0)]
    length = itemsize * counts[state.rank]

    def run(ways: Crossing) -> None:
        blocks: list[memoryview] | None = None
        reduced = memoryview(bytearray(bounds[-1]))
        _swap_reduced(ways, source.data, reduced, how)
        if ways.local.rank == LEADER:
            blocks = [reduced[low:high] for low, high in pairwise(bounds)]
        algorithms.scatterv(ways.local, blocks, into.data[:length], LEADER)
        into.deliver()

    return Plan(kind, run, into, source)


def _swap_reduced(ways: Crossing, given: memoryview, into: memoryview, how: Reduction) -> None:
    """Reduce the own group's vectors, and leave the other group's in *into* on the leader."""
    vector = memoryview(bytearray(given))
    algorithms.reduce(ways.local, vector, how, LEADER)
    if ways.local.rank == LEADER:
        ways.across.exchange(LEADER, vector, LEADER, into)
