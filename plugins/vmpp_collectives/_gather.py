"""Gathering the blocks of all ranks on one."""

from __future__ import annotations

from collections.abc import Sequence

from vmpp_collectives._channel import Channel
from vmpp_collectives._choice import Algorithm, Family, Rule
from vmpp_collectives._transport import Buffer
from vmpp_collectives._tree import children, parent, span


def binomial(channel: Channel, block: Buffer, out: memoryview | None, root: int) -> None:
    """Gather up a binomial tree: log2 p steps, each node passes on its subtree's blocks."""
    k_nomial(channel, block, out, root, 2)


def k_nomial(
    channel: Channel, block: Buffer, out: memoryview | None, root: int, radix: int = 4
) -> None:
    """Gather up a k-nomial tree: fewer steps than a binomial one, more messages in each.

    Args:
        channel: to the other ranks.
        block: the rank's own.
        out: on the root, where all blocks go.
        root: the rank that gathers.
        radix: k.
    """
    rank, size = channel.rank, channel.size
    place = (rank - root) % size
    length = len(block)
    step = span(place, size, radix)
    above = (parent(place, step, radix) + root) % size
    count = min(step, size - place)
    if count == 1 and place:
        channel.send(above, block)
        return
    held = out if out is not None and root == 0 else memoryview(bytearray(count * length))
    held[:length] = block
    for distance, blocks in reversed(list(children(count, step, radix))):
        channel.receive(
            (rank + distance) % size, held[distance * length : (distance + blocks) * length]
        )
    if place:
        channel.send(above, held)
    elif out is not None and root:
        turn = (size - root) * length
        out[root * length :] = held[:turn]
        out[: root * length] = held[turn:]


def linear(channel: Channel, block: Buffer, out: memoryview | None, root: int) -> None:
    """Every rank sends its block straight to the root, which receives one after the other."""
    length = len(block)
    blocks: list[memoryview] | None = None
    if out is not None:
        blocks = [out[place : place + length] for place in range(0, channel.size * length, length)]
    blocks_of_any_length(channel, block, blocks, root)


def blocks_of_any_length(
    channel: Channel, block: Buffer | None, out: Sequence[memoryview] | None, root: int
) -> None:
    """Every rank sends its block straight to the root, unless it is empty.

    Args:
        channel: to the other ranks.
        block: the rank's own; None where the root's is in place already.
        out: on the root, where the block of each rank goes.
        root: the rank that gathers.
    """
    rank = channel.rank
    if out is None:
        if block:
            channel.send(root, block)
        return
    if block is not None:
        if len(block) != len(out[rank]):
            raise channel.mismatch(rank, len(block), len(out[rank]))
        out[rank][:] = block
    for peer, piece in enumerate(out):
        if peer != rank and len(piece):
            channel.receive(peer, piece)


GATHER = Family(
    "gather",
    "a block",
    (
        Algorithm("binomial", binomial),
        Algorithm("k-nomial", k_nomial, options=("radix",)),
        Algorithm("linear", linear),
    ),
    (Rule("binomial", bytes=2048), Rule("linear")),
)
GATHERV = Family("gatherv", "", (Algorithm("linear", blocks_of_any_length),), (Rule("linear"),))


def gather(channel: Channel, block: Buffer, out: memoryview | None, root: int) -> None:
    """Gather blocks of the same length in *out* on *root*, ordered by rank."""
    if len(block):
        GATHER.choose(channel, len(block))(channel, block, out, root)


def gatherv(
    channel: Channel, block: Buffer | None, out: Sequence[memoryview] | None, root: int
) -> None:
    """Gather blocks of any length in the places of *out* on *root*."""
    GATHERV.choose(channel, 0)(channel, block, out, root)
