"""The calls that make communicators whose processes have neighbours.

With *reorder* the processes change their ranks such that neighbours are near in the machine. All
compute the same order, from the topology and from the places of the nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import index as integer
from typing import TYPE_CHECKING, Any

from vmpp_collectives import sparse_exchange
from vmpp_mpi._calls._point_to_point import PointToPoint
from vmpp_mpi._collectives import OwnKind, allgather_pickles
from vmpp_mpi._communicators._kinds import KINDS
from vmpp_mpi._constants import CART, DIST_GRAPH, GRAPH, UNDEFINED, UNWEIGHTED, WEIGHTS_EMPTY
from vmpp_mpi._errors import ERR_ARG, ERR_DIMS, ERR_RANK, ERR_TOPOLOGY
from vmpp_mpi._info import INFO_NULL, Info
from vmpp_mpi._state import CommState
from vmpp_mpi._topologies._arrangement import Placed, arrangement
from vmpp_mpi._topologies._graph import (
    Graph,
    Neighbourhood,
    from_numbers,
    graph,
    numbers,
    whole_graph,
)
from vmpp_mpi._topologies._grid import Grid

if TYPE_CHECKING:
    from vmpp.portals import Address

_IN, _OUT = range(2)
"""Which end of an edge a process is told of."""


class TopologyCalls(PointToPoint):
    """A handle to a communicator, with the calls that give its processes neighbours."""

    __slots__ = ()

    def Create_cart(
        self,
        dims: Sequence[int],
        periods: Sequence[bool] | bool | None = None,
        reorder: bool = False,
    ) -> Any:
        """Return a communicator whose processes form a grid; null for ranks beyond it.

        Args:
            dims: number of processes in each direction.
            periods: whether each direction is closed; one value holds for all.
            reorder: whether ranks may change, to bring neighbours near to each other.

        Raises:
            MPIError: `ERR_DIMS`: a number is not positive; `ERR_ARG`: there are too few processes.
            ValueError: *periods* has another length than *dims*.
        """
        state = self._get()
        grid = _grid(state, dims, periods)
        return KINDS[CART]._make(_placed(state, grid, bool(reorder)))

    def Cart_map(self, dims: Sequence[int], periods: Sequence[bool] | bool | None = None) -> int:
        """Return the rank that `Create_cart` gives the process, `UNDEFINED` for none."""
        state = self._get()
        return _rank(state, _seats(state, _grid(state, dims, periods), True))

    def Create_graph(
        self, index: Sequence[int], edges: Sequence[int], reorder: bool = False
    ) -> Any:
        """Return a communicator whose processes are a graph; null for ranks beyond it.

        Args:
            index: for each rank how many edges it and those before it have; a zero may come first.
            edges: the neighbours of all ranks, one after the other.
            reorder: whether ranks may change, to bring neighbours near to each other.

        Raises:
            MPIError: `ERR_ARG`: there are too few processes; `ERR_TOPOLOGY`: it is no such graph.
        """
        state = self._get()
        made = _graph(state, index, edges)
        return KINDS[GRAPH]._make(_placed(state, made, bool(reorder)))

    def Graph_map(self, index: Sequence[int], edges: Sequence[int]) -> int:
        """Return the rank that `Create_graph` gives the process, `UNDEFINED` for none."""
        state = self._get()
        return _rank(state, _seats(state, _graph(state, index, edges), True))

    def Create_dist_graph_adjacent(
        self,
        sources: Sequence[int],
        destinations: Sequence[int],
        sourceweights: Sequence[int] | None = None,
        destweights: Sequence[int] | None = None,
        info: Info = INFO_NULL,
        reorder: bool = False,
    ) -> Any:
        """Return a communicator in which each process says who its neighbours are.

        Args:
            sources: ranks that messages come from; None for nobody.
            destinations: ranks that messages go to; None for nobody.
            sourceweights: how much comes from each; None or `UNWEIGHTED` if nobody knows,
                `WEIGHTS_EMPTY` from nobody in a graph that has weights.
            destweights: how much goes to each, likewise.
            info: hints.
            reorder: whether ranks may change, to bring neighbours near to each other.

        Raises:
            MPIError: `ERR_RANK`: there is no such rank; `ERR_ARG`: a weight is negative, or only
                one side has weights.
            ValueError: there are not as many weights as neighbours.
        """
        state = self._get()
        came, gone = _ranks(state, sources or ()), _ranks(state, destinations or ())
        weights = (
            _weights(state, sourceweights, len(came)),
            _weights(state, destweights, len(gone)),
        )
        weighted = weights[0] is not None or weights[1] is not None
        if weighted and ((came and weights[0] is None) or (gone and weights[1] is None)):
            raise state.error(ERR_ARG, "only one side has weights")
        given = (weights[0] or [], weights[1] or []) if weighted else None
        return _distributed(state, Neighbourhood(came, gone, given), info, bool(reorder))

    def Create_dist_graph(
        self,
        sources: Sequence[int],
        degrees: Sequence[int],
        destinations: Sequence[int],
        weights: Sequence[int] | None = None,
        info: Info = INFO_NULL,
        reorder: bool = False,
    ) -> Any:
        """Return a communicator whose processes are a graph of which each gives any edges.

        A process's neighbours come in the order of the ranks that gave the edges.

        Args:
            sources: ranks that edges begin at.
            degrees: for each how many edges are given here.
            destinations: where they end, one after the other.
            weights: of the edges, as for `Create_dist_graph_adjacent`.
            info: hints.
            reorder: whether ranks may change, to bring neighbours near to each other.

        Raises:
            MPIError: `ERR_RANK`: there is no such rank; `ERR_ARG`: a weight is negative.
            ValueError: there are not as many degrees, destinations or weights as there must be.
        """
        state = self._get()
        starts = _ranks(state, sources)
        counts = [integer(count) for count in _items(degrees, len(starts))]
        begins = [rank for rank, count in zip(starts, counts, strict=True) for _ in range(count)]
        ends = _ranks(state, _items(destinations, len(begins)))
        given = _weights(state, weights, len(ends))
        known = _gathered(state, begins, ends, given)
        return _distributed(state, known, info, bool(reorder))


def _grid(state: CommState, dims: Sequence[int], periods: Sequence[bool] | bool | None) -> Grid:
    """Return the grid of a communicator; raises as `TopologyCalls.Create_cart`."""
    sizes = [integer(dim) for dim in _items(dims, len(dims))]
    if periods is None or isinstance(periods, (bool, int)):
        closed = [bool(periods)] * len(sizes)
    else:
        closed = [bool(period) for period in _items(periods, len(sizes))]
    if any(dim < 1 for dim in sizes):
        raise state.error(ERR_DIMS, f"a grid of {sizes}")
    grid = Grid(sizes, closed)
    if grid.size > state.size:
        raise state.error(ERR_ARG, f"a grid of {grid.size} processes on {state.size}")
    return grid


def _graph(state: CommState, index: Sequence[int], edges: Sequence[int]) -> Graph:
    """Return the graph of a communicator; raises as `TopologyCalls.Create_graph`."""
    bounds = tuple([integer(bound) for bound in index])
    targets = tuple([integer(rank) for rank in edges])
    if bounds and bounds[0] == 0 and bounds[-1] == len(targets):
        bounds = bounds[1:]
    if len(bounds) > state.size:
        raise state.error(ERR_ARG, f"a graph of {len(bounds)} processes on {state.size}")
    rising = all(low <= high for low, high in zip((0, *bounds), bounds, strict=False))
    if not rising or (bounds[-1] if bounds else 0) != len(targets):
        raise state.error(ERR_TOPOLOGY, f"an index {list(bounds)} of {len(targets)} edges")
    if any(not 0 <= rank < len(bounds) for rank in targets):
        raise state.error(ERR_TOPOLOGY, f"an edge to none of {len(bounds)} processes")
    return graph(bounds, targets)


def _items(given: Iterable[Any], count: int) -> list[Any]:
    """Return the items of a sequence that must have *count*."""
    items = list(given)
    if len(items) != count:
        raise ValueError(f"expecting {count} items, got {len(items)}")
    return items


def _ranks(state: CommState, given: Iterable[Any]) -> list[int]:
    ranks = [integer(rank) for rank in given]
    for rank in ranks:
        if not 0 <= rank < state.size:
            raise state.error(ERR_RANK, f"{rank} in a communicator of {state.size}")
    return ranks


def _weights(state: CommState, given: Any, count: int) -> list[int] | None:
    """Return the weights of *count* edges, None for `UNWEIGHTED`."""
    if given is None or (isinstance(given, int) and given == UNWEIGHTED):
        return None
    if isinstance(given, int) and given == WEIGHTS_EMPTY:
        if count:
            raise ValueError(f"no weights for {count} edges")
        return []
    weights = [integer(weight) for weight in _items(given, count)]
    if any(weight < 0 for weight in weights):
        raise state.error(ERR_ARG, f"negative weights {weights}")
    return weights


def _seats(state: CommState, topology: Placed, reorder: bool) -> Sequence[Address]:
    """Return the processes by their new ranks; there may be fewer of them."""
    size: int = topology.size
    machine = state.library.process.job.machine.node_map if reorder else None
    found = arrangement(None if machine is None else topology, size, machine)
    return found.seats(state.addresses)


def _rank(state: CommState, seats: Sequence[Address]) -> int:
    own = state.library.process.address
    return seats.index(own) if own in seats else UNDEFINED


def _placed(state: CommState, topology: Any, reorder: bool) -> CommState | None:
    """Return a communicator with a topology that all know; None where it lacks the process."""
    seats = _seats(state, topology, reorder)
    rank = state.rank if seats is state.addresses else _rank(state, seats)
    inside = rank != UNDEFINED
    context = state.library.agree_context(state.channel.begin(OwnKind.CREATE), take=inside)
    if not inside:
        return None
    made = state.library.new_communicator(context, rank, seats, state)
    made.topology = topology
    return made


def _gathered(
    state: CommState, begins: list[int], ends: list[int], weights: list[int] | None
) -> Neighbourhood:
    """Return the process's neighbours, after all have told of the edges that they have."""
    told: dict[int, list[int]] = {}
    for place, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        weight = 1 if weights is None else weights[place]
        told.setdefault(begin, []).extend((_OUT, end, weight))
        told.setdefault(end, []).extend((_IN, begin, weight))
    messages = {peer: numbers(edges) for peer, edges in sorted(told.items())}
    found: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for _, data in sparse_exchange(state.channel.begin(OwnKind.CREATE), messages):
        edges = iter(from_numbers(bytes(data)))
        for side, rank, weight in zip(edges, edges, edges, strict=True):
            found[side].append((rank, weight))
    (sources, came), (destinations, gone) = (
        ([rank for rank, _ in side], [weight for _, weight in side]) for side in found
    )
    return Neighbourhood(sources, destinations, None if weights is None else (came, gone))


def _distributed(state: CommState, known: Neighbourhood, info: Info, reorder: bool) -> Any:
    """Return a communicator with a topology of which each process knows its part."""
    rank, seats = state.rank, state.addresses
    if reorder and state.library.process.job.machine.node_map is not None:
        channel = state.channel.begin(OwnKind.CREATE)
        parts = whole_graph(tuple(map(bytes, allgather_pickles(channel, known.pack()))))
        seats = _seats(state, parts, True)
        rank = _rank(state, seats)
        known = Neighbourhood.unpack(parts.parts[rank])
    context = state.library.agree_context(state.channel.begin(OwnKind.CREATE))
    made = state.library.new_communicator(context, rank, seats, state)
    made.topology = known
    made.info = info.Dup() if info else None
    return KINDS[DIST_GRAPH]._make(made)
