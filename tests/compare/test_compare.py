"""One program under every combination of some choices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import vmpp
from vmpp import VmppError

COMMAND = Path(sys.executable).with_name("vmpp")


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """Return what writes a program, which has MPI and ``comm``."""

    def write(text: str) -> Path:
        path = tmp_path / "program.py"
        path.write_text("import vmpp\nfrom mpi4py import MPI\ncomm = MPI.COMM_WORLD\n"
                        + dedent(text))  # fmt: skip
        return path

    return write


def command(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "compare", *map(str, arguments)],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_a_row_says_what_a_run_of_its_own_would(program: Callable[[str], Path]) -> None:
    path = program("comm.allreduce(comm.rank)\nprint(comm.size, 'ranks')")
    timings = ["contention-free", "wormhole"]
    rows = vmpp.compare(path, nprocs=3, vary={"nprocs": [5], "timing": timings})
    for row, (nprocs, timing) in zip(rows, [(5, timing) for timing in timings], strict=True):
        alone = vmpp.run(path, nprocs=nprocs, policies={"timing": timing})
        assert row.choices == {"nprocs": str(nprocs), "timing": timing}
        (trial,) = row.trials
        assert (row.status, row.virtual_time) == (0, alone.virtual_time)
        assert (trial.digest, trial.stdout) == (alone.digest, alone.stdout)
        assert trial.measures["messages"] == alone.counters["messages"]
        assert trial.measures["printed"] == nprocs
        assert trial.policies == alone.policies
        assert trial.policies["timing"] == timing


def test_how_many_run_at_once_makes_no_difference(program: Callable[[str], Path]) -> None:
    path = program("import random\nvmpp.compute(random.random())\nprint(comm.allreduce(comm.rank))")
    vary: dict[str, list[Any]] = {"seed": [1, 2, 3]}
    one, many = (vmpp.compare(path, vary=vary, jobs=jobs) for jobs in (1, 3))
    assert one == many
    assert len({row.virtual_time for row in one}) == 3


def test_a_combination_that_fails_is_a_row_and_the_others_go_on(
    program: Callable[[str], Path], tmp_path: Path
) -> None:
    path = program(
        """
        print("so far, so good")
        if comm.size == 2:
            raise ValueError("not with two")
        """
    )
    done = command(tmp_path, path, "--vary", "nprocs=1,2,9999", "--machine", "paragon")
    assert done.returncode == 2
    head, *lines = done.stdout.splitlines()
    assert head.split()[:3] == ["nprocs", "Status", "Virtual"]
    assert [line.split()[:2] for line in lines] == [["1", "0"], ["2", "1"], ["9999", "2"]]
    assert "raised an exception: ValueError: not with two" in lines[1]
    assert "machine 'paragon' has 1840 compute nodes, not 9999" in lines[2]
    # What the failed run has printed is told, with the traceback.
    assert "nprocs=2:\nso far, so good\n" in done.stderr
    assert 'raise ValueError("not with two")' in done.stderr
    assert "9999" not in done.stderr


def test_a_program_that_takes_its_process_with_it_is_a_row(program: Callable[[str], Path]) -> None:
    path = program("if comm.size == 2:\n"
                   "    import ctypes\n    ctypes.string_at(0)\n")  # fmt: skip
    well, killed = vmpp.compare(path, vary={"nprocs": [1, 2]})
    assert well.error is None
    assert killed.status == 2
    assert killed.error == "its process was ended by SIGSEGV"


def test_several_seeds_make_a_mean(program: Callable[[str], Path], tmp_path: Path) -> None:
    path = program("import random\nvmpp.compute(random.random())")
    (row,) = vmpp.compare(path, vary={"nprocs": [1]}, seeds=2, seed=5)
    times = [vmpp.run(path, seed=seed).virtual_time for seed in (5, 6)]
    assert [trial.seed for trial in row.trials] == [5, 6]
    assert list(row.values("virtual_time")) == times
    assert row.virtual_time == pytest.approx(sum(times) / 2)
    done = command(tmp_path, "--seeds", "2", "--vary", "nprocs=1", "--csv", "values.csv", path)
    assert "Least .. most" in done.stdout
    lines = (tmp_path / "values.csv").read_text().splitlines()
    assert lines[0].startswith("nprocs,seed,status,virtual_time,")
    assert [line.split(",")[1] for line in lines[1:]] == ["0", "1"]
    with pytest.raises(VmppError, match="several seeds"):
        vmpp.compare(path, vary={"seed": [1, 2]}, seeds=2)


def test_the_ratio_is_to_the_first_row_that_ended_well(
    program: Callable[[str], Path], tmp_path: Path
) -> None:
    path = program("assert comm.size > 1\nvmpp.compute(comm.size)")
    done = command(tmp_path, "--vary", "nprocs=1,2,4", path)
    ratios = [line.split()[4] for line in done.stdout.splitlines()[2:]]
    assert ratios == ["1.000", "2.000"]


def test_options_may_follow_on_the_program_and_its_own_on_two_dashes(
    program: Callable[[str], Path], tmp_path: Path
) -> None:
    path = program("import sys\nraise SystemExit(' '.join(sys.argv[1:]))")
    done = command(tmp_path, path, "few", "--vary", "nprocs=1", "--", "--vary", "-n", "7")
    assert done.returncode == 1
    assert "few --vary -n 7" in done.stderr
    done = command(tmp_path, path, "--vary", "nprocs=1", "--steps", "7")
    assert done.returncode == 2
    assert "no such option" in done.stderr.lower()
    assert "; options of PROGRAM stand behind '--'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["program.py"], "missing option '--vary'"),
        (
            ["--vary", "nprocs=2", "--measure", "time", "program.py"],
            "nothing is measured as 'time'",
        ),
        (["--vary", "nprocs=2", "-o", "a.gif", "program.py"], "'a.gif' names no picture"),
        (["--vary", "nprocs=2", "-o", "no/a.png", "program.py"], "there is no folder 'no'"),
        (["--vary", "nprocs=2", "progam.py"], "no such program: 'progam.py'; did you mean"),
        (["--vary", "timing=wormhole", "--pct", "none", "program.py"], "no plugin offers the pct"),
    ],
)
def test_mistakes_are_found_before_anything_runs(
    arguments: list[str], said: str, program: Callable[[str], Path], tmp_path: Path
) -> None:
    program("open('ran', 'w').close()")
    done = command(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("vmpp: error: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "ran").exists()


def test_an_interrupt_ends_all_of_them(program: Callable[[str], Path], tmp_path: Path) -> None:
    path = program("open(f'pid-{comm.size}', 'w').close()\nwhile True:\n    vmpp.compute(1e-6)")
    running = subprocess.Popen(
        [COMMAND, "compare", "-j", "2", "--vary", "nprocs=1,2", path],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    while not all((tmp_path / f"pid-{size}").exists() for size in (1, 2)):
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert (running.returncode, out, err.strip()) == (130, b"", b"")
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)
