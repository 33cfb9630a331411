"""Agreement of many processes on one value, whoever of them fails meanwhile.

Every process tells the coordinator, the first that has not failed, of its own value. When all that
have not failed have, the coordinator proposes what comes of the values, and when all those have
stored the proposal it is decided. If the coordinator fails, everybody tells the next one of the
proposal that it has stored, if any, and the next one adopts the latest: so no two processes ever
decide differently, be it that one of them has failed since. It is the algorithm of a rotating
coordinator (Chandra and Toueg, Unreliable Failure Detectors for Reliable Distributed Systems, 1996)
for a detector that never errs. Failures become known at different times, which does no harm.

An `Agreement` is one process's part in it. It sends nothing itself: every call returns what is to
be sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

_HEAD: Final = Struct("<iqHHH")


class Kind(IntEnum):
    """What a message of the agreement says."""

    TOLD = 1
    PROPOSED = 2
    STORED = 3
    DECIDED = 4


class Value(NamedTuple):
    """What processes agree on. Sets are numbers whose bits are their members.

    Attributes:
        flag: a number, of which common bits count.
        failed: places of processes that have failed.
        acknowledged: places of those of them that everybody has acknowledged.
        contexts: contexts that everybody has free.
    """

    flag: int = -1
    failed: int = 0
    acknowledged: int = 0
    contexts: int = 0

    def joined(self, other: Value) -> Value:
        """Return what comes of two values."""
        return Value(
            self.flag & other.flag,
            self.failed | other.failed,
            self.acknowledged & other.acknowledged,
            self.contexts & other.contexts,
        )


class Word(NamedTuple):
    """A message.

    Attributes:
        kind: what it says.
        turn: place of the coordinator that has proposed the value; -1: it is the sender's own.
        value: that it is about, None for none.
    """

    kind: Kind
    turn: int = -1
    value: Value | None = None

    def pack(self) -> bytes:
        """Return turn and value as bytes."""
        flag, *sets = self.value or Value()
        parts = [number.to_bytes((number.bit_length() + 7) // 8, "little") for number in sets]
        return b"".join([_HEAD.pack(self.turn, flag, *map(len, parts)), *parts])

    @classmethod
    def unpack(cls, kind: Kind, data: bytes) -> Word:
        """Return what `pack` gave, in a message of some *kind*."""
        turn, flag, *lengths = _HEAD.unpack_from(data)
        begin = _HEAD.size
        sets = []
        for length in lengths:
            sets.append(int.from_bytes(data[begin : begin + length], "little"))
            begin += length
        return cls(kind, turn, Value(flag, *sets))


Messages = list[tuple[int, Word]]
"""What is to be sent, each with the place of its receiver."""


class Agreement:
    """One process's part in an agreement.

    Args:
        own: place of the process among those that agree.
        size: number of those.
        failed: places of those that have failed; `lose` tells of further ones.

    Attributes:
        own: as given.
        size: as given.
        decided: the value, None as long as it is not known.
    """

    __slots__ = (
        "_coordinator", "_failed", "_stored", "_stores", "_tellers", "_told", "_value", "decided",
        "own", "size",
    )  # fmt: skip

    def __init__(self, own: int, size: int, failed: Iterable[int]) -> None:
        self.own = own
        self._failed = set(failed)
        self._coordinator = 0
        self._value: Value | None = None
        self._stored: Word | None = None
        self._told = -1
        self._tellers: dict[int, Word] = {}
        self._stores: set[int] | None = None
        self.size = size
        self.decided: Value | None = None

    def begin(self, value: Value) -> Messages:
        """Take part with a *value* of one's own."""
        self._value = value
        return self._review()

    def lose(self, place: int) -> Messages:
        """Take note that the process in a *place* has failed."""
        self._failed.add(place)
        return self._review()

    def take(self, source: int, word: Word) -> Messages:
        """Take a message from the process in place *source*."""
        return _TAKE[word.kind](self, source, word)

    def _review(self) -> Messages:
        """Tell the coordinator, or be it: others have failed, or told something."""
        while self._coordinator in self._failed:
            self._coordinator += 1
        coordinator = self._coordinator
        if coordinator == self.own:
            return self._coordinate()
        if self._told >= coordinator or (word := self._own_word()) is None:
            return []
        self._told = coordinator
        return [(coordinator, word)]

    def _others(self) -> list[int]:
        return [p for p in range(self.size) if p not in self._failed and p != self.own]

    def _own_word(self) -> Word | None:
        """Return what the process has to tell a coordinator, None if it has not begun."""
        if self.decided is not None:
            return Word(Kind.TOLD, self.size, self.decided)
        if self._stored is not None:
            return self._stored._replace(kind=Kind.TOLD)
        return None if self._value is None else Word(Kind.TOLD, -1, self._value)

    # -- the coordinator ---------------------------------------------------------------------------

    def _coordinate(self) -> Messages:
        # What one before has proposed and not decided is of no matter any more.
        self._told = self.own
        own = self._own_word()
        heard = self._tellers if self._stores is None else self._stores
        if (
            self.decided is not None
            or own is None
            or len(heard) + len(self._failed) < self.size - 1
        ):
            return []
        others = self._others()
        if any(place not in heard for place in others):
            return []
        if self._stores is None:
            words = [own, *(self._tellers[place] for place in sorted(self._tellers))]
            value = _outcome(words)
            self._stores = set()
            self._stored = Word(Kind.PROPOSED, self.own, value)
            sent = [(place, self._stored) for place in others]
            return sent or self._decide(others)
        return self._decide(others)

    def _decide(self, others: list[int]) -> Messages:
        assert self._stored is not None
        self.decided = self._stored.value
        return [(place, Word(Kind.DECIDED, self.own, self.decided)) for place in others]

    # -- messages ----------------------------------------------------------------------------------

    def _take_told(self, source: int, word: Word) -> Messages:
        self._tellers[source] = word
        if self.decided is not None:
            return [(source, Word(Kind.DECIDED, self.own, self.decided))]
        if word.turn == self.size:
            # The one before had decided, and told some.
            self.decided = word.value
            return [(place, Word(Kind.DECIDED, self.own, self.decided)) for place in self._others()]
        return self._review()

    def _take_proposed(self, source: int, word: Word) -> Messages:
        if self.decided is not None or source < self._told:
            return []
        self._told = source
        self._stored = word
        return [(source, Word(Kind.STORED, source))]

    def _take_stored(self, source: int, word: Word) -> Messages:
        if self._stores is None:
            return []
        self._stores.add(source)
        return self._review()

    def _take_decided(self, source: int, word: Word) -> Messages:
        self.decided = word.value
        return []


_TAKE: Final = {
    Kind.TOLD: Agreement._take_told,
    Kind.PROPOSED: Agreement._take_proposed,
    Kind.STORED: Agreement._take_stored,
    Kind.DECIDED: Agreement._take_decided,
}


def _outcome(words: list[Word]) -> Value:
    """Return what a coordinator proposes: the latest proposal that somebody has stored, if any."""
    latest = max(words, key=lambda word: word.turn)
    values = [word.value for word in words if word.value is not None]
    if latest.turn >= 0 and latest.value is not None:
        return latest.value
    found = values[0]
    for value in values[1:]:
        found = found.joined(value)
    return found
