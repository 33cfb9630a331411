"""Hypercubes for programs in Vertex: a ring of neighbours, and whether all nodes are there.

The ring is the binary reflected Gray code: the numbers of neighbouring places, and of the last and
the first of a power of two, differ in one bit.
"""

from __future__ import annotations

import sys

_CENSUS = 0x7FFF
_ALL = -1


def gray(place: int) -> int:
    """Return the node at a *place* of the ring."""
    return place ^ place >> 1


def place_of(node: int) -> int:
    """Return the place of a *node* on the ring."""
    place = 0
    while node:
        place ^= node
        node >>= 1
    return place


def need_whole_subcube(program: str) -> None:
    """Exit if the job has fewer nodes than its subcube; on an nCUBE none does.

    Args:
        program: its name, for the message.
    """
    from vertex import isum, whoami  # noqa: PLC0415 - there while a program runs

    node, _process, _host, dimension = whoami()
    nodes = isum(1, _ALL, _CENSUS, _ALL)
    if nodes != 1 << dimension:
        sys.exit(1 if node else f"{program}: {nodes} nodes are no subcube; take a power of two")
