"""What goes over the wire for one-sided communication: portals, match bits, requests and replies.

Four portals of a process serve all its windows. Memory takes plain portal writes and reads of
exposed memory, without its owner's taking part. Requests are what one descriptor cannot express:
atomic operations, locks, memory that is not contiguous; an event handler of the target serves them.
Events are acknowledgements, and notices of post and complete. Replies land in the origin's memory.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import Final

MEMORY_PORTAL: Final = 40
REQUEST_PORTAL: Final = 41
EVENT_PORTAL: Final = 42
REPLY_PORTAL: Final = 43

LONGEST_REQUEST: Final = 1 << 16
"""Bytes of data in one request; more goes in several."""

NOTICE: Final = 1 << 63
"""Set in the match bits of a notice; those of an acknowledgement are the number of an access."""


class Kind(IntEnum):
    """What a request asks for."""

    PUT = 0
    GET = 1
    ACCUMULATE = 2
    FETCH = 3
    SWAP = 4
    LOCATE = 5
    LOCK = 6
    UNLOCK = 7


class Notice(IntEnum):
    """What a notice says."""

    POSTED = 0
    COMPLETED = 1


PARAMETERS: Final = Struct("<HH")
"""In the user data of a request: the numbers of operation and datatype."""

LOCATION: Final = Struct("<QQ")
"""In the reply to LOCATE: key of a region, and where it begins."""


def memory_bits(window: int, key: int, read: bool) -> int:
    """Return the match bits of reads, or writes, of the region *key* of a window."""
    return window << 40 | key << 1 | read


def request_bits(window: int, kind: Kind, groups: int = 0) -> int:
    """Return the match bits of a request, of which *groups* come before the data."""
    return window << 40 | groups << 8 | kind


def read_request(bits: int) -> tuple[int, Kind, int]:
    """Return the window, the kind and the number of groups that `request_bits` were made of."""
    return bits >> 40, Kind(bits & 0xFF), bits >> 8 & 0xFFFFFFFF


def notice_bits(window: int, notice: Notice, rank: int) -> int:
    """Return the match bits of a notice from *rank* of a window."""
    return NOTICE | window << 40 | notice << 32 | rank


def read_notice(bits: int) -> tuple[int, Notice, int]:
    """Return the window, the notice and the rank that `notice_bits` were made of."""
    return (bits & ~NOTICE) >> 40, Notice(bits >> 32 & 0xFF), bits & 0xFFFFFFFF
