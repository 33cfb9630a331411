"""What is measured of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import vmpp
from vmpp.machine.comparison import MEASURES
from vmpp.machine.result import Result


def printing(text: bytes) -> Result:
    return Result(0, [0], 0.0, text, b"", "", {}, [], None)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"20 steps took 6.170 ms\n", 6.17),
        (b"sent 1,234,567 bytes", 1234567),
        (b"1,2,3", 3),
        (b"at -4e-3.", -0.004),
        (b"no number", None),
        (b"", None),
        (b"1e999", None),
    ],
)
def test_the_last_number_printed(text: bytes, number: float | None) -> None:
    assert MEASURES["printed"].of(printing(text)) == number


def test_all_measures_of_a_run(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("from mpi4py import MPI\nMPI.COMM_WORLD.barrier()\nprint(7)\n")
    result = vmpp.run(program, nprocs=4, copies=2)
    found = {name: measure.of(result) for name, measure in MEASURES.items()}
    assert found["virtual_time"] == result.virtual_time
    assert found["messages"] == result.counters["messages"]
    assert found["bytes"] == result.counters["bytes"]
    assert (found["drops"], found["lost"], found["printed"]) == (0, 0, 7)
    assert found["distance"] == result.copies[0].distance
    # The second copy waits for the first one's nodes.
    load = found["load_time"]
    assert load is not None
    assert load > result.copies[0].virtual_time


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("virtual_time", 0.0615, "61.5 ms"),
        ("messages", 1234.0, "1,234"),
        ("messages", 1234.5, "1,234.5"),
        ("distance", 8 / 3, "2.67"),
        ("printed", 0.1, "0.1"),
    ],
)
def test_measures_are_written_for_people(name: str, value: float, written: str) -> None:
    write: Callable[[float], str] = MEASURES[name].write
    assert write(value) == written
