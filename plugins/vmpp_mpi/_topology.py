"""Communicators with a topology, and how to choose the dimensions of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from operator import index
from typing import Self

from vmpp_mpi._collectives import Kind
from vmpp_mpi._comm import KINDS, Comm, Intracomm
from vmpp_mpi._errors import ERR_ARG, ERR_DIMS, ERR_RANK, ERR_TOPOLOGY
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._grid import Grid, balanced
from vmpp_mpi._numbers import whole


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


class Topocomm(Intracomm):
    """A communicator whose processes have neighbours."""

    __slots__ = ()

    def __new__(cls, comm: Comm | None = None) -> Self:
        """Make a second handle to what *comm* refers to.

        Raises:
            TypeError: it has no topology.
        """
        if comm is not None and isinstance(comm, Comm) and comm and not comm.is_topo:
            raise TypeError("expecting a topology communicator")
        return super().__new__(cls, comm)

    def _topology(self) -> Grid:
        state = self._get()
        if state.topology is None:
            raise state.error(ERR_TOPOLOGY, "the communicator has no topology")
        return state.topology

    @property
    def inedges(self) -> list[int]:
        """Ranks of the neighbours that messages come from, `PROC_NULL` for those there are not."""
        return self._topology().neighbours(self.rank)

    @property
    def outedges(self) -> list[int]:
        """Ranks of the neighbours that messages go to, `PROC_NULL` for those there are not."""
        return self._topology().neighbours(self.rank)

    @property
    def inoutedges(self) -> tuple[list[int], list[int]]:
        """Ranks of the neighbours that messages come from, and of those they go to."""
        return self.inedges, self.outedges

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
        context = state.library.agree_context(state.channel.begin(Kind.CREATE))
        whole = len(ranks) == state.size
        addresses = state.addresses if whole else [state.addresses[rank] for rank in ranks]
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


KINDS[Grid] = Cartcomm


def _expect(expected: int, got: int) -> None:
    if expected != got:
        raise ValueError(f"expecting {expected} items, got {got}")
