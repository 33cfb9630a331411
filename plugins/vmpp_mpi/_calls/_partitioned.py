"""Calls of communicators that make partitioned messages."""

from __future__ import annotations

from typing import Any

from vmpp_mpi._calls._point_to_point import PointToPoint
from vmpp_mpi._constants import ANY_SOURCE, ANY_TAG
from vmpp_mpi._errors import ERR_ARG, ERR_RANK, ERR_TAG
from vmpp_mpi._info import INFO_NULL, Info
from vmpp_mpi._numbers import whole
from vmpp_mpi._requests._partitioned import PartitionedReceive, PartitionedSend
from vmpp_mpi._requests._request import Prequest
from vmpp_mpi._state import CommState


class PartitionedCalls(PointToPoint):
    """A handle to a communicator, with the calls for messages that go piece by piece."""

    __slots__ = ()

    def Psend_init(
        self, buf: Any, partitions: int, dest: int, tag: int = 0, info: Info = INFO_NULL
    ) -> Prequest:
        """Return a request that sends a buffer, each time it is started, piece by piece.

        Args:
            buf: the buffer; a count in it is that of one partition.
            partitions: how many pieces it has. Each leaves after a call of `Prequest.Pready`.
            dest: the receiver's rank, which has to call `Precv_init` with the same tag. Both calls
                match in the order in which they are made.
            tag: the message's tag.
            info: hints, of which none is heeded.

        Raises:
            MPIError: `ERR_ARG`: *partitions* is not positive; `ERR_RANK`, `ERR_TAG` or `ERR_COMM`.
            TypeError, ValueError, KeyError, BufferError: no message can be made of *buf*.
        """
        del info
        state = self._get()
        dest, tag, partitions = _checked(state, dest, tag, partitions)
        return Prequest._wrap(PartitionedSend(state, dest, tag, partitions, buf))

    def Precv_init(
        self,
        buf: Any,
        partitions: int,
        source: int = ANY_SOURCE,
        tag: int = ANY_TAG,
        info: Info = INFO_NULL,
    ) -> Prequest:
        """Return a request that receives a buffer, each time it is started, piece by piece.

        Args:
            buf: the buffer; a count in it is that of one partition.
            partitions: how many pieces `Prequest.Parrived` can be asked about; the sender may have
                another number.
            source: the sender's rank; the wild card, though the default, is refused.
            tag: the message's tag; likewise.
            info: hints, of which none is heeded.

        Raises:
            MPIError, TypeError, ValueError, KeyError, BufferError: as `Psend_init`. Waiting for it
                raises `ERR_TRUNCATE` if the sender's buffer is longer.
        """
        del info
        state = self._get()
        source, tag, partitions = _checked(state, source, tag, partitions)
        return Prequest._wrap(PartitionedReceive(state, source, tag, partitions, buf))


def _checked(state: CommState, peer: Any, tag: Any, partitions: Any) -> tuple[int, int, int]:
    peer, tag, partitions = whole(peer), whole(tag), whole(partitions)
    if peer == ANY_SOURCE:
        raise state.error(ERR_RANK, "a partitioned message has no wild cards")
    if tag == ANY_TAG:
        raise state.error(ERR_TAG, "a partitioned message has no wild cards")
    if partitions < 1:
        raise state.error(ERR_ARG, f"{partitions} partitions")
    state.target(peer, tag)
    return peer, tag, partitions
