"""What varies in a comparison is read, checked and combined before anything runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp import VmppError
from vmpp.machine.comparison.axes import axes, combinations, parsed
from vmpp.machine.plugins import Plugins

PLUGINS = Plugins.installed()
VALUES = st.lists(st.text(st.characters(codec="ascii", exclude_characters="\\"), min_size=1),
                  min_size=1)  # fmt: skip


def test_texts_name_values() -> None:
    assert parsed(["pct=rr:1ms,rr:10ms", "nprocs=4", "nprocs=8,16"]) == {
        "pct": ["rr:1ms", "rr:10ms"],
        "nprocs": ["4", "8", "16"],
    }


@given(st.text(st.characters(codec="ascii", exclude_characters="="), min_size=1), VALUES)
def test_a_comma_within_a_value_is_written_with_a_backslash(name: str, values: list[str]) -> None:
    written = ",".join(value.replace(",", "\\,") for value in values)
    assert parsed([f"{name}={written}"]) == {name: values}


@given(st.text())
def test_whatever_is_written_is_read_or_refused_in_one_line(text: str) -> None:
    said = ""
    try:
        axes(parsed([text]), PLUGINS)
    except VmppError as error:
        said = str(error)
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nprocs", "'nprocs' varies nothing; write KIND=VALUE,VALUE, as pct=rr:1ms,rr:10ms"),
        ("nprocs=", "'nprocs=' varies nothing"),
        ("nprocs=4,,8", "a value of nprocs is empty"),
        ("nprocs=4,8,4", "nprocs is to be '4' twice"),
        ("nprocs=0", "nprocs: 0 is less than 1"),
        ("nprocs=few", "nprocs: 'few' is no whole number"),
        (
            "nproc=4",
            "nothing is called 'nproc' that could vary; did you mean 'nprocs'? (there is: ",
        ),
        ("timing=wormhloe", "no plugin offers the timing 'wormhloe'; did you mean 'wormhole'?"),
        ("timing=contention-free:7", "timing 'contention-free:7': '7' is one parameter too many"),
        ("machine=paragn", "no machine is called 'paragn'; did you mean 'paragon'?"),
    ],
)
def test_what_cannot_vary_so_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(VmppError) as error:
        axes(parsed([text]), PLUGINS)
    assert said in str(error.value)


def test_the_last_axis_varies_fastest() -> None:
    along = axes({"nprocs": [2, 4], "timing": ["wormhole", "contention-free"]}, PLUGINS)
    assert [tuple(each.values()) for each in combinations(along)] == [
        ("2", "wormhole"), ("2", "contention-free"), ("4", "wormhole"), ("4", "contention-free"),
    ]  # fmt: skip
