"""Plans of collective operations between neighbours in a topology."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from vmpp_collectives import Channel
from vmpp_mpi import _collectives as algorithms
from vmpp_mpi._buffers._buffer import (
    recv_spec,
    recv_vspec,
    recv_wspec,
    send_spec,
    send_vspec,
    send_wspec,
)
from vmpp_mpi._collectives import OwnKind
from vmpp_mpi._constants import CART, PROC_NULL
from vmpp_mpi._errors import ERR_TOPOLOGY
from vmpp_mpi._pickle import pickle
from vmpp_mpi._plans._moves import divided, pieces
from vmpp_mpi._plans._objects import pickles
from vmpp_mpi._plans._plan import AnySpec, Plan

if TYPE_CHECKING:
    from vmpp_mpi._state import CommState


class _Around:
    """The neighbours of a rank.

    Attributes:
        sources: whom each block comes from, `PROC_NULL` for nobody.
        destinations: whom each block goes to, likewise.
    """

    __slots__ = ("_order", "destinations", "sources")

    def __init__(self, state: CommState) -> None:
        topology = state.topology
        if topology is None:
            raise state.error(ERR_TOPOLOGY, "the communicator has no topology")
        self.sources, self.destinations = topology.around(state.rank)
        # In which order receives are posted. What a rank of a grid sends down a direction is
        # received from above: this matters where both neighbours are one rank (MPI 4.0, 8.6).
        swap = topology.kind == CART
        self._order = [place ^ 1 if swap else place for place in range(len(self.sources))]

    def exchange(
        self, channel: Channel, give: Sequence[memoryview], take: Sequence[memoryview]
    ) -> None:
        """Send ``give[i]`` to destination i, and receive from source i into ``take[i]``."""
        algorithms.exchange_with_neighbours(
            channel,
            [edge for edge in zip(self.destinations, give, strict=True) if edge[0] != PROC_NULL],
            [
                (self.sources[place], take[place])
                for place in self._order
                if self.sources[place] != PROC_NULL
            ],
        )

    def hand_on(self, channel: Channel, given: Sequence[bytes]) -> list[Any]:
        """Send pickle i to destination i, and return the objects of the sources, None for none."""
        order = [place for place in self._order if self.sources[place] != PROC_NULL]
        found = algorithms.pass_to_neighbours(
            channel,
            [edge for edge in zip(self.destinations, given, strict=True) if edge[0] != PROC_NULL],
            [self.sources[place] for place in order],
        )
        objects: list[Any] = [None] * len(self.sources)
        for place, data in zip(order, found, strict=True):
            objects[place] = pickle.loads(data)
        return objects


def allgather(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Send one block to all destinations, and receive equal blocks from the sources."""
    around = _Around(state)
    ins, outs = len(around.sources), len(around.destinations)
    source = send_spec(sendbuf)
    into = recv_spec(recvbuf, ins) if ins else None

    def run(channel: Channel) -> None:
        take = [] if into is None else divided(into.data, ins)
        around.exchange(channel, [source.data] * outs, take)
        _deliver(into)

    return Plan(OwnKind.NEIGHBOR_ALLGATHER, run, into, source)


def allgatherv(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Send one block to all destinations, and receive blocks of any length from the sources."""
    around = _Around(state)
    ins, outs = len(around.sources), len(around.destinations)
    source = send_spec(sendbuf)
    into = recv_vspec(recvbuf, ins) if ins else None

    def run(channel: Channel) -> None:
        take = [] if into is None else list(into.blocks())
        around.exchange(channel, [source.data] * outs, take)
        _deliver(into)

    return Plan(OwnKind.NEIGHBOR_ALLGATHERV, run, into, source)


def alltoall(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Send an equal block to each destination, and receive one from each source."""
    around = _Around(state)
    ins, outs = len(around.sources), len(around.destinations)
    source = send_spec(sendbuf, outs) if outs else None
    into = recv_spec(recvbuf, ins) if ins else None

    def run(channel: Channel) -> None:
        give = [] if source is None else divided(source.data, outs)
        take = [] if into is None else divided(into.data, ins)
        around.exchange(channel, give, take)
        _deliver(into)

    return Plan(OwnKind.NEIGHBOR_ALLTOALL, run, into, source)


def alltoallv(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Send a block of any length to each destination, and receive one from each source."""
    around = _Around(state)
    ins, outs = len(around.sources), len(around.destinations)
    source = send_vspec(sendbuf, outs) if outs else None
    into = recv_vspec(recvbuf, ins) if ins else None

    def run(channel: Channel) -> None:
        give = [] if source is None else list(source.blocks())
        take = [] if into is None else list(into.blocks())
        around.exchange(channel, give, take)
        _deliver(into)

    return Plan(OwnKind.NEIGHBOR_ALLTOALLV, run, into, source)


def alltoallw(state: CommState, sendbuf: Any, recvbuf: Any) -> Plan:
    """Exchange blocks of any length and datatype with the neighbours."""
    around = _Around(state)
    source = send_wspec(sendbuf, len(around.destinations))
    into = recv_wspec(recvbuf, len(around.sources))

    def run(channel: Channel) -> None:
        around.exchange(channel, pieces(source), pieces(into))
        into.deliver()

    return Plan(OwnKind.NEIGHBOR_ALLTOALLW, run, into, source)


def allgather_objects(state: CommState, sendobj: Any) -> Plan:
    """Send an object to all destinations, and return those of the sources."""
    around = _Around(state)
    given = [pickle.dumps(sendobj)] * len(around.destinations)
    return Plan(OwnKind.NEIGHBOR_ALLGATHER, lambda channel: around.hand_on(channel, given))


def alltoall_objects(state: CommState, sendobj: Iterable[Any]) -> Plan:
    """Send an object to each destination, and return those of the sources."""
    around = _Around(state)
    given = pickles(sendobj, len(around.destinations))
    return Plan(OwnKind.NEIGHBOR_ALLTOALL, lambda channel: around.hand_on(channel, given))


def _deliver(into: AnySpec | None) -> None:
    if into is not None:
        into.deliver()
