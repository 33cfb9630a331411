"""Scattering blocks from one rank to all."""

from __future__ import annotations

from collections.abc import Sequence

from vmpp_collectives._channel import Channel
from vmpp_collectives._choice import Algorithm, Family, Rule
from vmpp_collectives._tree import children, parent, span


def binomial(channel: Channel, data: memoryview | None, block: memoryview, root: int) -> None:
    """Scatter down a binomial tree: log2 p steps, halving what is passed on."""
    k_nomial(channel, data, block, root, 2)


def k_nomial(
    channel: Channel, data: memoryview | None, block: memoryview, root: int, radix: int = 4
) -> None:
    """Scatter down a k-nomial tree: fewer steps than a binomial one, more messages in each.

    Args:
        channel: to the other ranks.
        data: on the root, all blocks.
        block: where the rank's own goes.
        root: the rank that scatters.
        radix: k.
    """
    rank, size = channel.rank, channel.size
    place = (rank - root) % size
    length = len(block)
    step = span(place, size, radix)
    above = (parent(place, step, radix) + root) % size
    count = min(step, size - place)
    if count == 1 and place:
        channel.receive(above, block)
        return
    if data is None:
        held = memoryview(bytearray(count * length))
        channel.receive(above, held)
    elif root:
        # By place: the root's own block first, then round the end.
        held = memoryview(bytearray(data[root * length :]) + data[: root * length])
    else:
        held = data
    block[:] = held[:length]
    for distance, blocks in children(count, step, radix):
        channel.send(
            (rank + distance) % size, held[distance * length : (distance + blocks) * length]
        )


def linear(channel: Channel, data: memoryview | None, block: memoryview, root: int) -> None:
    """The root sends each rank its block straight, one after the other."""
    length = len(block)
    blocks: list[memoryview] | None = None
    if data is not None:
        blocks = [data[place : place + length] for place in range(0, channel.size * length, length)]
    blocks_of_any_length(channel, blocks, block, root)


def blocks_of_any_length(
    channel: Channel, data: Sequence[memoryview] | None, block: memoryview | None, root: int
) -> None:
    """The root sends each rank its block straight, unless it is empty.

    Args:
        channel: to the other ranks.
        data: on the root, the block for each rank.
        block: where the rank's own goes; None where the root's stays in place.
        root: the rank that scatters.
    """
    rank = channel.rank
    if data is None:
        if block:
            channel.receive(root, block)
        return
    for peer, piece in enumerate(data):
        if peer != rank and len(piece):
            channel.send(peer, piece)
    if block is not None:
        if len(block) != len(data[rank]):
            raise channel.mismatch(rank, len(data[rank]), len(block))
        block[:] = data[rank]


SCATTER = Family(
    "scatter",
    "a block",
    (
        Algorithm("binomial", binomial),
        Algorithm("k-nomial", k_nomial, options=("radix",)),
        Algorithm("linear", linear),
    ),
    (Rule("binomial", bytes=2048), Rule("linear")),
)
SCATTERV = Family("scatterv", "", (Algorithm("linear", blocks_of_any_length),), (Rule("linear"),))


def scatter(channel: Channel, data: memoryview | None, block: memoryview, root: int) -> None:
    """Give each rank its block of *data* on *root*, all of the same length."""
    if len(block):
        SCATTER.choose(channel, len(block))(channel, data, block, root)


def scatterv(
    channel: Channel, data: Sequence[memoryview] | None, block: memoryview | None, root: int
) -> None:
    """Give each rank its block of *data* on *root*, of any length."""
    SCATTERV.choose(channel, 0)(channel, data, block, root)
