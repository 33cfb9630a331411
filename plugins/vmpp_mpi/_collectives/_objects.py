"""Collective operations on pickled objects, whose lengths no other rank knows beforehand.

Short pickles go through trees, packed together. A pickle too long for that goes straight between
its rank and the root, and the tree carries a mark in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from struct import Struct
from typing import Any, Final

from vmpp_collectives import (
    FAMILIES,
    NOTHING,
    Buffer,
    Channel,
    allgather,
    alltoall,
    alltoallv,
    broadcast,
)

Operator = Callable[[Any, Any], Any]

_WHOLE: Final = 12288
"""Longest pickle that is broadcast at once; of a longer one the length goes first."""
_PACKED: Final = 2048
"""Longest pickle that goes through a tree; a longer one goes straight."""
_LENGTH: Final = Struct("<q")
_STRAIGHT: Final = _LENGTH.pack(-1)
_BINOMIAL: Final = FAMILIES["bcast"].algorithms["binomial"].run
"""Lengths go by the same tree as heads, whatever is chosen for broadcasts."""


def broadcast_pickle(channel: Channel, data: Buffer, root: int) -> Buffer:
    """Return the *data* of *root*. An empty message announces a long one, whose length follows."""
    size = channel.size
    if size == 1:
        return data
    place = (channel.rank - root) % size
    bit = 1
    head: Buffer = data if len(data) <= _WHOLE else NOTHING
    while bit < size:
        if place & bit:
            head = channel.receive_any((place - bit + root) % size)
            break
        bit <<= 1
    bit >>= 1
    while bit:
        if place + bit < size:
            channel.send((place + bit + root) % size, head)
        bit >>= 1
    if len(head):
        return head
    length = bytearray(_LENGTH.pack(len(data)))
    _BINOMIAL(channel, memoryview(length), root)
    body = memoryview(data if place == 0 else bytearray(_LENGTH.unpack(length)[0]))
    broadcast(channel, body, root)
    return body


def gather_pickles(channel: Channel, data: Buffer, root: int) -> list[Buffer] | None:
    """Return the *data* of all ranks on *root*, None elsewhere."""
    rank, size = channel.rank, channel.size
    place = (rank - root) % size
    short = len(data) <= _PACKED or place == 0
    packed: list[Buffer] = [_LENGTH.pack(len(data)), data] if short else [_STRAIGHT]
    bit = 1
    while bit < size and not place & bit:
        if place + bit < size:
            packed.append(channel.receive_any((rank + bit) % size))
        bit <<= 1
    if place:
        channel.send((rank - bit) % size, b"".join(packed))
        if not short:
            channel.send(root, data)
        return None
    pieces = _split(b"".join(packed))
    found: list[Buffer] = [NOTHING] * size
    for index, piece in enumerate(pieces):
        peer = (index + root) % size
        found[peer] = channel.receive_any(peer) if piece is None else piece
    return found


def scatter_pickles(channel: Channel, pickles: Sequence[Buffer] | None, root: int) -> Buffer:
    """Return the rank's own of the *pickles* on *root*."""
    rank, size = channel.rank, channel.size
    place = (rank - root) % size
    frames: list[bytes]
    straight: list[int] = []
    if pickles is None:
        lowest = place & -place
        frames = _frames(channel.receive_any((rank - lowest) % size))
    else:
        order = [(index + root) % size for index in range(size)]
        straight = [peer for peer in order if peer != rank and len(pickles[peer]) > _PACKED]
        long = set(straight)
        frames = [
            _STRAIGHT if peer in long else _LENGTH.pack(len(pickles[peer])) + bytes(pickles[peer])
            for peer in order
        ]
    bit = 1 << (len(frames) - 1).bit_length() >> 1
    while bit:
        channel.send((rank + bit) % size, b"".join(frames[bit : 2 * bit]))
        bit >>= 1
    if pickles is not None:
        for peer in straight:
            channel.send(peer, pickles[peer])
        return pickles[rank]
    own = frames[0]
    return channel.receive_any(root) if own == _STRAIGHT else own[_LENGTH.size :]


def allgather_pickles(channel: Channel, data: Buffer) -> list[Buffer]:
    """Return the *data* of all ranks: first the lengths, then the bytes."""
    rank, size = channel.rank, channel.size
    lengths = memoryview(bytearray(8 * size))
    _LENGTH.pack_into(lengths, 8 * rank, len(data))
    allgather(channel, lengths, range(0, 8 * size + 8, 8))
    bounds = list(accumulate(lengths.cast("q"), initial=0))
    body = memoryview(bytearray(bounds[-1]))
    body[bounds[rank] : bounds[rank + 1]] = data
    allgather(channel, body, bounds)
    return [body[bounds[peer] : bounds[peer + 1]] for peer in range(size)]


def alltoall_pickles(channel: Channel, pickles: Sequence[Buffer]) -> list[memoryview]:
    """Send ``pickles[i]`` to rank i and return what all ranks sent: first lengths, then bytes."""
    size = channel.size
    lengths = memoryview(bytearray().join(_LENGTH.pack(len(data)) for data in pickles))
    coming = memoryview(bytearray(8 * size))
    alltoall(channel, lengths, coming, 8)
    taken = [memoryview(bytearray(length)) for length in coming.cast("q")]
    alltoallv(channel, [memoryview(data) for data in pickles], taken)
    return taken


def reduce_objects(
    channel: Channel,
    mine: Any,
    operator: Operator,
    root: int,
    dumps: Callable[[Any], Buffer],
    loads: Callable[[Buffer], Any],
) -> Any:
    """Return *mine* of all ranks combined, in the order of ranks, on *root*; None elsewhere.

    Up a binomial tree from rank 0, whose nodes cover neighbouring ranks.
    """
    rank, size = channel.rank, channel.size
    bit = 1
    while bit < size and not rank & bit:
        if rank + bit < size:
            mine = operator(mine, loads(channel.receive_any(rank + bit)))
        bit <<= 1
    if rank:
        channel.send(rank - bit, dumps(mine))
        return loads(channel.receive_any(0)) if rank == root else None
    if root:
        channel.send(root, dumps(mine))
        return None
    return mine


def scan_objects(
    channel: Channel,
    mine: Any,
    operator: Operator,
    dumps: Callable[[Any], Buffer],
    loads: Callable[[Buffer], Any],
    *,
    inclusive: bool,
) -> Any:
    """Return *mine* of the ranks below combined in their order, with or without the own.

    By recursive doubling: *run* covers the ranks that differ from the own in the bits done. None on
    rank 0 when the own is left out.
    """
    rank, size = channel.rank, channel.size
    started = inclusive
    result = loads(dumps(mine)) if inclusive else None
    run = loads(dumps(mine))
    bit = 1
    while bit < size:
        peer = rank ^ bit
        if peer < size:
            data = channel.exchange_any(peer, dumps(run), peer)
            if peer < rank:
                # Loaded once for each use: an operator may work in place.
                result = operator(loads(data), result) if started else loads(data)
                started = True
                run = operator(loads(data), run)
            else:
                run = operator(run, loads(data))
        bit <<= 1
    return result


def joined(pickles: Sequence[Buffer]) -> bytes:
    """Return *pickles* as one message, which `parted` takes apart."""
    return b"".join([part for data in pickles for part in (_LENGTH.pack(len(data)), data)])


def parted(packed: Buffer) -> list[bytes]:
    """Return the pickles that `joined` has put into one message."""
    return [frame[_LENGTH.size :] for frame in _frames(packed)]


def _split(packed: bytes) -> list[bytes | None]:
    """Return the packed pickles, None for one that comes straight."""
    return [None if frame == _STRAIGHT else frame[_LENGTH.size :] for frame in _frames(packed)]


def _frames(packed: Buffer) -> list[bytes]:
    """Return the packed pickles, each behind its length."""
    whole = bytes(packed)
    frames = []
    place = 0
    while place < len(whole):
        (length,) = _LENGTH.unpack_from(whole, place)
        end = place + _LENGTH.size + max(length, 0)
        frames.append(whole[place:end])
        place = end
    return frames
