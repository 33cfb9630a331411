"""Exchanges between neighbours: all receives are posted, all sends begun, and all waited for.

Ranks may be neighbours more than once. Between two ranks, the k-th message sent is the k-th one
received, so the order of receives says which block goes where.
"""

from __future__ import annotations

from collections.abc import Sequence

from vmpp_collectives import Buffer, Channel

Edge = tuple[int, memoryview]
"""A neighbour, and what to send to it or to receive from it."""


def exchange_with_neighbours(
    channel: Channel, outgoing: Sequence[Edge], incoming: Sequence[Edge]
) -> None:
    """Send a block over each of the *outgoing* edges, and receive one over each *incoming* one."""
    receives = [channel.begin_receive(peer, into) for peer, into in incoming]
    sends = [channel.begin_send(peer, data) for peer, data in outgoing]
    for transfer, (peer, into) in zip(receives, incoming, strict=True):
        channel.finish_receive(transfer, peer, into)
    for transfer in sends:
        channel.finish(transfer)


def pass_to_neighbours(
    channel: Channel, outgoing: Sequence[tuple[int, Buffer]], sources: Sequence[int]
) -> list[Buffer]:
    """Send over each of the *outgoing* edges; return what came, of any length, from *sources*."""
    sends = [channel.begin_send(peer, data) for peer, data in outgoing]
    found = [channel.receive_any(peer) for peer in sources]
    for transfer in sends:
        channel.finish(transfer)
    return found
