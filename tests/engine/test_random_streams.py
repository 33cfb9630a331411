"""Named random streams depend on the seed and their own name, and on nothing else."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from vmpp.engine import Streams


def draws(streams: Streams, name: str, count: int = 5) -> list[float]:
    generator = streams.stream(name)
    return [generator.random() for _ in range(count)]


@given(st.integers(), st.text(), st.lists(st.text()))
def test_other_consumers_do_not_shift_a_stream(seed: int, name: str, others: list[str]) -> None:
    alone = draws(Streams(seed), name)
    streams = Streams(seed)
    for other in others:
        draws(streams, other, 1)
    assert draws(streams, name) == alone


@given(st.integers(), st.text(), st.text())
def test_different_names_are_different_streams(seed: int, one: str, other: str) -> None:
    streams = Streams(seed)
    assert (draws(streams, one) == draws(streams, other)) == (one == other)


@given(st.integers(), st.integers())
def test_different_seeds_are_different_streams(one: int, other: int) -> None:
    assert (draws(Streams(one), "x") == draws(Streams(other), "x")) == (one == other)


def test_a_stream_is_the_same_in_another_interpreter() -> None:
    program = "from vmpp.engine import Streams; print(Streams(7).stream('noise').getrandbits(64))"
    runs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert runs == {f"{Streams(7).stream('noise').getrandbits(64)}\n".encode()}
