"""Accesses that have been begun and are not known to be done, by target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from vmpp_mpi._windows._access import Access

if TYPE_CHECKING:
    from vmpp_mpi._protocol import Protocol

_MANY: Final = 256
"""At so many accesses of one target, and each multiple, those that are done are dropped."""


class Outstanding:
    """The accesses of one window that are to be waited for at the next flush."""

    __slots__ = ("_accesses", "_protocol")

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._accesses: dict[int, list[Access]] = {}

    def add(self, rank: int, access: Access) -> None:
        """Remember an *access* to memory of *rank*."""
        accesses = self._accesses.setdefault(rank, [])
        if len(accesses) >= _MANY and not len(accesses) % _MANY:
            accesses[:] = [each for each in accesses if not each.settled() or each.error]
        accesses.append(access)

    def any(self, ranks: Iterable[int] | None = None) -> bool:
        """Return whether there are accesses to *ranks*, to any by default, to be waited for."""
        if ranks is None:
            return bool(self._accesses)
        return any(rank in self._accesses for rank in ranks)

    def wait(self, ranks: Iterable[int] | None = None, local_only: bool = False) -> int:
        """Wait until accesses to *ranks*, to all by default, are done.

        Args:
            ranks: the targets.
            local_only: that they are done with the origin's buffers is enough.

        Returns:
            The class of an error in one of them that has not been told yet, 0 if there is none.
        """
        failed = 0
        for rank in list(self._accesses) if ranks is None else ranks:
            # Another thread of the program may wait for the same ones, or begin more.
            for access in list(self._accesses.get(rank, ())):
                if local_only and access.local:
                    continue
                self._protocol.wait(access)
                if access.error and not access.told:
                    access.told = True
                    failed = failed or access.error
            left = [each for each in self._accesses.pop(rank, ()) if not each.done]
            if left:
                self._accesses[rank] = left
        return failed
