"""Plans that move memory, within one group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import vmpp_collectives as algorithms
from vmpp_collectives import Channel, Kind
from vmpp_mpi._buffers._buffer import (
    WSpec,
    is_in_place,
    recv_spec,
    recv_vspec,
    recv_wspec,
    send_spec,
    send_vspec,
    send_wspec,
)
from vmpp_mpi._plans._plan import Plan, agree, block, checked_root, given, received, sent

if TYPE_CHECKING:
    from vmpp_mpi._state import CommState

_BARRIER: Final = Plan(Kind.BARRIER, algorithms.barrier)


def barrier(state: CommState) -> Plan:
    """Return when all ranks have called."""
    return _BARRIER


def bcast(state: CommState, buf: Any, root: int) -> Plan:
    """Give all ranks what *root* has in its buffer."""
    root = checked_root(state, root)
    sending = state.rank == root
    spec = send_spec(buf) if sending else recv_spec(buf)

    def run(channel: Channel) -> None:
        algorithms.broadcast(channel, spec.data, root)
        if not sending:
            spec.deliver()

    return Plan(Kind.BCAST, run, spec)


def gather(state: CommState, sendbuf: Any, recvbuf: Any, root: int) -> Plan:
    """Gather equal blocks of all ranks on *root*, in the order of ranks."""
    root = checked_root(state, root)
    rank, size = state.rank, state.size
    if rank != root:
        own = sent(state, sendbuf)
        return Plan(
            Kind.GATHER, lambda channel: algorithms.gather(channel, own.data, None, root), own
        )
    into = recv_spec(recvbuf, size)
    source = given(sendbuf)

    def run(channel: Channel) -> None:
        place = block(into, rank, size)
        data = place if source is None else source.data
        agree(channel, len(data), len(place))
        algorithms.gather(channel, data, into.data, root)
        into.deliver()

    return Plan(Kind.GATHER, run, into, source)


def gatherv(state: CommState, sendbuf: Any, recvbuf: Any, root: int) -> Plan:
    """Gather blocks of any length on *root*."""
    root = checked_root(state, root)
    if state.rank != root:
        own = sent(state, sendbuf)
        return Plan(
            Kind.GATHERV, lambda channel: algorithms.gatherv(channel, own.data, None, root), own
        )
    into = recv_vspec(recvbuf, state.size)
    source = given(sendbuf)
    if source is None:
        into.load()

    def run(channel: Channel) -> None:
        data = None if source is None else source.data
        algorithms.gatherv(channel, data, list(into.blocks()), root)
        into.deliver()

    return Plan(Kind.GATHERV, run, into, source)


def scatter(state: CommState, sendbuf: Any, recvbuf: Any, root: int) -> Plan:
    """Give each rank its block of what *root* has, all of the same length."""
    root = checked_root(state, root)
    size = state.size
    if state.rank != root:
        target = received(state, recvbuf)

        def take(channel: Channel) -> None:
            algorithms.scatter(channel, None, target.data, root)
            target.deliver()

        return Plan(Kind.SCATTER, take, target)
    source = send_spec(sendbuf, size)
    into = None if is_in_place(recvbuf) else recv_spec(recvbuf)

    def run(channel: Channel) -> None:
        own = block(source, root, size)
        if into is None:
            algorithms.scatter(channel, source.data, memoryview(bytearray(own)), root)
            return
        agree(channel, len(own), len(into.data))
        algorithms.scatter(channel, source.data, into.data, root)
        into.deliver()

    return Plan(Kind.SCATTER, run, source, into)


def scatterv(state: CommState, sendbuf: Any, recvbuf: Any, root: int) -> Plan:
    """Give each rank its block of what *root* has, of any lengths."""
    root = checked_root(state, root)
    source = send_vspec(sendbuf, state.size) if state.rank == root else None
    into = None if source is not None and is_in_place(recvbuf) else received(state, recvbuf)

    def run(channel: Channel) -> None:
        blocks = None if source is None else list(source.blocks())
        algorithms.scatterv(channel, blocks, None if into is None else into.data, root)
        if into is not None:
            into.deliver()

    return Plan(Kind.SCATTERV, run, source, into)


def allgather(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Gather equal blocks of all ranks on all ranks."""
    rank, size = state.rank, state.size
    into = recv_spec(recvbuf, size)
    source = given(sendbuf)

    def run(channel: Channel) -> None:
        own = block(into, rank, size)
        length = len(own)
        if source is not None:
            agree(channel, len(source.data), length)
            own[:] = source.data
        if length:
            algorithms.allgather(channel, into.data, range(0, (size + 1) * length, length))
        into.deliver()

    return Plan(Kind.ALLGATHER, run, into, source)


def allgatherv(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Gather blocks of any length on all ranks; all know the lengths."""
    rank = state.rank
    into = recv_vspec(recvbuf, state.size)
    source = given(sendbuf)
    if source is None:
        into.load()

    def run(channel: Channel) -> None:
        blocks = list(into.blocks())
        own = blocks[rank]
        if source is not None:
            agree(channel, len(source.data), len(own))
            own[:] = source.data
        # The algorithms move runs of blocks, which need not lie side by side in the buffer.
        bounds = list(accumulate(map(len, blocks), initial=0))
        packed = memoryview(bytearray(bounds[-1]))
        packed[bounds[rank] : bounds[rank + 1]] = own
        algorithms.allgatherv(channel, packed, bounds)
        for peer, place in enumerate(blocks):
            place[:] = packed[bounds[peer] : bounds[peer + 1]]
        into.deliver()

    return Plan(Kind.ALLGATHERV, run, into, source)


def alltoall(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Send an equal block to each rank, and receive one from each."""
    size = state.size
    into = recv_spec(recvbuf, size)
    source = given(sendbuf, size)

    def run(channel: Channel) -> None:
        data = memoryview(bytearray(into.data)) if source is None else source.data
        agree(channel, len(data) // size, len(into.data) // size)
        algorithms.alltoall(channel, data, into.data, len(data) // size)
        into.deliver()

    return Plan(Kind.ALLTOALL, run, into, source)


def alltoallv(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Send a block of any length to each rank, and receive one from each."""
    into = recv_vspec(recvbuf, state.size)
    source = None if is_in_place(sendbuf) else send_vspec(sendbuf, state.size)
    if source is None:
        into.load()

    def run(channel: Channel) -> None:
        take = list(into.blocks())
        give = None if source is None else list(source.blocks())
        _exchange(algorithms.alltoallv, channel, give, take)
        into.deliver()

    return Plan(Kind.ALLTOALLV, run, into, source)


def alltoallw(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Send a block of any length and datatype to each rank, and receive one from each."""
    into = recv_wspec(recvbuf, state.size)
    source = None if is_in_place(sendbuf) else send_wspec(sendbuf, state.size)

    def run(channel: Channel) -> None:
        give = None if source is None else pieces(source)
        _exchange(algorithms.alltoallw, channel, give, pieces(into))
        into.deliver()

    return Plan(Kind.ALLTOALLW, run, into, source)


def pieces(spec: WSpec) -> list[memoryview]:
    """Return the bytes of each block."""
    return [each.data for each in spec.blocks]


def divided(data: memoryview, blocks: int) -> list[memoryview]:
    """Return the equal *blocks* of a buffer."""
    length = len(data) // blocks
    return [data[place * length : (place + 1) * length] for place in range(blocks)]


def _exchange(
    carry_out: Callable[[Channel, Sequence[memoryview], Sequence[memoryview]], None],
    channel: Channel,
    give: Sequence[memoryview] | None,
    take: Sequence[memoryview],
) -> None:
    """Exchange blocks of any length; in place if there is nothing to *give*."""
    if give is None:
        give = [memoryview(bytearray(place)) for place in take]
    agree(channel, len(give[channel.rank]), len(take[channel.rank]))
    carry_out(channel, give, take)
