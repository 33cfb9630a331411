"""Arguments are read as they are written, or refused in words."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.engine import SECOND
from vmpp.ranges import write_ranges
from vmpp_shell.arguments.signals import signal_number
from vmpp_shell.arguments.times import time_limit
from vmpp_shell.arguments.types import node_list
from vmpp_shell.loadfile import LoadFileError, Member, read_load_file


@given(st.lists(st.integers(0, 9999), min_size=1, unique=True))
def test_a_list_of_nodes_is_read_as_it_was_written(numbers: list[int]) -> None:
    assert list(node_list(write_ranges(numbers, to=".."))) == numbers


@given(st.text(alphabet="0123456789.,-n[] x") | st.text())
def test_what_is_no_list_of_nodes_is_refused_in_words(text: str) -> None:
    with suppress(ValueError):
        numbers = node_list(text)
        assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0..3,8", (0, 1, 2, 3, 8)), ("3,1..2", (3, 1, 2)), ("n[004-005,9]", (4, 5, 9)), ("7", (7,))],
)
def test_lists_of_nodes_are_those_of_yod_and_of_slurm(text: str, numbers: tuple[int, ...]) -> None:
    assert node_list(text) == numbers


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 300), ("5:30", 330), ("1:00:01", 3601), ("2-3", 183600), ("1-0:30", 88200),
        ("1-00:00:05", 86405), ("0", 0),
    ],
)  # fmt: skip
def test_time_limits_are_those_of_srun(text: str, seconds: int) -> None:
    assert time_limit(text) == seconds * SECOND


def test_time_limits_may_have_units() -> None:
    assert time_limit("5 ms") == SECOND // 200
    with pytest.raises(ValueError, match="'soon' is no time"):
        time_limit("soon")


@given(st.text())
def test_what_is_no_time_is_refused_in_words(text: str) -> None:
    with suppress(ValueError):
        assert time_limit(text) >= 0


@pytest.mark.parametrize("text", ["TERM", "SIGTERM", "sigterm", "15"])
def test_signals_have_names_and_numbers(text: str) -> None:
    assert signal_number(text) == 15


def test_a_signal_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="no such signal: 'TREM'; did you mean 'TERM'"):
        signal_number("TREM")


def test_a_load_file_names_members_in_the_order_of_their_ranks() -> None:
    text = "# all of it\n-sz 3 one.py a 'b c'\n\n two.py # alone\n"
    assert read_load_file(text, "load") == [
        Member("one.py", ("a", "b c"), 3),
        Member("two.py", (), 1),
    ]
    assert read_load_file("-list 1..2,5 one.py\n-list 0 two.py", "load") == [
        Member("one.py", (), 3, (1, 2, 5)),
        Member("two.py", (), 1, (0,)),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one.py\n-sz", "load:2: -sz : write how many ranks, 1 at least"),
        ("-sz 2", "load:1: no program is named"),
        ("-timing one.py", "load:1: no such option: -timing (there is -sz, and -list)"),
        ("-sz 3 -list 0,1 one.py", "load:1: 3 ranks, but 2 nodes"),
        ("one.py | two.py", "load:1: '|' means nothing here"),
        ("# nothing\n", "load: no line names a program"),
    ],
)
def test_a_load_file_that_is_wrong_is_named_with_the_line(text: str, message: str) -> None:
    with pytest.raises(LoadFileError) as caught:
        read_load_file(text, "load")
    assert str(caught.value) == message


@given(st.text(alphabet="-sz list0123.py'\"\n#,;|&>") | st.text())
def test_any_load_file_is_read_or_refused(text: str) -> None:
    with suppress(LoadFileError):
        assert all(member.size > 0 for member in read_load_file(text, "load"))
