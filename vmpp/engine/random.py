"""Named random streams: one more consumer never shifts another's numbers."""

from __future__ import annotations

from hashlib import blake2b
from random import Random


class Streams:
    """Makes a generator per name from one seed.

    A stream depends on the seed and its own name alone, not on which others are drawn from.
    """

    __slots__ = ("seed",)

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, name: str) -> Random:
        """Return a new generator at the beginning of the stream called *name*."""
        digest = blake2b(f"{self.seed}/{name}".encode(), digest_size=16).digest()
        return Random(int.from_bytes(digest, "little"))
