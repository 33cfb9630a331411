"""The digest of a run: a hash over its ordered events."""

from __future__ import annotations

from array import array
from hashlib import blake2b


class Trace:
    """Collects events as whole numbers and folds them into a digest.

    The kernels append to `events` as messages arrive: time, match bits, and place with length. A
    host-side task folds them now and then, so the hot path only appends to a list.
    """

    __slots__ = ("_hash", "events")

    def __init__(self) -> None:
        self.events: list[int] = []
        self._hash = blake2b(digest_size=16)

    def fold(self) -> None:
        """Fold the events collected so far into the digest."""
        if self.events:
            words = array("Q", self.events)
            self.events.clear()
            self._hash.update(words.tobytes())

    def note(self, data: bytes) -> None:
        """Fold *data*, after the events collected so far."""
        self.fold()
        self._hash.update(data)

    def digest(self) -> str:
        """Return the digest of all events so far, in hexadecimal."""
        self.fold()
        return self._hash.hexdigest()
