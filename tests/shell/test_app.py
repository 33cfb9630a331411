"""The command ``vmpp`` as it is started: on a pipe, with a command, with a state."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

VMPP = Path(sys.executable).with_name("vmpp")


def vmpp(
    *arguments: str, folder: Path, given: str = "", **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [VMPP, *arguments],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environ},
    )


def test_commands_come_from_a_pipe_without_a_prompt(tmp_path: Path) -> None:
    done = vmpp("--ephemeral", folder=tmp_path, given="echo one\nunset none\n")
    assert (done.stdout, done.stderr) == ("one\n", "unset: no such variable: 'none'\n")
    assert done.returncode == 1


def test_one_command_has_its_status_and_input(tmp_path: Path) -> None:
    (tmp_path / "cat.py").write_text("import sys\nprint(sys.stdin.read())\nsys.exit(3)\n")
    done = vmpp("--ephemeral", "-c", "yod /host/cat.py", folder=tmp_path, given="words")
    assert (done.stdout, done.stderr, done.returncode) == ("words\n", "", 3)


def test_answers_stand_where_the_commands_are(tmp_path: Path) -> None:
    script = "login root\nadduser bob\npass\npass\nlogout\nlogin bob\npass\nwhoami\n"
    done = vmpp("--ephemeral", folder=tmp_path, given=script)
    assert done.stdout.endswith("bob\n")


def test_jobs_in_the_background_are_waited_for_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "sleeper.py").write_text("import time\ntime.sleep(1)\nprint('done')\n")
    done = vmpp("--ephemeral", "-c", "yod /host/sleeper.py &", folder=tmp_path)
    assert (done.stdout, done.returncode) == ("done\n", 0)
    assert done.stderr.splitlines()[-1] == "[1] Done  yod /host/sleeper.py"


def test_a_state_is_kept_from_start_to_start(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state"))
    vmpp(*state, "-c", "echo kept > note", folder=tmp_path)
    assert vmpp(*state, "-c", "cat note", folder=tmp_path).stdout == "kept\n"
    assert vmpp("--ephemeral", "-c", "cat note", folder=tmp_path).returncode == 1


def test_a_machine_is_up_since_its_last_boot(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state"))
    for _ in "first", "again":
        told = vmpp(*state, "-c", "machine", folder=tmp_path).stdout.splitlines()[-1]
        assert re.fullmatch(r"up +\d+\.\d+ us", told)


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    for arguments, message in (
        (("--machine", "paragn", "-c", "time"), "did you mean 'paragon'"),
        (("--state", "x", "--ephemeral"), "--state and --ephemeral exclude each other"),
        (("nonsense",), "no such command 'nonsense'"),
    ):
        done = vmpp(*arguments, folder=tmp_path)
        assert message in done.stderr
        assert done.stderr.startswith("vmpp: error: ")
        assert done.stderr.count("\n") == 1
        assert done.returncode == 2


def test_output_in_a_pipe_is_plain(tmp_path: Path) -> None:
    done = vmpp("--ephemeral", "-c", "help; policy", folder=tmp_path, FORCE_COLOR="")
    assert "\x1b" not in done.stdout
    assert not any(line.endswith(" ") for line in done.stdout.splitlines())


def test_time_limits_are_those_of_virtual_time(tmp_path: Path) -> None:
    """However far virtual time is on its way by the time that the host looks."""
    (tmp_path / "ring.py").write_text(
        "import vmpp\nfrom mpi4py import MPI\nfor _ in range(10):\n"
        "    vmpp.compute(1e-3)\n    MPI.COMM_WORLD.barrier()\n"
    )
    script = "srun -n 2 -t 5ms /host/ring.py\nsrun -n 2 -t 11ms /host/ring.py\n" * 3
    done = vmpp("--ephemeral", "--nodes", "2", folder=tmp_path, given=script + "echo here\n")
    told = [f"the time limit of job {number} is over" for number in (1, 3, 5)]
    assert (done.stdout, done.stderr.splitlines(), done.returncode) == ("here\n", told, 0)
