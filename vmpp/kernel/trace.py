"""The digest of a run: a hash over its ordered events."""

from __future__ import annotations

from array import array
from hashlib import blake2b
from typing import Final

_WORD: Final = (1 << 64) - 1


class Trace:
    """Collects events as whole numbers and folds them into a digest.

    The kernels append to `events` as messages arrive: time, match bits, and place with length. A
    host-side task folds them now and then, so the hot path only appends to a list.
    """

    __slots__ = ("_events_hash", "_output_hash", "events")

    def __init__(self) -> None:
        self.events: list[int] = []
        self._events_hash = blake2b(digest_size=16)
        self._output_hash = blake2b(digest_size=16)

    def fold(self) -> None:
        """Fold the events collected so far into the digest."""
        if self.events:
            try:
                words = array("Q", self.events)
            except OverflowError:
                # Seven months of virtual time are more picoseconds than a word holds.
                words = array("Q", [event & _WORD for event in self.events])
            self.events.clear()
            self._events_hash.update(words.tobytes())

    def output(self, data: bytes) -> None:
        """Fold in what the host's side did with *data*; in an order of its own among such calls."""
        self._output_hash.update(data)

    def digest(self) -> str:
        """Return the digest of all that happened so far, in hexadecimal."""
        self.fold()
        whole = self._events_hash.copy()
        whole.update(self._output_hash.digest())
        return whole.hexdigest()
