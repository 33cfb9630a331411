"""Stretches of a file, and copies between them and data without gaps, do as a plain model says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_mpi._files._copy import gather, scatter
from vmpp_mpi._files._runs import Runs


@st.composite
def stretches(draw, least=0, touching=True):
    """Draw ascending stretches as (offset, length)."""
    found, place = [], draw(st.integers(0, 20))
    for _ in range(draw(st.integers(least, 8))):
        place += draw(st.integers(0 if touching else 1, 20))
        length = draw(st.integers(1, 20))
        found.append((place, length))
        place += length
    return found


def runs_of(pairs):
    offsets, lengths = zip(*pairs, strict=True) if pairs else ((), ())
    return Runs(np.array(offsets, np.int64), np.array(lengths, np.int64))


def pairs_of(runs):
    return list(zip(runs.offsets.tolist(), runs.lengths.tolist(), strict=True))


def places(pairs):
    """Return the offset in the file of every byte of the data."""
    return [place for offset, length in pairs for place in range(offset, offset + length)]


BOUNDS = st.integers(-5, 250)


class TestRuns:
    @given(stretches())
    def test_they_survive_the_wire(self, pairs):
        assert pairs_of(Runs.unpacked(runs_of(pairs).packed())) == pairs

    @given(stretches())
    def test_their_bytes_are_counted(self, pairs):
        runs, bytes_ = runs_of(pairs), places(pairs)
        assert runs.nbytes == len(bytes_)
        assert (runs.begin, runs.end) == ((bytes_[0], bytes_[-1] + 1) if bytes_ else (0, 0))

    @given(stretches())
    def test_those_that_touch_become_one(self, pairs):
        runs = runs_of(pairs)
        merged = Runs.merged(runs.offsets, runs.lengths)
        assert places(pairs_of(merged)) == places(pairs)
        ends = merged.offsets + merged.lengths
        assert (merged.offsets[1:] > ends[:-1]).all()

    @given(stretches(), st.integers(0, 200), st.integers(0, 200))
    def test_a_part_is_that_of_the_data(self, pairs, begin, end):
        assert places(pairs_of(runs_of(pairs).part(begin, end))) == places(pairs)[begin:end]

    @given(stretches(), BOUNDS, BOUNDS)
    def test_what_is_between_two_places_of_the_file(self, pairs, begin, end):
        first, runs = runs_of(pairs).between(begin, end)
        inside = [place for place in places(pairs) if begin <= place < end]
        assert places(pairs_of(runs)) == inside
        if inside:
            assert first == places(pairs).index(inside[0])

    @given(stretches(), BOUNDS)
    def test_how_much_is_before_a_place_of_the_file(self, pairs, offset):
        assert runs_of(pairs).before(offset) == sum(place < offset for place in places(pairs))

    @given(st.lists(stretches(), max_size=4))
    def test_the_union_has_every_byte_once(self, parts):
        union = Runs.union([runs_of(pairs) for pairs in parts])
        wanted = sorted({place for pairs in parts for place in places(pairs)})
        assert places(pairs_of(union)) == wanted

    @given(stretches(), st.integers(1, 40), st.integers(1, 3))
    def test_batches_have_no_more_than_they_may(self, pairs, nbytes, count):
        found = []
        for begin, batch in runs_of(pairs).batches(nbytes, count):
            assert begin == len(found)
            assert len(batch) <= count
            assert batch.nbytes <= nbytes
            found += places(pairs_of(batch))
        assert found == places(pairs)


@st.composite
def copies(draw):
    """Draw a buffer, and stretches of it that go each of the ways of copying."""
    kind = draw(st.sampled_from(["any", "equal", "aligned", "long"]))
    length = draw(st.integers(1, 9)) * (300 if kind == "long" else 1)
    pairs, place = [], 0
    for _ in range(draw(st.integers(0, 6))):
        step = draw(st.integers(0, 3))
        place += step * length if kind == "aligned" else step
        each = draw(st.integers(1, 9)) if kind == "any" else length
        pairs.append((place, each))
        place += each
    buffer = draw(st.randoms(use_true_random=False)).randbytes(place + draw(st.integers(0, 9)))
    return buffer, pairs


class TestCopies:
    @given(copies())
    def test_gathering(self, drawn):
        buffer, pairs = drawn
        runs = runs_of(pairs)
        found = gather(buffer, runs.offsets, runs.lengths)
        assert bytes(found) == bytes(buffer[place] for place in places(pairs))

    @given(copies(), st.randoms(use_true_random=False))
    def test_scattering(self, drawn, random):
        buffer, pairs = drawn
        runs, model, into = runs_of(pairs), bytearray(buffer), bytearray(buffer)
        data = random.randbytes(runs.nbytes)
        for place, byte in zip(places(pairs), data, strict=True):
            model[place] = byte
        scatter(data, memoryview(into), runs.offsets, runs.lengths)
        assert into == model

    @pytest.mark.parametrize("length", [1, 4, 300])
    def test_the_last_wins_where_stretches_overlap(self, length):
        into = bytearray(3 * length)
        runs = runs_of([(0, 2 * length), (length, 2 * length)])
        scatter(b"a" * 2 * length + b"b" * 2 * length, memoryview(into), runs.offsets, runs.lengths)
        assert into == b"a" * length + b"b" * 2 * length
