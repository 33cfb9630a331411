"""Plans that move memory between two groups.

What all ranks of a group send goes through its leader where blocks have the same length, and
straight to whom it is for where they have not, as only that one knows the lengths.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import vmpp_collectives as algorithms
from vmpp_collectives import NOTHING, Channel, Kind
from vmpp_mpi._buffers._buffer import (
    recv_spec,
    recv_vspec,
    recv_wspec,
    send_spec,
    send_vspec,
    send_wspec,
)
from vmpp_mpi._collectives import gather_pickles
from vmpp_mpi._constants import PROC_NULL, ROOT
from vmpp_mpi._plans._crossing import LEADER, Crossing, checked_root, exchange, idle
from vmpp_mpi._plans._moves import divided, pieces
from vmpp_mpi._plans._plan import Plan

if TYPE_CHECKING:
    from vmpp_mpi._state import CommState


def barrier(state: CommState) -> Plan:
    """Return when all ranks of both groups have called."""
    return _BARRIER


def _barrier(ways: Crossing) -> None:
    algorithms.barrier(ways.local)
    if ways.local.rank == LEADER:
        ways.across.exchange(LEADER, NOTHING, LEADER, NOTHING)
    algorithms.broadcast(ways.local, NOTHING, LEADER)


_BARRIER: Final = Plan(Kind.BARRIER, _barrier)


def bcast(state: CommState, buf: Any, root: int) -> Plan:
    """Give all ranks of one group what one rank of the other has in its buffer."""
    root = checked_root(state, root)
    if root == PROC_NULL:
        return idle(Kind.BCAST)
    if root == ROOT:
        source = send_spec(buf)
        return Plan(Kind.BCAST, lambda ways: ways.across.send(LEADER, source.data), source)
    into = recv_spec(buf)

    def run(ways: Crossing) -> None:
        if ways.local.rank == LEADER:
            ways.across.receive(root, into.data)
        algorithms.broadcast(ways.local, into.data, LEADER)
        into.deliver()

    return Plan(Kind.BCAST, run, into)


def gather(state: CommState, sendbuf: Any, recvbuf: Any, root: int) -> Plan:
    """Gather equal blocks of one group on one rank of the other."""
    root = checked_root(state, root)
    if root == PROC_NULL:
        return idle(Kind.GATHER)
    if root == ROOT:
        into = recv_spec(recvbuf, state.reach)

        def take(ways: Crossing) -> None:
            ways.across.receive(LEADER, into.data)
            into.deliver()

        return Plan(Kind.GATHER, take, into)
    source = send_spec(sendbuf)

    def run(ways: Crossing) -> None:
        gathered = _gathered(ways.local, source.data)
        if gathered is not None:
            ways.across.send(root, gathered)

    return Plan(Kind.GATHER, run, source)


def gatherv(state: CommState, sendbuf: Any, recvbuf: Any, root: int) -> Plan:
    """Gather blocks of any length of one group on one rank of the other."""
    root = checked_root(state, root)
    if root == PROC_NULL:
        return idle(Kind.GATHERV)
    if root == ROOT:
        into = recv_vspec(recvbuf, state.reach)

        def take(ways: Crossing) -> None:
            for peer, block in enumerate(into.blocks()):
                if len(block):
                    ways.across.receive(peer, block)
            into.deliver()

        return Plan(Kind.GATHERV, take, into)
    source = send_spec(sendbuf)

    def run(ways: Crossing) -> None:
        if len(source.data):
            ways.across.send(root, source.data)

    return Plan(Kind.GATHERV, run, source)


def scatter(state: CommState, sendbuf: Any, recvbuf: Any, root: int) -> Plan:
    """Give each rank of one group its block of what one rank of the other has."""
    root = checked_root(state, root)
    if root == PROC_NULL:
        return idle(Kind.SCATTER)
    if root == ROOT:
        source = send_spec(sendbuf, state.reach)
        return Plan(Kind.SCATTER, lambda ways: ways.across.send(LEADER, source.data), source)
    into = recv_spec(recvbuf)

    def run(ways: Crossing) -> None:
        whole: memoryview | None = None
        if ways.local.rank == LEADER:
            whole = memoryview(bytearray(len(into.data) * ways.local.size))
            ways.across.receive(root, whole)
        algorithms.scatter(ways.local, whole, into.data, LEADER)
        into.deliver()

    return Plan(Kind.SCATTER, run, into)


def scatterv(state: CommState, sendbuf: Any, recvbuf: Any, root: int) -> Plan:
    """Give each rank of one group its block, of any length, of what one of the other has."""
    root = checked_root(state, root)
    if root == PROC_NULL:
        return idle(Kind.SCATTERV)
    if root == ROOT:
        source = send_vspec(sendbuf, state.reach)

        def give(ways: Crossing) -> None:
            for peer, block in enumerate(source.blocks()):
                if len(block):
                    ways.across.send(peer, block)

        return Plan(Kind.SCATTERV, give, source)
    into = recv_spec(recvbuf)

    def run(ways: Crossing) -> None:
        if len(into.data):
            ways.across.receive(root, into.data)
        into.deliver()

    return Plan(Kind.SCATTERV, run, into)


def allgather(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Gather equal blocks of each group on all ranks of the other."""
    into = recv_spec(recvbuf, state.reach)
    source = send_spec(sendbuf)

    def run(ways: Crossing) -> None:
        gathered = _gathered(ways.local, source.data)
        if gathered is not None:
            ways.across.exchange(LEADER, gathered, LEADER, into.data)
        algorithms.broadcast(ways.local, into.data, LEADER)
        into.deliver()

    return Plan(Kind.ALLGATHER, run, into, source)


def allgatherv(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Gather blocks of any length of each group on all ranks of the other."""
    into = recv_vspec(recvbuf, state.reach)
    source = send_spec(sendbuf)

    def run(ways: Crossing) -> None:
        blocks = list(into.blocks())
        bounds = list(accumulate(map(len, blocks), initial=0))
        packed = memoryview(bytearray(bounds[-1]))
        # A group does not know how long its own blocks are: they go as pickles would.
        gathered = gather_pickles(ways.local, source.data, LEADER)
        if gathered is not None:
            ways.across.exchange(LEADER, b"".join(gathered), LEADER, packed)
        algorithms.broadcast(ways.local, packed, LEADER)
        for peer, block in enumerate(blocks):
            block[:] = packed[bounds[peer] : bounds[peer + 1]]
        into.deliver()

    return Plan(Kind.ALLGATHERV, run, into, source)


def alltoall(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Send an equal block to each rank of the other group, and receive one from each."""
    reach = state.reach
    into = recv_spec(recvbuf, reach)
    source = send_spec(sendbuf, reach)

    def run(ways: Crossing) -> None:
        exchange(ways, divided(source.data, reach), divided(into.data, reach))
        into.deliver()

    return Plan(Kind.ALLTOALL, run, into, source)


def alltoallv(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Send a block of any length to each rank of the other group, and receive one from each."""
    into = recv_vspec(recvbuf, state.reach)
    source = send_vspec(sendbuf, state.reach)

    def run(ways: Crossing) -> None:
        exchange(ways, list(source.blocks()), list(into.blocks()))
        into.deliver()

    return Plan(Kind.ALLTOALLV, run, into, source)


def alltoallw(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Exchange blocks of any length and datatype with each rank of the other group."""
    into = recv_wspec(recvbuf, state.reach)
    source = send_wspec(sendbuf, state.reach)

    def run(ways: Crossing) -> None:
        exchange(ways, pieces(source), pieces(into))
        into.deliver()

    return Plan(Kind.ALLTOALLW, run, into, source)


def _gathered(local: Channel, block: memoryview) -> memoryview | None:
    """Return the blocks of the own group on its leader, None elsewhere."""
    whole: memoryview | None = None
    if local.rank == LEADER:
        whole = memoryview(bytearray(len(block) * local.size))
    algorithms.gather(local, block, whole, LEADER)
    return whole
