"""Comparisons are shown as a table with bars, and drawn as lines or bars."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from rich.console import Console

from vmpp import VmppError
from vmpp.machine.comparison import Row, Trial
from vmpp.machine.comparison.picture import COLOURS, _fill, _lines, _scale, draw
from vmpp.machine.comparison.scales import scale
from vmpp.machine.comparison.table import table


def rows(**varied: Sequence[str]) -> list[Row]:
    """Return rows for all combinations; each takes a millisecond longer than the last one."""
    return [
        row(dict(zip(varied, values, strict=True)), number * 1e-3)
        for number, values in enumerate(product(*varied.values()), 1)
    ]


def row(choices: Mapping[str, str], *times: float) -> Row:
    return Row(
        choices,
        tuple(Trial(seed, 0, {"virtual_time": time, "messages": 1_000}) for seed, time in
              enumerate(times)),
    )  # fmt: skip


def failed(choices: Mapping[str, str]) -> Row:
    return Row(choices, (Trial(0, 1, failure="it went wrong"),))


def printed(found: Sequence[Row]) -> list[list[str]]:
    console = Console(file=io.StringIO(), width=120)
    console.print(table(found))
    assert isinstance(console.file, io.StringIO)
    return [line.split() for line in console.file.getvalue().splitlines()]


def texts(path: Path) -> list[str]:
    """Return what is written in a picture, whose texts are left as comments."""
    tree = ElementTree.parse(path, ElementTree.XMLParser(target=ElementTree.TreeBuilder(
        insert_comments=True)))  # fmt: skip
    return [(each.text or "").strip() for each in tree.iter() if callable(each.tag)]


def test_a_line_of_the_table_has_choices_status_time_ratio_and_a_bar() -> None:
    head, one, two = printed(rows(machine=["default", "paragon"]))
    assert head == ["machine", "Status", "Virtual", "time", "Ratio", "Messages"]
    assert one == ["default", "0", "1", "ms", "1.000", "1,000", "█" * 10]
    assert two == ["paragon", "0", "2", "ms", "2.000", "1,000", "█" * 20]


def test_a_row_that_failed_has_its_error_instead() -> None:
    _, one, two = printed([failed({"nprocs": "1"}), row({"nprocs": "2"}, 1e-3)])
    assert one == ["1", "1", "it", "went", "wrong"]
    assert two[:5] == ["2", "0", "1", "ms", "1.000"]


def test_values_that_differ_in_one_quantity_are_a_scale() -> None:
    found = scale("pct", ["rr:1ms", "gang:300us", "rr:quantum=1s", "gang:2ms"])
    assert found is None  # one quantum has its name, the other has not
    found = scale("pct", ["rr:1ms", "gang:300us", "rr:1s", "gang:2ms"])
    assert found is not None
    assert {value: (place.line, place.number) for value, place in found.items()} == {
        "rr:1ms": ("rr", 1e9), "rr:1s": ("rr", 1e12),
        "gang:300us": ("gang", 3e8), "gang:2ms": ("gang", 2e9),
    }  # fmt: skip
    ageing = scale("pct", ["priority:2ms:ageing=1ms", "priority:2ms:ageing=9ms"])
    assert ageing is not None
    assert {place.line for place in ageing.values()} == {"priority:2ms:ageing=…"}
    assert scale("nprocs", ["4", "16"]) is not None


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("pct", ["rr:1ms", "rr:10ms", "gang:2ms"]),  # one point is no line
        ("pct", ["rr", "rr:1ms"]),
        ("pct", ["single", "gang"]),
        ("pct", ["priority:1ms:ageing=1ms", "priority:2ms:ageing=2ms"]),
        ("topology", ["torus:low", "torus:high"]),
        ("machine", ["1", "2"]),
    ],
)
def test_others_are_not(name: str, values: list[str]) -> None:
    assert scale(name, values) is None


@given(st.lists(st.text("ab:=1msg.", min_size=1), min_size=1, unique=True))
def test_any_values_are_a_scale_or_not(values: list[str]) -> None:
    found = scale("pct", values)
    assert found is None or set(found) == set(values)


def test_quanta_are_drawn_as_a_line_for_each_policy(tmp_path: Path) -> None:
    found = rows(pct=["rr:1ms", "rr:20ms", "gang:1ms", "gang:20ms"], topology=["ring", "bus"])
    draw(found, tmp_path / "a.svg", heading="heat")
    said = texts(tmp_path / "a.svg")
    for text in ("heat", "1ms", "20ms", "Virtual time", "rr, ring", "gang, bus", "8 ms"):
        assert text in said
    draw(found, tmp_path / "b.svg", heading="heat")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_scale_is_called_as_the_parameter_is(tmp_path: Path) -> None:
    draw(rows(pct=["rr:1ms", "rr:20ms"]), tmp_path / "a.svg")
    assert "quantum" in texts(tmp_path / "a.svg")
    draw(rows(nprocs=["4", "8"]), tmp_path / "b.svg")
    assert "nprocs" in texts(tmp_path / "b.svg")


def test_other_choices_are_drawn_as_bars_that_say_how_long_they_are(tmp_path: Path) -> None:
    found = rows(machine=["default", "paragon"], topology=["ring", "bus"])
    found[1] = failed(found[1].choices)
    draw(found, tmp_path / "a.svg")
    said = texts(tmp_path / "a.svg")
    for text in ("default", "paragon", "ring", "bus", "topology", "1 ms", "3 ms", "4 ms", "failed"):
        assert text in said
    assert said.count("failed") == 1


def test_more_bars_than_colours_are_told_apart_by_how_they_are_filled() -> None:
    found = [tuple(_fill(number).values()) for number in range(4 * len(COLOURS))]
    assert len(set(found)) == len(found)


def test_a_point_at_nothing_is_not_on_the_frame() -> None:
    axes = Figure().add_subplot()
    found = [row({"nprocs": "1"}, 0.0), row({"nprocs": "2"}, 1e-3)]
    _lines(axes, found, "virtual_time", *_scale(found))
    assert axes.get_ylim()[0] < 0 < axes.get_xlim()[0] < 1
    found = [row({"nprocs": "1"}, 1e-3), row({"nprocs": "2"}, 2e-3)]
    _lines(axes, found, "virtual_time", *_scale(found))
    assert axes.get_ylim()[0] == 0


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_a_picture_can_be_drawn_of_any_rows(suffix: str, tmp_path: Path) -> None:
    for number, found in enumerate(
        [
            rows(nprocs=["1"]),
            rows(nprocs=["1", "2", "4", "8", "16", "32", "64", "128", "256", "512"]),
            [failed({"nprocs": "1"}), failed({"nprocs": "2"})],
            [failed({"machine": "paragon"})],
            [row({"seed": "-1"}, 0.0), row({"seed": "1"}, 0.0)],
            [row({"nprocs": "1"}, 1e-3, 2e-3), row({"nprocs": "2"}, 1e-3, 3e-3)],
            [row({"machine": "a"}, -1.0), row({"machine": "b"}, 1.0)],
            [row({"nprocs": "1"}, -1.0), row({"nprocs": "2"}, 1.0)],
            [row({"machine": "a"}, 1e-3, 2e-3), row({"machine": "b"}, 1e-3, 3e-3)],
        ]
    ):
        path = tmp_path / f"{number}.{suffix}"
        draw(found, path)
        assert path.stat().st_size > 1000


def test_a_picture_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    for name in ("picture", "picture.gif", "nowhere/picture.png"):
        with pytest.raises(VmppError):
            draw(rows(nprocs=["1"]), tmp_path / name)
