"""What programs that measure say of a command line that makes no sense: one line, said once."""

from __future__ import annotations

import pytest

import vmpp


@pytest.mark.parametrize(
    ("program", "options", "wrong"),
    [
        ("barrier-noise", ("--phases", "0"), "--phases: '0' is no whole number above 0"),
        ("barrier-noise", ("--length", "0"), "--length: '0' is no number above 0"),
        ("barrier-noise", ("--gap", "-1"), "--gap: '-1' is no number from 0 up"),
        ("barrier-noise", ("--expect", "x"), "--expect: 'x': write it as 100ms:2500us; "),
        ("barrier-noise", ("--expect", "1ms"), "--expect: '1ms': write it as 100ms:2500us; "),
        ("barrier-noise", ("--expect", "0ms:1us"), "--expect: '0ms:1us': the period is 0"),
        ("bisect", ("--nbytes", "none"), "--nbytes: 'none' is no whole number above 0"),
        ("ftq", ("-n", "1.5"), "-n/--samples: '1.5' is no whole number above 0"),
        ("fwq", ("-f", "0"), "-f/--frequency: '0' is no whole number above 0"),
        ("gang", ("--seconds", "0"), "--seconds: '0' is no number above 0"),
        ("gang", ("--look", "nan"), "--look: 'nan' is no number above 0"),
        ("gang", ("--spread", "-2"), "--spread: '-2' is no number from 0 up"),
        ("neighbours", ("--rounds", "0"), "--rounds: '0' is no whole number above 0"),
        ("quantum", ("--grain", "0"), "--grain: '0' is no number above 0"),
        ("quantum", ("--work", "inf"), "--work: 'inf' is no number above 0"),
    ],
)
def test_a_slip_is_told_once(program: str, options: tuple[str, ...], wrong: str) -> None:
    result = vmpp.run(program, options, nprocs=4)
    assert result.status == 2
    errors = [line for line in result.stderr.decode().splitlines() if "error" in line]
    assert len(errors) == 1
    assert f"{program}: error: argument {wrong}" in errors[0]
    assert "Traceback" not in result.stderr.decode()


def test_one_rank_has_no_neighbours() -> None:
    result = vmpp.run("neighbours", nprocs=1)
    assert (result.status, result.stderr) == (1, b"neighbours: take at least two processes\n")


def test_help_is_printed_once() -> None:
    result = vmpp.run("gang", ["--help"], nprocs=4)
    assert result.status == 0
    assert result.stdout.decode().count("usage:") == 1
