"""Passwords: hashed by argon2id in a thread of the host, which the machine does not wait for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import trio
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")

LONGEST: Final = 1024
"""Bytes of a password, at the most."""
_AT_ONCE: Final = 2
"""How many passwords are hashed at a time: each takes the memory that its cost says."""


@dataclass(frozen=True, slots=True)
class HashCost:
    """What the hash of a password costs, as RFC 9106 calls it.

    Attributes:
        passes: over the memory.
        memory: KiB.
        lanes: that can be computed in parallel.
    """

    passes: int = 3
    memory: int = 65536
    lanes: int = 4


CHEAP: Final = HashCost(1, 8, 1)
"""The cost where hashes are kept nowhere: in a machine whose state goes with it, and in tests."""


class Passwords:
    """Hashes and verifies passwords. The default cost is the second recommendation of RFC 9106."""

    __slots__ = ("_hasher", "_limit")

    def __init__(self, cost: HashCost | None = None) -> None:
        cost = cost or HashCost()
        self._hasher = PasswordHasher(cost.passes, cost.memory, cost.lanes)
        self._limit = trio.CapacityLimiter(_AT_ONCE)

    async def hash(self, password: str) -> str:
        """Return the hash to keep of *password*."""
        return await self._in_thread(self._hasher.hash, password)

    async def verify(self, kept: str | None, password: str) -> bool:
        """Return whether *password* is the one that *kept* is the hash of.

        Where there is none, None, a hash is computed all the same: how long the host takes does not
        tell whether there is such an account.
        """
        if kept is None:
            await self.hash(password)
            return False
        return await self._in_thread(self._matches, kept, password)

    def outdated(self, kept: str) -> bool:
        """Return whether *kept* was made at another cost than hashes are made at now."""
        return self._hasher.check_needs_rehash(kept)

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, function: Callable[..., T], *args: str) -> T:
        # Whoever is cancelled meanwhile, because the machine shuts down, leaves it to itself.
        return await trio.to_thread.run_sync(
            function, *args, limiter=self._limit, abandon_on_cancel=True
        )
