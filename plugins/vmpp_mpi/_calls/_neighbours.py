"""Collective calls between neighbours, in all forms and both spellings.

A rank sends to its destinations and receives from its sources, in the order of `Topocomm.outedges`
and `Topocomm.inedges`. Where two ranks are neighbours several times, their messages keep that
order; in a grid, what is sent down a direction arrives from above.
"""

from __future__ import annotations

from typing import Any

from vmpp_mpi._calls._collective_requests import begin, prepare
from vmpp_mpi._calls._point_to_point import PointToPoint
from vmpp_mpi._info import INFO_NULL, Info
from vmpp_mpi._plans import neighbours, now
from vmpp_mpi._requests._request import Prequest, Request


class NeighbourCalls(PointToPoint):
    """A handle to a communicator with a topology, with the collective calls between neighbours."""

    __slots__ = ()

    # -- blocking ----------------------------------------------------------------------------------

    def Neighbor_allgather(self, sendbuf: Any, recvbuf: Any) -> None:
        """Send a buffer to all destinations, and receive equal blocks from all sources."""
        state = self._get()
        now(state, neighbours.allgather(state, sendbuf, recvbuf))

    def Neighbor_allgatherv(self, sendbuf: Any, recvbuf: Any) -> None:
        """Send a buffer to all destinations, and receive blocks of any length from all sources."""
        state = self._get()
        now(state, neighbours.allgatherv(state, sendbuf, recvbuf))

    def Neighbor_alltoall(self, sendbuf: Any, recvbuf: Any) -> None:
        """Send an equal block to each destination, and receive one from each source."""
        state = self._get()
        now(state, neighbours.alltoall(state, sendbuf, recvbuf))

    def Neighbor_alltoallv(self, sendbuf: Any, recvbuf: Any) -> None:
        """Send a block of any length to each destination, and receive one from each source."""
        state = self._get()
        now(state, neighbours.alltoallv(state, sendbuf, recvbuf))

    def Neighbor_alltoallw(self, sendbuf: Any, recvbuf: Any) -> None:
        """Exchange blocks of any length and datatype with the neighbours."""
        state = self._get()
        now(state, neighbours.alltoallw(state, sendbuf, recvbuf))

    def neighbor_allgather(self, sendobj: Any) -> list[Any]:
        """Send an object to all destinations; return those of the sources, None where is none."""
        state = self._get()
        found: list[Any] = now(state, neighbours.allgather_objects(state, sendobj))
        return found

    def neighbor_alltoall(self, sendobj: list[Any]) -> list[Any]:
        """Send an object to each destination; return those of the sources, None where is none."""
        state = self._get()
        found: list[Any] = now(state, neighbours.alltoall_objects(state, sendobj))
        return found

    # -- non-blocking ------------------------------------------------------------------------------

    def Ineighbor_allgather(self, sendbuf: Any, recvbuf: Any) -> Request:
        """Begin `Neighbor_allgather`."""
        state = self._get()
        return begin(state, neighbours.allgather(state, sendbuf, recvbuf))

    def Ineighbor_allgatherv(self, sendbuf: Any, recvbuf: Any) -> Request:
        """Begin `Neighbor_allgatherv`."""
        state = self._get()
        return begin(state, neighbours.allgatherv(state, sendbuf, recvbuf))

    def Ineighbor_alltoall(self, sendbuf: Any, recvbuf: Any) -> Request:
        """Begin `Neighbor_alltoall`."""
        state = self._get()
        return begin(state, neighbours.alltoall(state, sendbuf, recvbuf))

    def Ineighbor_alltoallv(self, sendbuf: Any, recvbuf: Any) -> Request:
        """Begin `Neighbor_alltoallv`."""
        state = self._get()
        return begin(state, neighbours.alltoallv(state, sendbuf, recvbuf))

    def Ineighbor_alltoallw(self, sendbuf: Any, recvbuf: Any) -> Request:
        """Begin `Neighbor_alltoallw`."""
        state = self._get()
        return begin(state, neighbours.alltoallw(state, sendbuf, recvbuf))

    # -- persistent --------------------------------------------------------------------------------

    def Neighbor_allgather_init(
        self, sendbuf: Any, recvbuf: Any, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request for `Neighbor_allgather`, again and again."""
        state = self._get()
        return prepare(state, neighbours.allgather(state, sendbuf, recvbuf), info)

    def Neighbor_allgatherv_init(
        self, sendbuf: Any, recvbuf: Any, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request for `Neighbor_allgatherv`, again and again."""
        state = self._get()
        return prepare(state, neighbours.allgatherv(state, sendbuf, recvbuf), info)

    def Neighbor_alltoall_init(
        self, sendbuf: Any, recvbuf: Any, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request for `Neighbor_alltoall`, again and again."""
        state = self._get()
        return prepare(state, neighbours.alltoall(state, sendbuf, recvbuf), info)

    def Neighbor_alltoallv_init(
        self, sendbuf: Any, recvbuf: Any, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request for `Neighbor_alltoallv`, again and again."""
        state = self._get()
        return prepare(state, neighbours.alltoallv(state, sendbuf, recvbuf), info)

    def Neighbor_alltoallw_init(
        self, sendbuf: Any, recvbuf: Any, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request for `Neighbor_alltoallw`, again and again."""
        state = self._get()
        return prepare(state, neighbours.alltoallw(state, sendbuf, recvbuf), info)
