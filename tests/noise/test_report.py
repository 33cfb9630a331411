"""The report on noise: reading files, finding what recurs, and the picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vmpp.errors import VmppError
from vmpp.machine.comparison.picture import PictureError
from vmpp_shell.app import vmpp as command_line
from vmpp_shell.noise.report import Report, report
from vmpp_shell.noise.samples import SamplesError, read

Wave = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]


def file(wave: Wave, *, samples: int = 2048, frequency: int = 1000, head: str = "ftq") -> bytes:
    """Return a file in which 1000 units of work fit a sample, less what *wave* takes."""
    times = np.arange(samples) / frequency
    counts = np.round(1000 * (1 - wave(times)))
    rows = [f"{round(1e9 * t)} {round(c)}" for t, c in zip(times, counts, strict=True)]
    return "\n".join([f"# {head}", f"# Frequency {frequency}", *rows]).encode()


def size(picture: Path) -> tuple[int, int]:
    with Image.open(picture) as opened:
        return opened.size


def reported(*contents: bytes) -> Report:
    named = [(f"{number}.dat", content) for number, content in enumerate(contents)]
    return report(named, stretches=4, most=10)


@pytest.mark.parametrize("frequency", [20.0, 60.0, 123.4, 333.3])
def test_a_wave_is_found_at_its_frequency_with_its_amplitude(frequency: float) -> None:
    noisy = np.random.default_rng(1).normal(0, 0.01, 2048)
    wave = file(lambda t: 0.3 + 0.1 * np.sin(2 * np.pi * frequency * t) + noisy)
    (line,) = reported(wave).data()[0]["lines"]
    assert line["frequency"] == pytest.approx(frequency, abs=0.5)
    assert line["period"] == pytest.approx(1 / frequency, rel=0.01)
    # Between two points of the spectrum it shows a little less.
    assert 0.07 < line["amplitude"] * (1 - 0.1) < 0.12


def test_two_waves_are_told_apart_and_harmonics_are_told_as_such() -> None:
    wave = file(
        lambda t: (
            0.3
            + 0.1 * np.sin(2 * np.pi * 50 * t)
            + 0.05 * np.sin(2 * np.pi * 150 * t)
            + 0.05 * np.sin(2 * np.pi * 217 * t)
        )
    )
    lines = reported(wave).data()[0]["lines"]
    assert [round(line["frequency"]) for line in lines] == [50, 150, 217]
    assert [line["harmonic"] for line in lines] == [None, 3, None]


@pytest.mark.parametrize("seed", range(20))
def test_chance_has_no_lines(seed: int) -> None:
    noisy = np.random.default_rng(seed).exponential(0.05, 4096)
    made = reported(file(lambda t: np.minimum(noisy, 1), samples=4096)).data()[0]
    assert made["lines"] == []
    assert made["period"] is None


def test_silence_has_nothing_to_tell() -> None:
    (made,) = reported(file(lambda t: 0 * t)).data()
    assert (made["lost"], made["lines"], made["period"], made["even"]) == (0, [], None, True)


def test_only_the_strongest_lines_are_told() -> None:
    content = file(lambda t: 0.2 * ((1000 * t).round() % 10 < 1))
    every = report([("a", content)], stretches=4, most=10).data()[0]["lines"]
    two = report([("a", content)], stretches=4, most=2).data()[0]["lines"]
    assert len(every) == 5
    assert len(two) == 2


def test_a_file_without_a_frequency_has_that_of_its_times() -> None:
    content = file(lambda t: 0.1 + 0.1 * np.sin(2 * np.pi * 30 * t), frequency=500)
    bare = b"\n".join(line for line in content.splitlines() if not line.startswith(b"#"))
    made = reported(content, bare).data()
    assert made[0]["interval"] == made[1]["interval"] == 0.002
    assert made[0]["lines"] == made[1]["lines"]


def test_samples_of_fixed_work_are_lost_by_what_they_take_more() -> None:
    rows = "\n".join(f"{k * 1000} {1000 if k % 2 else 1500}" for k in range(100))
    samples = read(f"# fwq\n{rows}", "w")
    assert samples.fixed_work
    assert samples.lost[:2] == pytest.approx([0.5, 0])
    assert samples.share == pytest.approx(0.25 / 1.25)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "x: 0 samples are too few; take 64 at least"),
        ("1 2 3", "x:1: '1 2 3' is not a time and a value"),
        ("# a\n\none two", "x:3: 'one two' is not a time and a value"),
        ("\n".join(f"{-k} 5" for k in range(64)), "x: the samples are not in the order of their"),
        ("\n".join(f"{k} 0" for k in range(64)), "x: nothing but zeros was measured"),
        ("# Frequency none\n" + "1 1\n" * 63 + "2 1", "x: '# Frequency none' tells no frequency"),
        ("\n".join(f"{k} nan" for k in range(64)), "x:1: '0 nan' is not a time and a value"),
    ],
)
def test_what_is_no_file_of_samples_is_refused_in_a_line(content: str, complaint: str) -> None:
    with pytest.raises(SamplesError) as raised:
        read(content, "x")
    assert str(raised.value).startswith(complaint)
    assert "\n" not in str(raised.value)


@given(
    st.text()
    | st.lists(st.tuples(st.floats(), st.floats()), min_size=64).map(
        lambda rows: "\n".join(f"{when} {value}" for when, value in rows)
    )
)
def test_whatever_stands_in_a_file_is_reported_on_or_refused(text: str) -> None:
    try:
        made = reported(text.encode("utf-8", "replace"))
    except VmppError:
        return
    assert len(made.data()) == 1
    made.tables()


def test_the_picture_has_a_column_for_each_file_and_is_the_same_each_time(tmp_path: Path) -> None:
    wave = file(lambda t: 0.1 + 0.1 * np.sin(2 * np.pi * 30 * t))
    one, two = reported(wave), reported(wave, wave)
    for made, name in ((one, "one.png"), (two, "two.png")):
        (tmp_path / name).write_bytes(made.picture(name))
    sizes = [size(tmp_path / name) for name in ("one.png", "two.png")]
    assert sizes[0][1] == sizes[1][1]
    assert sizes[1][0] > 1.5 * sizes[0][0]
    assert one.picture("a.svg") == one.picture("b.svg")
    assert one.picture("a.pdf").startswith(b"%PDF")


def test_a_picture_of_another_kind_is_refused() -> None:
    with pytest.raises(PictureError, match=r"'x.pg' names no picture; did you mean '.png'\?"):
        reported(file(lambda t: 0 * t)).picture("x.pg")


# -- the command line ----------------------------------------------------------------------------


def test_the_command_prints_tables_and_writes_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "ftq_0.dat"
    path.write_bytes(file(lambda t: 0.1 + 0.1 * np.sin(2 * np.pi * 30 * t)))
    picture = tmp_path / "ftq.png"
    done = CliRunner().invoke(
        command_line, ["noise", "report", str(path), "-o", str(picture)], catch_exceptions=False
    )
    assert done.exit_code == 0
    header, row, blank, lines, line = done.output.splitlines()
    assert header.split() == ["File", "Samples", "Interval", "Lost", "Recurs", "every"]
    assert row.split()[1:4] == ["2,048", "1", "ms"]
    assert blank == ""
    assert lines.split() == ["File", "Frequency", "Period", "Amplitude", "Strength", "Harmonic"]
    assert " 30.0" in line
    assert size(picture) > (500, 500)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nothing.dat"], "nothing.dat: No such file or directory"),
        (["nothing.dat", "-o", "x.gif"], "'x.gif' names no picture"),
    ],
)
def test_the_command_refuses_in_a_line(arguments: list[str], complaint: str) -> None:
    with pytest.raises(VmppError, match=complaint):
        CliRunner().invoke(command_line, ["noise", "report", *arguments], catch_exceptions=False)


def test_the_data_are_json(tmp_path: Path) -> None:
    (made,) = json.loads(json.dumps(reported(file(lambda t: 0 * t)).data()))
    assert made["samples"] == 2048
