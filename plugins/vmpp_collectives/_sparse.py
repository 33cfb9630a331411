"""Messages to a few of many ranks, of which the receivers do not know yet.

The counts of messages are reduced and scattered, so that each rank knows how many will come: the
personalised census of Hoefler, Siebert and Lumsdaine, Scalable Communication Protocols for Dynamic
Sparse Data Exchange (2010).
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import Final

from vmpp_collectives._channel import Channel, Reduction
from vmpp_collectives._reduce_scatter import reduce_scatter
from vmpp_collectives._transport import Buffer

_COUNT: Final = Struct("<q")


def sparse_exchange(channel: Channel, messages: Mapping[int, Buffer]) -> list[tuple[int, Buffer]]:
    """Send each of *messages* to its rank; return what came, with its sender, by rank.

    The channel's operation must be turned to another before it is used again: a rank may be done
    while others still wait for their messages.
    """
    size = _COUNT.size
    counts = bytearray(size * channel.size)
    for peer in messages:
        _COUNT.pack_into(counts, size * peer, 1)
    own = memoryview(bytearray(size))
    bounds = range(0, len(counts) + size, size)
    reduce_scatter(channel, memoryview(counts), bounds, own, Reduction(_add, size, True))
    transfers = [channel.begin_send(peer, data) for peer, data in messages.items()]
    found = [channel.receive_from_any() for _ in range(_COUNT.unpack(own)[0])]
    for transfer in transfers:
        channel.finish(transfer)
    return sorted(found, key=lambda item: item[0])


def _add(one: memoryview, both: memoryview) -> None:
    """Add vectors of counts, none of which overflows into the next: as two long numbers."""
    total = int.from_bytes(one, "little") + int.from_bytes(both, "little")
    both[:] = total.to_bytes(len(both), "little")
