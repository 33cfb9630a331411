"""Contexts: which are free in a process, and how processes agree on one that is free on them all.

The processes intersect the sets of contexts that each of them claims for the agreement. Several
agreements can be under way in a process at once, in different fibers, and other processes may begin
them in another order, so none may wait for another. Nobody knows at the start of an agreement that
all processes have begun it; what is claimed then, for who knows how long, is a part of the contexts
only: half of half of them for the first agreement that is under way, half of the rest for the next,
and so on. If that gives no context, everybody has begun by now. Then the agreement that comes first
in an order on which all processes agree claims all that is left, and others claim nothing; so that
one ends, and then the next comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from vmpp_mpi._errors import ERR_OTHER
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._protocol import CONTEXTS

PAIRS: Final = CONTEXTS // 2
"""How many pairs of contexts there are: a communicator takes one."""

Order = tuple[int, ...]
"""What tells an agreement from all others that are under way, the same on all its processes."""

WORLD, SELF, GROUPS = range(3)
"""The pairs in use from the start; the last is for making communicators of groups."""
_ALL_FREE: Final = (1 << PAIRS) - (1 << (GROUPS + 1))
"""One object for all processes until they make communicators of their own."""
_COMPLETE: Final = 1
"""Added to a claim of all that a process has free: the place of a pair that is never free."""


def _share(level: int) -> int:
    """Return the pairs of the lower half whose numbers end, in binary, in 0 and *level* times 1."""
    step = 2 << level
    return sum(1 << pair for pair in range(step // 2 - 1, PAIRS // 2, step))


_SHARES: Final = [_share(level) for level in range((PAIRS // 2).bit_length())]
"""What agreements claim at their start: half of half of all pairs, half of the rest, and so on."""


class Contexts:
    """The contexts of one process. A context is known by the even one of its pair."""

    __slots__ = ("_begun", "_claimed", "_free", "_waiting")

    def __init__(self) -> None:
        self._free = _ALL_FREE
        self._claimed = 0
        self._begun: list[int] = []
        self._waiting: list[Order] = []

    def take(self, context: int | None = None) -> int:
        """Take a *context*, any by default, without asking anybody.

        Raises:
            MPIError: `ERR_OTHER`: none is left.
        """
        free = self._free & ~self._claimed
        bit = free & -free if context is None else 1 << (context // 2)
        if not bit:
            raise _none_left()
        self._free &= ~bit
        return 2 * (bit.bit_length() - 1)

    def give_back(self, context: int) -> None:
        """Make a context free again."""
        self._free |= 1 << (context // 2)

    def agree(
        self,
        meet: Callable[[int], int],
        order: Order,
        take: bool,
        pause: Callable[[], object],
    ) -> int:
        """Return a context that is free on all processes of an agreement.

        Args:
            meet: gives the intersection of what all processes give it, a set of bits.
            order: of the agreement.
            take: whether this process will use the context.
            pause: lets other agreements of the process get on.

        Raises:
            MPIError: `ERR_OTHER`: all are in use on some process.
        """
        with self.claimed() as share:
            found = meet(share | (_COMPLETE if share == self._free else 0))
        self._waiting.append(order)
        try:
            while not found & ~_COMPLETE:
                if found & _COMPLETE:
                    raise _none_left()
                first = min(self._waiting) == order
                claim = self._free & ~self._claimed if first else 0
                if not claim:
                    pause()
                with self._holding(claim):
                    found = meet(claim | (_COMPLETE if claim == self._free else 0))
        finally:
            self._waiting.remove(order)
        bits = found & ~_COMPLETE
        bit = bits & -bits
        if take:
            self._free &= ~bit
        return 2 * (bit.bit_length() - 1)

    @contextmanager
    def claimed(self, *, everything: bool = False) -> Iterator[int]:
        """Claim contexts for an agreement as long as a block lasts; the set of their pairs.

        Args:
            everything: whether to claim all that is left, because all processes have begun.
        """
        level = next(n for n in range(len(self._begun) + 1) if n not in self._begun)
        share = -1 if everything else _SHARES[level] if level < len(_SHARES) else 0
        self._begun.append(level)
        try:
            with self._holding(share & self._free & ~self._claimed) as claim:
                yield claim
        finally:
            self._begun.remove(level)

    @contextmanager
    def _holding(self, claim: int) -> Iterator[int]:
        self._claimed |= claim
        try:
            yield claim
        finally:
            self._claimed &= ~claim


def _none_left() -> MPIError:
    return MPIError(ERR_OTHER, f"no more than {PAIRS} communicators at once")
