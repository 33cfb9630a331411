"""Times, letters and lists of nodes in few words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_shell.views.durations import elapsed, instant
from vmpp_shell.views.hostlist import compress, expand
from vmpp_shell.views.letters import Lettering, letter, letters, place
from vmpp_shell.views.links import amount

SECOND = 10**12


@pytest.mark.parametrize(
    ("picoseconds", "text"),
    [
        (0, "0s"),
        (7, "7ps"),
        (1234, "1.23ns"),
        (512 * 10**6, "512us"),
        (1_999_999_999, "1.99ms"),
        (12_300 * 10**9, "12.3s"),
        (59_999 * 10**9, "59.9s"),
        (60 * SECOND, "1:00"),
        (62 * SECOND, "1:02"),
        (3 * 3600 * SECOND + 5 * SECOND, "3:00:05"),
        (49 * 3600 * SECOND, "2-01:00:00"),
    ],
)
def test_durations(picoseconds, text):
    assert elapsed(picoseconds) == text


@given(st.integers(0, 10**20))
def test_a_duration_is_one_word_and_never_too_long(picoseconds):
    assert " " not in elapsed(picoseconds)


def test_an_instant_that_has_not_come():
    assert instant(None) == "Unknown"
    assert instant(0) == "0s"


def test_letters_go_on_after_z():
    assert [letter(place) for place in (0, 25, 26, 27, 51, 52, 701, 702)] == [
        "a", "z", "aa", "ab", "az", "ba", "zz", "aaa",
    ]  # fmt: skip
    assert letters([9, 3, 5]) == {3: "a", 5: "b", 9: "c"}


@given(st.sets(st.integers(0, 10**5), max_size=200))
def test_every_job_has_a_letter_of_its_own(jobs):
    assert len(set(letters(jobs).values())) == len(jobs)


@given(st.integers(0, 10**6))
def test_a_letter_tells_its_place(at):
    assert place(letter(at)) == at


def test_jobs_keep_their_letters_while_others_come_and_go():
    lettering = Lettering()
    assert lettering.of([3, 5, 8]) == {3: "a", 5: "b", 8: "c"}
    assert lettering.of([5, 8]) == {5: "b", 8: "c"}
    assert lettering.of([5, 8, 9, 10]) == {5: "b", 8: "c", 9: "a", 10: "d"}


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["n001"], "n001"),
        (["n002", "n001", "n004"], "n[001-002,004]"),
        (["n9", "n10", "n11"], "n9,n[10-11]"),
        (["a1", "b1", "b2", "login"], "a1,b[1-2],login"),
        ([f"test-n{n:05}" for n in [*range(10), 15]], "test-n[00000-00009,00015]"),
    ],
)
def test_lists_of_nodes(names, text):
    assert compress(names) == text


names = st.builds(
    lambda prefix, number, width: f"{prefix}{number:0{width}}" if width else prefix,
    st.sampled_from(["n", "default-n", "x1y", "io"]), st.integers(0, 200), st.integers(0, 5),
)  # fmt: skip


@given(st.lists(names, max_size=60))
def test_a_list_stands_for_the_names_it_was_made_of(found):
    text = compress(found)
    assert " " not in text
    assert sorted(expand(text)) == sorted(set(found))


@pytest.mark.parametrize("text", ["n[", "n]", "n[1-]", "n[a]", "n[1]x", "n[1,[2]]"])
def test_what_is_no_list(text):
    with pytest.raises(ValueError, match=r"is no list of nodes|is no number"):
        expand(text)


def test_amounts():
    assert [amount(n) for n in (0, 999, 1000, 12_345, 999_600, 1.5e9)] == [
        "0B", "999B", "1.00kB", "12.3kB", "1000kB", "1.50GB",
    ]  # fmt: skip
