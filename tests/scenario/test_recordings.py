"""What the shell records replays equal to itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMAND = Path(sys.executable).with_name("vmpp")
PROGRAM = """
import sys, time
from mpi4py import MPI
time.sleep(float(sys.argv[1]))
print("rank", MPI.COMM_WORLD.rank, "at", MPI.Wtime())
"""
SESSION = """
record /host/session.vmpp
whoami
yod -sz 2 /host/program.py 0.01 &
sleep 2ms
jobs
wait
put program.py
yod program.py 0
login nobody
nonsense
echo '...' > file; cat file
time
record --stop
whoami
"""


def vmpp(folder: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_session_of_the_shell_replays(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    vmpp(tmp_path, "--ephemeral", typed=SESSION)
    text = (tmp_path / "session.vmpp").read_text()
    assert text.count("vmpp> ") == SESSION.count("\n") - 4
    assert "rank 1 at 0.0" in text
    replayed = vmpp(tmp_path, "test", "session.vmpp")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
