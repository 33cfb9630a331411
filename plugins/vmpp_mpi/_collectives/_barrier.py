"""Barriers."""

from __future__ import annotations

from vmpp_mpi._collectives._channel import NOTHING, Channel


def barrier(channel: Channel) -> None:
    """Return when all ranks have called: dissemination (Hensgen, Finkel, Manber 1988).

    In round k each rank tells the one 2**k above that it and all it has heard of are there.
    """
    rank, size = channel.rank, channel.size
    exchange = channel.exchange
    distance = 1
    while distance < size:
        exchange(
            (rank + distance) % size,
            NOTHING,
            rank - distance + (size, 0)[rank >= distance],
            NOTHING,
        )
        distance <<= 1
