"""An I/O node's memory for blocks: by hand, and against a model that looks at every block."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.hardware.disk import Disk, DiskParameters
from vmpp.hardware.disk_cache import STEP, DiskCache

BLOCK = STEP // 4
# A block takes 1000 ps to pass, a turn eight of them, and any seek 500.
DISK = DiskParameters(
    capacity=BLOCK * 80,
    block=BLOCK,
    transfer_rate=1_000_000 // BLOCK,
    seek_min=500,
    seek_max=500,
    rotation=8 * BLOCK * (1_000_000 // BLOCK) // 1000,
)
TIME = BLOCK * (1_000_000 // BLOCK) // 1000
"""In which a block passes."""
TURN = 8 * TIME


def made(size: int = 32, write_behind: int = 16, read_ahead: int = 0) -> DiskCache:
    return DiskCache(DISK, size * BLOCK, write_behind * BLOCK, read_ahead * BLOCK)


def read(cache: DiskCache, now: int, begin: int, end: int, limit: int = 80) -> int:
    """Return when blocks are in memory."""
    arrivals = cache.read(now, begin, end, limit)
    return max(now, cache.ready(arrivals, begin, end))


def test_what_was_read_is_in_memory() -> None:
    cache = made()
    assert read(cache, 0, 0, 4) == 4 * TIME
    # The disk is not asked, though it has the data on the way only until then.
    assert read(cache, TIME, 0, 2) == 2 * TIME
    assert read(cache, 5 * TIME, 0, 4) == 5 * TIME
    assert (cache.hits, cache.misses, cache.disk.busy) == (6, 4, 4 * TIME)


def test_only_what_is_missing_is_read() -> None:
    cache = made()
    read(cache, 0, 2, 4)
    assert cache.disk.free == 4 * TIME
    # Block 0 passes again a turn after time 0, and block 4 after the two that are there.
    assert read(cache, 4 * TIME, 0, 5) == TURN + 5 * TIME
    assert (cache.hits, cache.misses) == (2, 5)


def test_what_has_been_used_last_is_kept_longest() -> None:
    cache = made(size=4, write_behind=0)
    for begin in (0, 10, 20, 30):
        read(cache, cache.disk.free, begin, begin + 1)
    read(cache, cache.disk.free, 0, 1)
    read(cache, cache.disk.free, 40, 41)
    before = cache.misses
    for begin in (0, 20, 30, 40):
        read(cache, cache.disk.free, begin, begin + 1)
    assert cache.misses == before
    read(cache, cache.disk.free, 10, 11)
    assert cache.misses == before + 1


def test_a_sequential_reader_finds_what_was_read_ahead() -> None:
    cache = made(read_ahead=4)
    read(cache, 0, 0, 2)
    assert cache.disk.free == 2 * TIME
    # Goes on where somebody has read: four blocks more than asked for.
    assert read(cache, 2 * TIME, 2, 4) == 4 * TIME
    assert cache.disk.free == 8 * TIME
    # More than half of it is left.
    assert read(cache, 9 * TIME, 4, 5) == 9 * TIME
    assert cache.disk.free == 8 * TIME
    # Less than half: what is missing of four blocks, a turn after the last has passed.
    assert read(cache, 9 * TIME, 5, 7) == 9 * TIME
    assert cache.disk.free == TURN + 11 * TIME


def test_nothing_is_read_ahead_beyond_the_limit() -> None:
    cache = made(read_ahead=4)
    read(cache, 0, 0, 2, limit=3)
    read(cache, 2 * TIME, 2, 3, limit=3)
    assert cache.disk.free == 3 * TIME


def test_who_reads_here_and_there_has_nothing_read_ahead() -> None:
    cache = made(read_ahead=4)
    for begin in (0, 16, 40):
        read(cache, cache.disk.free, begin, begin + 1)
    assert cache.misses == 3
    assert cache.kept == 3 * BLOCK


def test_a_write_is_done_at_once_and_on_the_disk_later() -> None:
    cache = made()
    assert cache.write(5, 0, 2) == 5
    assert cache.dirty == 2 * BLOCK
    # The disk begins at once; byte 0 passes a turn after time 0.
    cache.settle(6)
    assert (cache.dirty, cache.disk.free) == (0, TURN + 2 * TIME)
    assert read(cache, 7, 0, 2) == 7


def test_who_writes_more_than_may_wait_waits_for_the_disk() -> None:
    cache = made(write_behind=2)
    assert cache.write(0, 0, 2) == 0
    # Four blocks in a row are on the disk at 4 and are what the disk writes at a time.
    assert cache.write(0, 2, 4) == 4 * TIME
    assert cache.dirty == 0


def test_without_write_behind_a_write_is_done_when_it_is_on_the_disk() -> None:
    cache = made(write_behind=0)
    assert cache.write(0, 0, 1) == TIME
    assert cache.write(2 * TIME, 1, 2) == TURN + 2 * TIME


def test_the_disk_writes_upwards_from_its_heads() -> None:
    cache = made()
    read(cache, 0, 20, 21)
    for begin in (10, 30, 25):
        cache.write(1, begin, begin + 1)
    order = []
    for now in range(1, 40 * TURN, 100):
        before = cache.dirty
        cache.settle(now)
        if cache.dirty < before:
            order.append(cache.disk.head - 1)
    assert order == [25, 30, 10]


def test_what_is_written_twice_goes_to_the_disk_once() -> None:
    cache = made()
    read(cache, 0, 16, 17)
    cache.write(1, 0, 2)
    cache.write(2, 1, 3)
    # It has read block 16 when that passed after a seek, in the second turn; block 0 comes with the
    # third, and three blocks pass.
    assert cache.disk.free == TURN + TIME
    assert cache.flush(3) == 2 * TURN + 3 * TIME
    assert cache.dirty == 0


def test_what_is_forgotten_is_not_written() -> None:
    cache = made()
    cache.write(1, 0, 4)
    cache.forget(0, 4)
    assert cache.flush(2) == 2
    assert (cache.dirty, cache.kept) == (0, 0)


class Model:
    """The same, with a look at every single block."""

    def __init__(self, room: int, bound: int, ahead: int) -> None:
        self.disk = Disk(DISK)
        self.room, self.bound, self.ahead = room, min(bound, room), min(ahead, room // 2)
        self.clean: dict[int, tuple[int, int]] = {}
        self.dirty: set[int] = set()
        self.uses = self.changed = self.misses = 0

    def fetch(self, now: int, blocks: list[int]) -> None:
        """Read what is missing of *blocks*, as many in a row as there are at a time."""
        missing = [block for block in blocks if block not in self.clean and block not in self.dirty]
        self.misses += len(missing)
        while missing:
            run = [missing.pop(0)]
            while missing and missing[0] == run[-1] + 1:
                run.append(missing.pop(0))
            moved = self.disk.move(now, run[0], run[-1] + 1)
            for block in run:
                self.clean[block] = moved, self.uses

    def read(self, now: int, begin: int, end: int, limit: int) -> int:
        self.settle(now)
        sequential = begin - 1 in self.clean
        self.uses += 1
        for block in range(begin, end):
            if block in self.clean:
                self.clean[block] = self.clean[block][0], self.uses
        self.fetch(now, [*range(begin, end)])
        found = [now]
        for block in range(begin, end):
            if block in self.clean:
                found.append(self.clean[block][0] + DISK.passes((block + 1) * BLOCK))
        misses = self.misses
        if sequential:
            self.read_ahead(now, end, limit)
        self.misses = misses
        self.trim()
        return max(found)

    def read_ahead(self, now: int, begin: int, limit: int) -> None:
        reached = begin
        while reached in self.clean or reached in self.dirty:
            reached += 1
        if reached < min(begin + self.ahead // 2, limit):
            self.uses += 1
            self.fetch(now, [*range(begin, min(begin + self.ahead, limit))])

    def write(self, now: int, begin: int, end: int) -> int:
        self.settle(now)
        for block in range(begin, end):
            self.clean.pop(block, None)
            self.dirty.add(block)
        self.changed, done = now, now
        while len(self.dirty) > self.bound:
            done = self.write_some(max(now, self.disk.free))
        self.trim()
        return done

    def settle(self, now: int) -> None:
        while self.dirty and max(self.disk.free, self.changed) < now:
            self.write_some(max(self.disk.free, self.changed))

    def write_some(self, start: int) -> int:
        above = [block for block in self.dirty if block >= self.disk.head]
        begin = end = min(above or self.dirty)
        while end in self.dirty and end - begin < 4:
            end += 1
        self.disk.move(start, begin, end)
        self.uses += 1
        for block in range(begin, end):
            self.dirty.remove(block)
            self.clean[block] = -(1 << 100), self.uses
        return self.disk.free

    def trim(self) -> None:
        while len(self.clean) + len(self.dirty) > self.room:
            del self.clean[min(self.clean, key=lambda block: (self.clean[block][1], block))]


STRETCHES = st.tuples(st.integers(0, 70), st.integers(1, 10)).map(lambda s: (s[0], sum(s)))
STEPS = st.tuples(
    st.sampled_from(["read", "read", "write", "forget"]),
    st.integers(0, 12 * TIME),
    STRETCHES,
    st.integers(0, 12),
)


@given(st.integers(0, 40), st.integers(0, 20), st.integers(0, 12), st.lists(STEPS, max_size=30))
def test_stretches_behave_as_blocks_do(
    room: int, bound: int, ahead: int, steps: list[tuple[str, int, tuple[int, int], int]]
) -> None:
    cache, model = made(room, bound, ahead), Model(room, bound, ahead)
    now = 0
    for what, later, (begin, end), more in steps:
        now += later
        limit = min(80, end + more)
        if what == "read":
            assert read(cache, now, begin, end, limit) == model.read(now, begin, end, limit)
        elif what == "write":
            assert cache.write(now, begin, end) == model.write(now, begin, end)
        else:
            cache.forget(begin, end)
            for block in range(begin, end):
                model.clean.pop(block, None)
                model.dirty.discard(block)
        check(cache, model)


def check(cache: DiskCache, model: Model) -> None:
    assert cache.dirty == len(model.dirty) * BLOCK
    assert cache.kept == (len(model.clean) + len(model.dirty)) * BLOCK
    assert (cache.disk.free, cache.disk.busy) == (model.disk.free, model.disk.busy)
    assert cache.misses == model.misses


@pytest.mark.parametrize("size", [0, 1])
def test_a_cache_of_nothing_serves_all_the_same(size: int) -> None:
    cache = made(size=size, write_behind=8, read_ahead=8)
    assert read(cache, 0, 0, 4) == 4 * TIME
    assert cache.write(4 * TIME, 4, 6) == 6 * TIME
    assert cache.kept <= size * BLOCK


def test_many_blocks_cost_no_more_than_few() -> None:
    # Six million blocks of a cache of two million, which are looked at in stretches.
    parameters = DiskParameters(1 << 40, 512, 5000, 0, 0, 0)
    cache = DiskCache(parameters, 1 << 30, 1 << 29, 0)
    now = 0
    for place in range(200):
        cache.write(now, place << 15, (place + 1) << 15)
        now = cache.disk.free + 1
        arrivals: Any = cache.read(now, place << 15, (place + 1) << 15, 0)
        assert len(arrivals) < 200
