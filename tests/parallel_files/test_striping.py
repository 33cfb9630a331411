"""Where the bytes of a striped file are, and who may move them."""

from hypothesis import given
from hypothesis import strategies as st

from vmpp.process.striping import READ, WRITE, Layout, Seal

LAYOUTS = st.builds(
    Layout,
    st.integers(1, 1000),
    st.integers(1, 16),
    st.integers(1, 5).map(lambda count: tuple(range(count))),
)


def test_units_go_round_the_servers():
    layout = Layout(7, 4, (2, 0, 5))
    assert list(layout.parts(0, 0, 30)) == [(0, 0, 4), (4, 12, 4), (8, 24, 4)]
    assert list(layout.parts(1, 6, 12)) == [(2, 6, 2), (4, 16, 2)]
    assert layout.holders(5, 4) == [1, 2]
    assert layout.holders(5, 0) == []


@given(LAYOUTS, st.integers(0, 200), st.integers(0, 200))
def test_every_byte_is_on_one_server_at_one_place(layout, offset, length):
    found = {}
    for place in range(layout.factor):
        parts = list(layout.parts(place, offset, length))
        assert bool(parts) == (place in layout.holders(offset, length))
        for local, begin, count in parts:
            found |= {begin + step: (place, local + step) for step in range(count)}
    assert sorted(found) == list(range(offset, offset + length))
    assert len(set(found.values())) == length


@given(LAYOUTS, st.integers(0, 200))
def test_the_parts_tell_how_long_the_file_is(layout, size):
    lengths = [layout.part_length(place, size) for place in range(layout.factor)]
    assert sum(lengths) == size
    assert max(layout.end(place, length) for place, length in enumerate(lengths)) == size


@given(st.binary(min_size=16, max_size=16))
def test_a_capability_lets_one_job_use_one_file_as_it_says(guess):
    seal = Seal(b"secret")
    given_one = seal.capability(3, 1, READ | WRITE)
    assert seal.permits(given_one, 3, 1, READ)
    assert seal.permits(given_one, 3, 1, READ | WRITE)
    assert not seal.permits(given_one, 4, 1, READ)
    assert not seal.permits(given_one, 3, 2, READ)
    assert not seal.permits(seal.capability(3, 1, READ), 3, 1, WRITE)
    assert not Seal(b"another").permits(given_one, 3, 1, READ)
    assert not seal.permits(guess, 3, 1, READ)
