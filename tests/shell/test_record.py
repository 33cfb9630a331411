"""What is recorded at the shell is a scenario that replays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .conftest import OpenShell

VMPP = Path(sys.executable).with_name("vmpp")
SESSION = """\
record /host/session.vmpp
whoami
yod -n 4 /host/program.py &
sleep 2ms
jobs
wait
time
yod -n 900 /host/program.py
record --stop
whoami
"""
PROGRAM = """\
from mpi4py import MPI
comm = MPI.COMM_WORLD
print(comm.rank, comm.allreduce(1), MPI.Wtime())
"""


def vmpp(*arguments: str, folder: Path, **options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [VMPP, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,  # type: ignore[arg-type]
    )


def test_a_recorded_session_replays_to_the_last_picosecond(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    done = vmpp("--ephemeral", "--nodes", "4", folder=tmp_path, input=SESSION)
    recorded = (tmp_path / "session.vmpp").read_text()
    assert "vmpp> jobs" in recorded
    assert "[2]" in recorded.splitlines()
    assert "record" not in recorded
    assert recorded.count("whoami") == 1
    assert done.stdout.endswith(done.stdout.splitlines()[0] + "\n")
    replayed = vmpp("test", "session.vmpp", folder=tmp_path)
    assert replayed.returncode == 0, replayed.stdout


async def test_recordings_begin_and_end_once(shell: OpenShell, tmp_path: Path) -> None:
    async with shell(folder=tmp_path) as sh:
        assert await sh("record") == "record: say in which FILE, or --stop (try 'record --help')\n"
        assert await sh("record --stop") == "record: nothing is being recorded\n"
        assert await sh("record /images/x") == "record: /images/x: Permission denied\n"
        assert await sh("record /host/one.vmpp") == ""
        assert "under way" in await sh("record /host/two.vmpp")
        await sh("whoami > who; record --stop; yod -n 2 heat --help | head -n 1")
        assert "used before" in await sh("record /host/three.vmpp")
