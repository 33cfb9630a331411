"""Communicators with a topology, and how to choose the dimensions of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from operator import index
from typing import ClassVar, Self, TypeVar

from vmpp_mpi._calls._neighbours import NeighbourCalls
from vmpp_mpi._collectives import OwnKind
from vmpp_mpi._communicators._comm import Comm, Intracomm
from vmpp_mpi._communicators._kinds import KINDS
from vmpp_mpi._constants import CART, DIST_GRAPH, GRAPH, UNDEFINED
from vmpp_mpi._errors import ERR_ARG, ERR_DIMS, ERR_RANK, ERR_TOPOLOGY
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._numbers import whole
from vmpp_mpi._state import CommState
from vmpp_mpi._topologies._graph import Graph, Neighbourhood
from vmpp_mpi._topologies._grid import Grid, balanced

T = TypeVar("T")


def Compute_dims(nnodes: int, dims: int | Sequence[int]) -> list[int]:
    """Return dimensions of a grid of *nnodes* processes, as equal as can be, in falling order.

    Args:
        nnodes: number of processes.
        dims: number of dimensions, or the dimensions where those that are 0 are to be chosen.

    Raises:
        MPIError: `ERR_DIMS`: a dimension is negative, or those given do not divide *nnodes*;
            `ERR_ARG`: *nnodes* is not positive.
    """
    nnodes = index(nnodes)
    given = [0] * index(dims) if hasattr(dims, "__index__") else [index(dim) for dim in dims]
    if nnodes < 1:
        raise MPIError(ERR_ARG, f"a grid of {nnodes} processes")
    fixed = prod(dim for dim in given if dim)
    free = given.count(0)
    if any(dim < 0 for dim in given) or nnodes % fixed or (not free and fixed != nnodes):
        raise MPIError(ERR_DIMS, f"{nnodes} processes on a grid of {given}")
    chosen = iter(balanced(nnodes // fixed, free))
    return [dim or next(chosen) for dim in given]


class Topocomm(NeighbourCalls, Intracomm):
    """A communicator whose processes have neighbours."""

    __slots__ = ()

    _kind: ClassVar[int | None] = None
    """The kind of topology that a communicator of this class has; None for any."""

    def __new__(cls, comm: Comm | None = None) -> Self:
        """Make a second handle to what *comm* refers to.

        Raises:
            TypeError: it has no topology, or one of another kind.
        """
        if isinstance(comm, Comm) and comm:
            kind = comm.Get_topology()
            if kind == UNDEFINED or cls._kind not in (None, kind):
                raise TypeError(f"expecting a communicator of the class {cls.__name__}")
        return super().__new__(cls, comm)

    def _neighbours(self) -> tuple[list[int], list[int]]:
        state = self._get()
        if state.topology is None:
            raise state.error(ERR_TOPOLOGY, "the communicator has no topology")
        return state.topology.around(state.rank)

    @property
    def inedges(self) -> list[int]:
        """Ranks of the neighbours that messages come from, `PROC_NULL` for those there are not."""
        return self._neighbours()[0]

    @property
    def outedges(self) -> list[int]:
        """Ranks of the neighbours that messages go to, `PROC_NULL` for those there are not."""
        return self._neighbours()[1]

    @property
    def inoutedges(self) -> tuple[list[int], list[int]]:
        """Ranks of the neighbours that messages come from, and of those they go to."""
        return self._neighbours()

    @property
    def degrees(self) -> tuple[int, int]:
        """Number of neighbours that messages come from, and of those they go to."""
        return self.indegree, self.outdegree

    @property
    def indegree(self) -> int:
        """Number of neighbours that messages come from."""
        return len(self.inedges)

    @property
    def outdegree(self) -> int:
        """Number of neighbours that messages go to."""
        return len(self.outedges)


class Cartcomm(Topocomm):
    """A communicator whose processes form a grid."""

    __slots__ = ()

    _kind = CART

    def _topology(self) -> Grid:
        return _topology(self._get(), Grid)

    def Get_dim(self) -> int:
        """Return the number of dimensions."""
        return len(self._topology().dims)

    def Get_topo(self) -> tuple[list[int], list[int], list[int]]:
        """Return the dimensions, whether they are closed, and the process's own coordinates."""
        return self.dims, self.periods, self.coords

    def Get_cart_rank(self, coords: Sequence[int]) -> int:
        """Return the rank at *coords*, which may lie outside in a closed direction.

        Raises:
            MPIError: `ERR_ARG`: they lie outside of the grid.
            ValueError: there is not one for each dimension.
        """
        grid = self._topology()
        where = [index(coord) for coord in coords]
        _expect(len(grid.dims), len(where))
        rank = grid.rank(where)
        if rank is None:
            raise self._get().error(ERR_ARG, f"{where} lies outside of the grid {grid.dims}")
        return rank

    def Get_coords(self, rank: int) -> list[int]:
        """Return the coordinates of *rank*.

        Raises:
            MPIError: `ERR_RANK`: there is no such rank.
        """
        grid = self._topology()
        rank = whole(rank)
        if not 0 <= rank < grid.size:
            raise self._get().error(ERR_RANK, f"{rank} in a communicator of {grid.size}")
        return grid.coords(rank)

    def Shift(self, direction: int, disp: int) -> tuple[int, int]:
        """Return from which rank a shift along a direction receives, and to which it sends.

        Raises:
            MPIError: `ERR_ARG`: there is no such direction.
        """
        grid = self._topology()
        direction, disp = whole(direction), whole(disp)
        if not 0 <= direction < len(grid.dims):
            raise self._get().error(ERR_ARG, f"direction {direction} of {len(grid.dims)}")
        return grid.shift(self.rank, direction, disp)

    def Sub(self, remain_dims: Sequence[bool]) -> Cartcomm:
        """Return the communicator of the part of the grid that the process is in.

        Args:
            remain_dims: for each dimension whether the part extends along it.

        Raises:
            ValueError: there is not one for each dimension.
        """
        state = self._get()
        remain = [bool(stays) for stays in remain_dims]
        grid = self._topology()
        _expect(len(grid.dims), len(remain))
        part, ranks = grid.slice(state.rank, remain)
        context = state.library.agree_context(state.channel.begin(OwnKind.CREATE))
        everybody = len(ranks) == state.size
        addresses = state.addresses if everybody else [state.addresses[rank] for rank in ranks]
        made = state.library.new_communicator(context, ranks.index(state.rank), addresses, state)
        made.topology = part
        return Cartcomm._make(made)

    @property
    def dim(self) -> int:
        """Number of dimensions."""
        return self.Get_dim()

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self.Get_dim()

    @property
    def topo(self) -> tuple[list[int], list[int], list[int]]:
        """Dimensions, whether they are closed, and the process's own coordinates."""
        return self.Get_topo()

    @property
    def dims(self) -> list[int]:
        """Number of processes in each direction."""
        return list(self._topology().dims)

    @property
    def periods(self) -> list[int]:
        """Whether each direction is closed, as 0 or 1."""
        return [int(period) for period in self._topology().periods]

    @property
    def coords(self) -> list[int]:
        """Coordinates of the process."""
        return self._topology().coords(self.rank)


class Graphcomm(Topocomm):
    """A communicator whose processes are a graph that all of them know."""

    __slots__ = ()

    _kind = GRAPH

    def _topology(self) -> Graph:
        return _topology(self._get(), Graph)

    def Get_dims(self) -> tuple[int, int]:
        """Return the number of processes, and of edges."""
        graph = self._topology()
        return graph.size, len(graph.edges)

    def Get_topo(self) -> tuple[list[int], list[int]]:
        """Return how many edges each process and those before it have, and the neighbours."""
        graph = self._topology()
        return list(graph.index), list(graph.edges)

    def Get_neighbors_count(self, rank: int) -> int:
        """Return the number of neighbours of *rank*; raises as `Get_neighbors`."""
        return len(self.Get_neighbors(rank))

    def Get_neighbors(self, rank: int) -> list[int]:
        """Return the neighbours of *rank*.

        Raises:
            MPIError: `ERR_RANK`: there is no such rank.
        """
        graph = self._topology()
        rank = whole(rank)
        if not 0 <= rank < graph.size:
            raise self._get().error(ERR_RANK, f"{rank} in a communicator of {graph.size}")
        return graph.neighbours(rank)

    @property
    def dims(self) -> tuple[int, int]:
        """Number of processes, and of edges."""
        return self.Get_dims()

    @property
    def nnodes(self) -> int:
        """Number of processes."""
        return self.Get_dims()[0]

    @property
    def nedges(self) -> int:
        """Number of edges."""
        return self.Get_dims()[1]

    @property
    def topo(self) -> tuple[list[int], list[int]]:
        """How many edges each process and those before it have, and the neighbours."""
        return self.Get_topo()

    @property
    def index(self) -> list[int]:
        """How many edges each process and those before it have."""
        return self.Get_topo()[0]

    @property
    def edges(self) -> list[int]:
        """The neighbours of all processes, one after the other."""
        return self.Get_topo()[1]

    @property
    def nneighbors(self) -> int:
        """Number of neighbours of the process."""
        return self.Get_neighbors_count(self.rank)

    @property
    def neighbors(self) -> list[int]:
        """Neighbours of the process."""
        return self.Get_neighbors(self.rank)


class Distgraphcomm(Topocomm):
    """A communicator whose processes are a graph of which each knows its own neighbours."""

    __slots__ = ()

    _kind = DIST_GRAPH

    def _topology(self) -> Neighbourhood:
        return _topology(self._get(), Neighbourhood)

    def Get_dist_neighbors_count(self) -> tuple[int, int, bool]:
        """Return the number of neighbours on both sides, and whether there are weights."""
        known = self._topology()
        return len(known.sources), len(known.destinations), known.weights is not None

    def Get_dist_neighbors(
        self,
    ) -> tuple[list[int], list[int], tuple[list[int], list[int]] | None]:
        """Return where messages come from, where they go to, and the weights of both, if any."""
        known = self._topology()
        weights = known.weights
        return (
            list(known.sources),
            list(known.destinations),
            None if weights is None else (list(weights[0]), list(weights[1])),
        )


KINDS.update({CART: Cartcomm, GRAPH: Graphcomm, DIST_GRAPH: Distgraphcomm})


def _topology(state: CommState, kind: type[T]) -> T:
    """Return the topology of a communicator.

    Raises:
        MPIError: `ERR_TOPOLOGY`: it is of another kind, or there is none.
    """
    if not isinstance(state.topology, kind):
        raise state.error(ERR_TOPOLOGY, "the communicator has no such topology")
    return state.topology


def _expect(expected: int, got: int) -> None:
    if expected != got:
        raise ValueError(f"expecting {expected} items, got {got}")
