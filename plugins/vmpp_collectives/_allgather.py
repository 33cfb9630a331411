"""Collecting the blocks of all ranks on all ranks.

The blocks lie one after the other; block i is from ``bounds[i]`` to ``bounds[i + 1]``, in bytes.
"""

from __future__ import annotations

from vmpp_collectives._blocks import Bounds, around, doubling
from vmpp_collectives._broadcast import broadcast
from vmpp_collectives._channel import Channel
from vmpp_collectives._choice import EVEN, POWER_OF_TWO, Algorithm, Family, Rule
from vmpp_collectives._gather import gatherv


def ring(channel: Channel, data: memoryview, bounds: Bounds) -> None:
    """Pass blocks round a ring: p - 1 steps, each block crosses each link once."""
    around(channel, data, bounds, channel.rank)


def recursive_doubling(channel: Channel, data: memoryview, bounds: Bounds) -> None:
    """Exchange ever larger runs of blocks with ranks ever further away: log2 p steps."""
    doubling(channel, data, bounds, channel.rank, 0)


def bruck(channel: Channel, data: memoryview, bounds: Bounds) -> None:
    """Collect in ceil(log2 p) steps for any p, then turn blocks into place (Bruck et al. 1997)."""
    rank, size = channel.rank, channel.size
    total = len(data)
    first = bounds[rank]
    own = bounds[rank + 1] - first
    # Blocks rank, rank + 1, ... in this order, round the end; turned[k] bytes are the first k.
    held = memoryview(bytearray(total))
    held[:own] = data[first : first + own]

    def turned(blocks: int) -> int:
        end = rank + blocks
        if end <= size:
            return bounds[end] - first
        return total - first + bounds[end - size]

    distance = 1
    while distance < size:
        blocks = min(distance, size - distance)
        channel.exchange(
            (rank - distance) % size,
            held[: turned(blocks)],
            (rank + distance) % size,
            held[turned(distance) : turned(distance + blocks)],
        )
        distance <<= 1
    data[first:] = held[: total - first]
    data[:first] = held[total - first :]


def neighbour_exchange(channel: Channel, data: memoryview, bounds: Bounds) -> None:
    """Exchange two blocks with either neighbour by turns: p / 2 steps (Chen, Yuan et al. 2005).

    Neighbours 2q and 2q + 1 have pair q of blocks. From then on a rank passes on to one neighbour
    the pair that it has got from the other.
    """
    rank, size = channel.rank, channel.size
    pairs, pair = size // 2, rank // 2
    partner, outer = rank ^ 1, (rank + (1 if rank & 1 else -1)) % size
    channel.exchange(
        partner,
        data[bounds[rank] : bounds[rank + 1]],
        partner,
        data[bounds[partner] : bounds[partner + 1]],
    )
    # Pairs come in turn from the side of the outer neighbour and from that of the partner.
    side = 1 if rank & 1 else -1
    give = pair
    for step in range(1, pairs):
        peer, away = (outer, side) if step & 1 else (partner, -side)
        take = (pair + away * ((step + 1) // 2)) % pairs
        channel.exchange(
            peer,
            data[bounds[2 * give] : bounds[2 * give + 2]],
            peer,
            data[bounds[2 * take] : bounds[2 * take + 2]],
        )
        give = take


def gather_broadcast(channel: Channel, data: memoryview, bounds: Bounds) -> None:
    """Gather all blocks on rank 0, straight, and broadcast them from there."""
    rank, size = channel.rank, channel.size
    blocks: list[memoryview] | None = None
    if rank == 0:
        blocks = [data[bounds[peer] : bounds[peer + 1]] for peer in range(size)]
    own = None if rank == 0 else data[bounds[rank] : bounds[rank + 1]]
    gatherv(channel, own, blocks, 0)
    broadcast(channel, data, 0)


_ALGORITHMS = (
    Algorithm("recursive-doubling", recursive_doubling, (POWER_OF_TWO,)),
    Algorithm("bruck", bruck),
    Algorithm("ring", ring),
    Algorithm("neighbour-exchange", neighbour_exchange, (EVEN,)),
    Algorithm("gather-bcast", gather_broadcast),
)
_RULES = (
    Rule("recursive-doubling", bytes=524288),
    Rule("bruck", bytes=81920),
    Rule("ring"),
)
ALLGATHER = Family("allgather", "all blocks", _ALGORITHMS, _RULES)
ALLGATHERV = Family("allgatherv", "all blocks", _ALGORITHMS, _RULES)


def allgather(channel: Channel, data: memoryview, bounds: Bounds) -> None:
    """Collect the blocks of all ranks in *data*, which holds the rank's own already."""
    if channel.size > 1 and len(data):
        ALLGATHER.choose(channel, len(data))(channel, data, bounds)


def allgatherv(channel: Channel, data: memoryview, bounds: Bounds) -> None:
    """Collect blocks of any length, as `allgather` does."""
    if channel.size > 1 and len(data):
        ALLGATHERV.choose(channel, len(data))(channel, data, bounds)
