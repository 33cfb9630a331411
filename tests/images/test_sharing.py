"""The images gang and quantum: what coordination does for messages, and what small quanta cost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import vmpp
from vmpp.machine.description import load, parameters
from vmpp.machine.plugins import Plugins


def average(output: bytes) -> float:
    """Return the mean latency that gang has found, in microseconds."""
    found = re.search(rb"messages: ([\d.]+) us on average", output)
    assert found is not None
    return float(found[1])


def gang(pct: str, copies: int = 2, *options: str, **more: Any) -> list[float]:
    """Run copies of gang and return the mean latency of each."""
    arguments = ["--seconds", "0.06", *options]
    result = vmpp.run(
        "gang", arguments, nprocs=2, copies=copies, policies={"pct": pct}, seed=1, **more
    )
    assert result.failure is None
    return [average(copy.stdout) for copy in result.copies or [result]]


def test_without_coordination_messages_wait_for_slices_and_with_it_they_hardly_do() -> None:
    (alone,) = gang("single", copies=1)
    uncoordinated = gang("rr:2ms")
    coordinated = gang("gang:2ms")
    assert alone < 10
    assert min(uncoordinated) > 5 * alone
    assert max(coordinated) < min(uncoordinated) / 2


def test_the_distribution_adds_up_and_is_drawn(tmp_path: Path) -> None:
    result = vmpp.run(
        "gang", ["--seconds", "0.01", "--plot", "latencies.png"], nprocs=4, cwd=tmp_path
    )
    assert (result.status, result.stderr) == (0, b"")
    shares = [float(share) for share in re.findall(rb"us +([\d.]+) % #", result.stdout)]
    assert sum(shares) == pytest.approx(100, abs=0.5)
    with Image.open(tmp_path / "latencies.png") as picture:
        assert picture.size == (720, 480)


def test_an_odd_number_of_ranks_cannot_play() -> None:
    result = vmpp.run("gang", nprocs=3)
    assert result.status == 1
    assert b"gang: ranks play in pairs; take an even number of them" in result.stderr


def slowdown(pct: str, copies: int = 2) -> float:
    """Return how much longer than its work the slowest of some copies takes, for each of them."""
    result = vmpp.run(
        "quantum",
        ["--work", "0.1"],
        nprocs=8,
        machine="crescendo",
        copies=copies,
        policies={"pct": pct},
    )
    assert result.failure is None
    outputs = [copy.stdout for copy in result.copies or [result]]
    times = [re.search(rb"took ([\d.]+) s", output) for output in outputs]
    return max(float(found[1]) for found in times if found) / 0.1 / copies


def test_quanta_of_two_milliseconds_cost_next_to_nothing_and_small_ones_much() -> None:
    """STORM on Crescendo: 'virtually no' degradation at 2 ms, flat above, a limit at 300 us."""
    alone = slowdown("single", copies=1)
    assert slowdown("gang:10ms") / alone < 1.06
    assert slowdown("gang:2ms") / alone < 1.04
    steep = [slowdown(f"gang:{quantum}") / alone for quantum in ("1ms", "500us", "300us")]
    assert steep == sorted(steep)
    assert 1.03 < steep[0] < 1.06
    assert steep[2] > 1.12


def test_every_value_of_crescendo_is_given_and_its_sources_named() -> None:
    plugins = Plugins.installed()
    text = plugins.machines["crescendo"].read_text()
    unsaid = {"name", "collectives", "tools", "servers"}
    keys = {each.key for each in parameters() if each.table != "[noise]"}
    assert {key for key in keys - unsaid if f"\n{key} = " not in text} == set()
    assert load("crescendo", plugins).sources
