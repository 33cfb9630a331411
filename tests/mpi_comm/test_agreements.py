"""Agreeing on a value while processes fail: nobody ever decides otherwise than another."""

from __future__ import annotations

from collections import deque
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmpp_mpi._faults._agreement import Agreement, Kind, Value, Word


class Processes:
    """Processes whose messages, failures and news of failures come in an order from a seed."""

    def __init__(self, values, doomed, seed):
        size = len(values)
        self.random = Random(seed)
        self.values = values
        self.doomed = list(doomed)
        self.alive = set(range(size))
        self.parts = [Agreement(own, size, []) for own in range(size)]
        self.unbegun = set(range(size))
        self.ways = {}
        self.news = []
        self.decided = {}

    def send(self, source, messages):
        # A process may fail between two messages of one step.
        for dest, word in messages:
            self.ways.setdefault((source, dest), deque()).append(word)

    def step(self):
        """Let one thing happen, and return whether there was any."""
        random = self.random
        things = [("begin", own) for own in sorted(self.unbegun & self.alive)]
        things += [("deliver", way) for way, words in sorted(self.ways.items()) if words]
        things += [("learn", item) for item in self.news]
        things += [("fail", own) for own in self.doomed]
        if not things:
            return False
        what, item = random.choice(things)
        getattr(self, what)(item)
        for own, part in enumerate(self.parts):
            if part.decided is not None:
                assert self.decided.setdefault(own, part.decided) == part.decided
        return True

    def begin(self, own):
        self.unbegun.discard(own)
        self.send(own, self.parts[own].begin(self.values[own]))

    def deliver(self, way):
        source, dest = way
        word = self.ways[way].popleft()
        if dest in self.alive:
            read = Word.unpack(word.kind, word.pack())
            self.send(dest, self.parts[dest].take(source, read))

    def fail(self, own):
        self.doomed.remove(own)
        self.alive.discard(own)
        self.news += [(other, own) for other in range(len(self.parts)) if other != own]
        # Some of what it sent last never left.
        for (source, _), words in self.ways.items():
            if source == own and self.random.random() < 0.5:
                for _ in range(self.random.randint(0, len(words))):
                    words.pop()

    def learn(self, item):
        self.news.remove(item)
        other, own = item
        if other in self.alive:
            self.send(other, self.parts[other].lose(own))


def run(values, doomed, seed):
    """Return the processes after everything has happened."""
    world = Processes(values, doomed, seed)
    for _ in range(100_000):
        if not world.step():
            break
    return world


def values_of(size, random):
    return [
        Value(random.getrandbits(8), 1 << place, random.getrandbits(size), random.getrandbits(40))
        for place in range(size)
    ]


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 7), st.integers(0, 10**9), st.data())
def test_all_that_live_decide_and_nobody_ever_decides_otherwise(size, seed, data):
    doomed = data.draw(st.sets(st.integers(0, size - 1), max_size=size - 1))
    values = values_of(size, Random(seed))
    world = run(values, sorted(doomed), seed)
    assert world.alive <= set(world.decided)
    assert len(set(world.decided.values())) == 1
    (value,) = set(world.decided.values())
    # Everybody that lives has had a say, and nothing comes of nobody.
    assert all(value.failed >> place & 1 for place in world.alive)
    for place in world.alive:
        assert value.flag & ~values[place].flag == 0
        assert value.contexts & ~values[place].contexts == 0
        assert value.acknowledged & ~values[place].acknowledged == 0


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_without_failures_it_is_what_comes_of_all_values(size):
    values = values_of(size, Random(size))
    world = run(values, [], 0)
    joined = values[0]
    for value in values[1:]:
        joined = joined.joined(value)
    assert set(world.decided.values()) == {joined}


numbers = st.integers(0, 2**70)


@given(
    st.sampled_from(Kind), st.integers(-1, 65536),
    st.integers(-(2**63), 2**63 - 1), numbers, numbers, numbers,
)  # fmt: skip
def test_messages_travel_as_bytes(kind, turn, flag, failed, acknowledged, contexts):
    word = Word(kind, turn, Value(flag, failed, acknowledged, contexts))
    assert Word.unpack(kind, word.pack()) == word
