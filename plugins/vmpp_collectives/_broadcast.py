"""Broadcasts."""

from __future__ import annotations

from vmpp_collectives._blocks import around, doubling
from vmpp_collectives._channel import Channel
from vmpp_collectives._choice import POWER_OF_TWO, Algorithm, Family, Rule
from vmpp_collectives._tree import children, parent, span


def binomial(channel: Channel, data: memoryview, root: int) -> None:
    """Send all down a binomial tree: log2 p steps, each of the whole length."""
    k_nomial(channel, data, root, 2)


def k_nomial(channel: Channel, data: memoryview, root: int, radix: int = 4) -> None:
    """Send all down a k-nomial tree: fewer steps than a binomial one, more messages in each.

    Args:
        channel: to the other ranks.
        data: to be sent or received into.
        root: the rank that sends.
        radix: k.
    """
    rank, size = channel.rank, channel.size
    place = (rank - root) % size
    step = span(place, size, radix)
    if place:
        channel.receive((parent(place, step, radix) + root) % size, data)
    for distance, _ in children(min(step, size - place), step, radix):
        channel.send((rank + distance) % size, data)


def linear(channel: Channel, data: memoryview, root: int) -> None:
    """The root sends to one rank after the other."""
    rank, size = channel.rank, channel.size
    if rank != root:
        channel.receive(root, data)
        return
    for distance in range(1, size):
        channel.send((rank + distance) % size, data)


def chain(channel: Channel, data: memoryview, root: int, segment: int = 0) -> None:
    """Pass segments from rank to rank: a pipeline, as fast as one link for long messages.

    Args:
        channel: to the other ranks.
        data: to be sent or received into.
        root: the rank that sends.
        segment: bytes of a segment; by default what goes without waiting for the receiver.
    """
    rank, size = channel.rank, channel.size
    place = (rank - root) % size
    _pipeline(
        channel,
        data,
        (rank - 1) % size if place else None,
        [(rank + 1) % size] if place + 1 < size else [],
        segment,
    )


def binary(channel: Channel, data: memoryview, root: int, segment: int = 0) -> None:
    """Pass segments down a binary tree: a pipeline of log2 p stages, half as fast as a link.

    Arguments are those of `chain`.
    """
    rank, size = channel.rank, channel.size
    place = (rank - root) % size
    below = [(child + root) % size for child in (2 * place + 1, 2 * place + 2) if child < size]
    above = ((place - 1) // 2 + root) % size if place else None
    _pipeline(channel, data, above, below, segment)


def _pipeline(
    channel: Channel, data: memoryview, above: int | None, below: list[int], segment: int
) -> None:
    """Receive segment after segment from *above*, and send each on to those *below*."""
    step = segment or channel.segment()
    for low in range(0, len(data), step) or (0,):
        piece = data[low : low + step]
        if above is not None:
            channel.receive(above, piece)
        for peer in below:
            channel.send(peer, piece)


def scatter_ring(channel: Channel, data: memoryview, root: int) -> None:
    """Scatter parts down a binomial tree, then collect them round a ring (van de Geijn 1994).

    Moves twice the length through each rank instead of log p times.
    """
    if data.readonly:
        data = memoryview(bytearray(data))  # the root collects its parts like the others
    parts = _scatter_parts(channel, data, root)
    around(channel, data, parts, (channel.rank - root) % channel.size)


def scatter_doubling(channel: Channel, data: memoryview, root: int) -> None:
    """Scatter parts down a binomial tree, then collect them by recursive doubling (1994)."""
    if data.readonly:
        data = memoryview(bytearray(data))
    parts = _scatter_parts(channel, data, root)
    doubling(channel, data, parts, (channel.rank - root) % channel.size, root)


def _scatter_parts(channel: Channel, data: memoryview, root: int) -> _Parts:
    """Leave with each rank the part that its place counts, and return the bounds of the parts."""
    size = channel.size
    place = (channel.rank - root) % size
    length = len(data)
    part = -(-length // size)
    bit = 1
    while bit < size:
        if place & bit:
            piece = data[place * part : min((place + bit) * part, length)]
            if len(piece):
                channel.receive((place - bit + root) % size, piece)
            break
        bit <<= 1
    bit >>= 1
    while bit:
        child = place + bit
        piece = data[child * part : min((child + bit) * part, length)]
        if child < size and len(piece):
            channel.send((child + root) % size, piece)
        bit >>= 1
    return _Parts(part, length)


class _Parts:
    """Bounds of equal parts of a message, the last ones shorter or empty."""

    __slots__ = ("_length", "_part")

    def __init__(self, part: int, length: int) -> None:
        self._part = part
        self._length = length

    def __getitem__(self, index: int) -> int:
        return min(index * self._part, self._length)


BCAST = Family(
    "bcast",
    "the message",
    (
        Algorithm("binomial", binomial),
        Algorithm("k-nomial", k_nomial, options=("radix",)),
        Algorithm("linear", linear),
        Algorithm("chain", chain, options=("segment",)),
        Algorithm("binary", binary, options=("segment",)),
        Algorithm("scatter-doubling", scatter_doubling, (POWER_OF_TWO,)),
        Algorithm("scatter-ring", scatter_ring),
    ),
    # Thakur, Rabenseifner, Gropp: Optimization of Collective Communication Operations in MPICH
    # (2005); so for all operations.
    (
        Rule("binomial", bytes=12288),
        Rule("binomial", ranks=7),
        Rule("scatter-doubling", bytes=524288),
        Rule("scatter-ring"),
    ),
)


def broadcast(channel: Channel, data: memoryview, root: int) -> None:
    """Give all ranks the *data* of *root*."""
    if channel.size > 1:
        BCAST.choose(channel, len(data))(channel, data, root)
