"""Channels of communicators, and of groups while a communicator is made of them."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Self

from vmpp_collectives import KINDS, Channel, Kind


class OwnKind(IntEnum):
    """The collective operations that only MPI has, as the tags of their messages name them."""

    CREATE = 17
    DUP = 18
    SPLIT = 19
    CREATE_INTERCOMM = 20
    MERGE = 21
    NEIGHBOR_ALLGATHER = 22
    NEIGHBOR_ALLGATHERV = 23
    NEIGHBOR_ALLTOALL = 24
    NEIGHBOR_ALLTOALLV = 25
    NEIGHBOR_ALLTOALLW = 26
    FILE = 27


_GROUP_TAG: Final = 1 << 30
"""Set in the tags of channels over a group that has no communicator yet."""
_LEADER_TAG: Final = 1 << 29
"""Set besides in the tags of messages between the leaders of two such groups."""

PARTITIONED_TAG: Final = 1 << 31
"""Set in the tags of partitioned messages, which share the context of collective operations."""

_NAMES: Final = {kind.value: kind.name.capitalize() for kinds in (Kind, OwnKind) for kind in kinds}


def describe(tag: int) -> str:
    """Return the name of the operation that a message with *tag* belongs to."""
    if tag & _GROUP_TAG:
        return "Create_intercomm" if tag & _LEADER_TAG else "Create_group"
    return _NAMES.get(tag % KINDS, "collective")


class CommChannel(Channel):
    """A rank's way to the other ranks of a communicator, or of a group that has none yet."""

    __slots__ = ()

    def over_group(self, tag: int, *, leaders: bool = False) -> Self:
        """Turn to making a communicator; *tag* tells it from others that are being made.

        Args:
            tag: any number.
            leaders: whether the channel is one between the leaders of two groups.
        """
        self.tag = _GROUP_TAG | (leaders * _LEADER_TAG) | (tag & (_LEADER_TAG - 1))
        return self

    def describe(self) -> str:
        """Return the name of the operation under way, for reports."""
        return describe(self.tag)
