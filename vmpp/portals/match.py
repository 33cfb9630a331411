"""Match lists: which message goes to which descriptor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from vmpp.portals.descriptors import Descriptor
from vmpp.portals.header import MATCH_BITS_MASK

ANY: Final = -1
"""A source rank or group that matches every sender."""

END: Final = -1
"""A link that leads nowhere: the message is dropped."""


class MatchEntry:
    """One entry of a match list.

    The mask selects the bits that must match, as in the paper; Cplant stores the complement.

    Attributes:
        rank: source rank, or `ANY`.
        group: source group, or `ANY`.
        bits: 64 match bits.
        mask: which of them must be equal.
        descriptor: where a message that matches goes.
        next_no_match: index of the entry to try when this one does not match.
        next_no_fit: ... when it matches and the message is too long.
        next_invalid: ... when it matches and the descriptor takes no message now.
        active: whether the entry takes part.
        failed_no_fit: set by the kernel, which also makes the entry inactive, when a message
            matched, did not fit, and `next_no_fit` was `END`.
    """

    __slots__ = (
        "active", "bits", "descriptor", "failed_no_fit", "group", "mask", "next_invalid",
        "next_no_fit", "next_no_match", "rank",
    )  # fmt: skip

    def __init__(
        self,
        descriptor: Descriptor | None,
        *,
        bits: int = 0,
        mask: int = MATCH_BITS_MASK,
        rank: int = ANY,
        group: int = ANY,
        next_no_match: int = END,
        next_no_fit: int = END,
        next_invalid: int = END,
    ) -> None:
        self.descriptor = descriptor
        self.bits = bits
        self.mask = mask
        self.rank = rank
        self.group = group
        self.next_no_match = next_no_match
        self.next_no_fit = next_no_fit
        self.next_invalid = next_invalid
        self.active = True
        self.failed_no_fit = False


class MatchList:
    """An array of entries, linked by index, and where to begin.

    Attributes:
        entries: the array; places not in use may hold None.
        head: index of the first entry, or `END`.
        ahead: spares the host the walk through a long list, if not None: given match bits, returns
            the index of an entry before which none takes the message, and how many those are. The
            machine takes the time of the walk all the same.
    """

    __slots__ = ("ahead", "entries", "head")

    def __init__(self, entries: list[MatchEntry | None] | None = None, head: int = END) -> None:
        self.entries = [] if entries is None else entries
        self.head = head
        self.ahead: Callable[[int], tuple[int, int]] | None = None
