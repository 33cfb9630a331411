"""The programs that measure noise: ftq, its defective twin fwq, and barrier-noise."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

import vmpp
from vmpp.machine.description import MachineDescription
from vmpp_shell.noise.report import Report, report

Machines: TypeAlias = Callable[..., MachineDescription]

HOG = """
[[noise]]
name = "timer"
period = "10 ms"
duration = "500 us"

[[noise]]
name = "hog"
period = "100 ms"
duration = "10 ms"
jitter = "100 ms"
"""


class Row(NamedTuple):
    """What barrier-noise prints of some ranks."""

    ranks: int
    phase: float
    slowdown: float
    expected: float = 0.0
    hit: str = ""


@pytest.fixture
def image(tmp_path: Path) -> Callable[..., str]:
    """Return what runs an image in a folder of its own, and returns what it prints."""

    def run(name: str, machine: MachineDescription, *args: object, nprocs: int = 1) -> str:
        result = vmpp.run(
            name, [str(each) for each in args], nprocs=nprocs, machine=machine, cwd=tmp_path
        )
        assert result.status == 0, result.failure
        return result.stdout.decode()

    return run


@pytest.fixture
def barrier(image: Callable[..., str]) -> Callable[..., dict[int, Row]]:
    """Return what runs barrier-noise, and returns what it prints by the number of ranks."""

    def run(machine: MachineDescription, *args: object, nprocs: int) -> dict[int, Row]:
        rows = {}
        for line in image("barrier-noise", machine, *args, nprocs=nprocs).splitlines()[1:]:
            ranks, *numbers = line.replace(",", "").split()
            *numbers, hit = numbers if len(numbers) == 4 else (*numbers, "")
            rows[int(ranks)] = Row(int(ranks), *map(float, numbers), hit=hit)
        return rows

    return run


def columns(file: Path) -> tuple[list[str], list[tuple[int, int]]]:
    lines = file.read_text().splitlines()
    comments = [line for line in lines if line.startswith("#")]
    values = [tuple(map(int, line.split())) for line in lines if not line.startswith("#")]
    return comments, values  # type: ignore[return-value]


def reported(*files: Path) -> Report:
    return report([(each.name, each.read_bytes()) for each in files], stretches=4, most=10)


def test_a_silent_node_gets_as_much_done_in_every_interval(
    image: Callable[..., str], machine: Machines, tmp_path: Path
) -> None:
    image("ftq", machine(), "-n", 100, "-f", 1000, "-u", 20)
    comments, samples = columns(tmp_path / "ftq_0.dat")
    assert comments == [
        "# ftq: nanoseconds, units of work", "# Frequency 1000", "# Total count 2000",
        "# Max possible work 2000", "# Fraction 1.000000", "# rank 0 on test-n00000",
    ]  # fmt: skip
    assert [count for _, count in samples] == [20] * 100
    assert {b - a for (a, _), (b, _) in pairwise(samples)} == {1_000_000}


def test_every_rank_writes_a_file_and_the_first_to_standard_output_if_asked(
    image: Callable[..., str], machine: Machines, tmp_path: Path
) -> None:
    image("ftq", machine(), "-n", 5, "-o", "mine", nprocs=3)
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "mine_0.dat", "mine_1.dat", "mine_2.dat",
    ]  # fmt: skip
    printed = image("fwq", machine(), "-n", 5, "-s", nprocs=3)
    assert printed.splitlines()[0] == "# fwq: nanoseconds, nanoseconds"
    assert printed.splitlines()[-1] == "4000000 1000000"
    assert not list(tmp_path.glob("fwq*"))


def test_an_event_takes_its_length_out_of_the_interval_that_it_falls_into(
    image: Callable[..., str], machine: Machines, tmp_path: Path
) -> None:
    noisy = machine("periodic:10ms:200us:phase=5300us:synchronised=yes")
    image("ftq", noisy, "-n", 200, "-u", 50)
    counts = [count for _, count in columns(tmp_path / "ftq_0.dat")[1]]
    # 50 units of 20 us, of which an event takes 10, in every tenth sample.
    assert sorted(set(counts)) == [40, 50]
    hit = [place for place, count in enumerate(counts) if count == 40]
    assert hit == list(range(hit[0], 200, 10))


def test_what_is_lost_in_the_mean_is_the_share_of_the_noise(
    image: Callable[..., str], machine: Machines, tmp_path: Path
) -> None:
    image("ftq", machine("ferreira-100hz"), "-n", 1000)
    image("fwq", machine("ferreira-100hz"), "-n", 1000)
    made = reported(tmp_path / "ftq_0.dat", tmp_path / "fwq_0.dat").data()
    assert [each["lost"] for each in made] == pytest.approx([0.025, 0.025], abs=0.0005)


def test_the_report_finds_the_timer_of_linux_in_what_ftq_measures(
    image: Callable[..., str], machine: Machines, tmp_path: Path
) -> None:
    image("ftq", machine("linux-100hz"), "-n", 2048, "-u", 200)
    (made,) = reported(tmp_path / "ftq_0.dat").data()
    assert made["even"]
    strongest = sorted(made["lines"], key=lambda line: -line["amplitude"])
    assert sorted(line["frequency"] for line in strongest[:5]) == pytest.approx(
        [100, 200, 300, 400, 500], abs=0.3
    )


def test_the_cepstrum_has_the_period_of_all_harmonics_together(
    image: Callable[..., str], machine: Machines, tmp_path: Path
) -> None:
    image("ftq", machine("ferreira-100hz"), "-n", 1024, "-u", 20)
    (made,) = reported(tmp_path / "ftq_0.dat").data()
    assert made["period"] == pytest.approx(0.01)
    assert [line["harmonic"] for line in made["lines"]] == [None, 2, 3, 4, 5]


def test_fwq_has_the_timer_at_a_wrong_frequency(
    image: Callable[..., str], machine: Machines, tmp_path: Path
) -> None:
    # Of every 10 ms a tenth is lost: fwq sees events after 9 ms of work, every ninth sample.
    noisy = machine("periodic:10ms:1ms")
    image("ftq", noisy, "-n", 2048)
    image("fwq", noisy, "-n", 2048)
    right, wrong = reported(tmp_path / "ftq_0.dat", tmp_path / "fwq_0.dat").data()
    assert right["even"]
    assert right["lines"][0]["frequency"] == pytest.approx(100, abs=0.3)
    assert not wrong["even"]
    assert wrong["lines"][0]["frequency"] == pytest.approx(111.1, abs=0.3)


def test_fwq_does_not_see_a_timer_at_all_where_something_else_runs_as_well(
    image: Callable[..., str], machine: Machines, tmp_path: Path
) -> None:
    image("ftq", machine(sources=HOG), "-n", 4096, "-u", 50)
    image("fwq", machine(sources=HOG), "-n", 4096, "-u", 50)
    files = tmp_path / "ftq_0.dat", tmp_path / "fwq_0.dat"
    made = reported(*files)
    right, wrong = made.data()
    near = [line for line in right["lines"] if abs(line["frequency"] - 100) < 0.5]
    assert near
    assert near[0]["level"] > 13
    assert wrong["lines"] == []
    assert made.cautions() == [
        "fwq_0.dat: the samples are not evenly spaced: the last ones begin 689 intervals too late; "
        "what recurs is not to be found in them, or not at its frequency"
    ]
    # The hog has the CPU for a tenth of the time: in 1 of 10 of ftq's samples nothing gets done,
    # while all but 1 of 100 of fwq's look as if there were none.
    counts = [count for _, count in columns(files[0])[1]]
    times = [took for _, took in columns(files[1])[1]]
    assert sum(count == 0 for count in counts) / len(counts) == pytest.approx(0.09, abs=0.02)
    assert sum(took > 5_000_000 for took in times) / len(times) == pytest.approx(0.011, abs=0.003)


@pytest.mark.parametrize("arguments", [("-n", "0"), ("-f", "x"), ("--wrong",)])
def test_wrong_arguments_are_the_programs_to_complain_of(
    arguments: tuple[str, ...], machine: Machines, tmp_path: Path
) -> None:
    result = vmpp.run("ftq", arguments, machine=machine(), cwd=tmp_path)
    assert result.status == 2
    assert b"usage: ftq" in result.stderr


# -- ranks that wait for each other --------------------------------------------------------------


def test_phases_are_delayed_as_the_theory_says(
    barrier: Callable[..., dict[int, Row]], machine: Machines
) -> None:
    # Phases begin all over the period: the golden section spreads them evenly.
    arguments = ("--gap", 61.8034, "--phases", 144, "--expect", "100ms:2500us")
    noisy = barrier(machine("ferreira-10hz"), *arguments, nprocs=64)
    silent = barrier(machine(), *arguments, nprocs=64)
    assert noisy[1].hit == "3.50%"
    assert noisy[64].hit == "89.77%"
    for ranks in (1, 4, 16, 64):
        delay = (noisy[ranks].phase - silent[ranks].phase) / 1000
        assert delay == pytest.approx(noisy[ranks].expected - 1, rel=0.12)


def test_noise_that_all_have_at_once_costs_no_more_than_its_share(
    barrier: Callable[..., dict[int, Row]], machine: Machines
) -> None:
    rows = barrier(machine("ferreira-10hz:synchronised=yes"), nprocs=32)
    for row in rows.values():
        assert row.slowdown == pytest.approx(1.03, abs=0.01)


def test_few_long_events_cost_much_more_than_many_short_ones_and_that_grows(
    barrier: Callable[..., dict[int, Row]], machine: Machines
) -> None:
    coarse, medium, fine = (
        barrier(machine(f"ferreira-{rate}hz"), "--phases", 100, nprocs=64)
        for rate in (10, 100, 1000)
    )
    assert coarse[1].slowdown == pytest.approx(1.0256, abs=0.015)
    assert fine[1].slowdown == pytest.approx(1.0256, abs=0.002)
    assert coarse[64].slowdown > 2.3
    assert 1.15 < medium[64].slowdown < 1.4
    assert fine[64].slowdown < 1.07
    slower = [coarse[ranks].slowdown / fine[ranks].slowdown for ranks in (1, 4, 16, 64)]
    assert slower == sorted(slower)
