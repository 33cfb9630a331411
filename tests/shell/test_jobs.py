"""Jobs are launched, listed, signalled and waited for from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vmpp.scenario.directives import Account

from .conftest import OpenShell

SLEEPER = """
import signal, sys, time
if len(sys.argv) > 1:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("here", flush=True)
time.sleep(1)
print("done")
"""
CAT = "import sys\nprint('read', sys.stdin.read())\n"
PARTLY = """
from mpi4py import MPI
if MPI.COMM_WORLD.rank == 1:
    raise SystemExit(3)
print(MPI.COMM_WORLD.rank, "ran")
"""
RECEIVE = "from mpi4py import MPI\nMPI.COMM_WORLD.recv(source=0)\n"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    for name, text in (
        ("sleeper", SLEEPER), ("cat", CAT), ("partly", PARTLY), ("receive", RECEIVE),
    ):  # fmt: skip
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


async def test_a_job_in_the_background_is_told_of_when_it_ends(
    shell: OpenShell, programs: Path
) -> None:
    async with shell(folder=programs) as sh:
        assert await sh("cd /host; yod -n 2 sleeper.py &") == "[1] yod -n 2 sleeper.py\n"
        (job,) = json.loads(await sh("jobs --json"))
        assert (job["id"], job["command"], job["size"]) == (1, "sleeper.py", 2)
        assert await sh("wait; echo $?") == (
            "here\nhere\ndone\ndone\n[1] Done  yod -n 2 sleeper.py\n0\n"
        )
        assert await sh("jobs") == ""


async def test_signals_end_jobs_or_are_ignored(shell: OpenShell, programs: Path) -> None:
    async with shell(folder=programs) as sh:
        await sh("cd /host; yod sleeper.py & yod sleeper.py ignores &")
        await sh("sleep 1ms; kill 1 2")
        assert await sh("wait 1") == "[1] SIGTERM  yod sleeper.py\n"
        assert sh.status == 128 + 15
        await sh("kill -9 2")
        assert await sh("fg 2") == "yod sleeper.py ignores\n"
        assert sh.status == 128 + 9
        assert await sh("kill 2") == "kill: no job 2 waits or runs\n"
        await sh("yod sleeper.py & sleep 1ms")
        assert await sh("kill 2 3") == "kill: no job 2 waits or runs\n"
        assert sh.status == 1
        assert await sh("wait") == "[3] SIGTERM  yod sleeper.py\n"
        assert await sh("kill -s NONE 2") == (
            "kill: invalid value for '-s' / '--signal': no such signal: 'NONE' "
            "(try 'kill --help')\n"
        )
        assert "TERM" in await sh("kill -l")


async def test_jobs_of_others_are_left_alone(shell: OpenShell, programs: Path) -> None:
    alice = Account("alice", ("programmers",), "secret")
    async with shell("secret", folder=programs, accounts=(alice,)) as sh:
        await sh("yod /host/sleeper.py & sleep 1ms")
        await sh("login alice")
        assert await sh("jobs; kill 1; bt 1") == (
            "kill: job 1 belongs to user, not to alice\nbt: job 1 belongs to user\n"
        )
        assert "sleeper.py" in await sh("ps -a")
        await sh("logout; kill 1")
        assert await sh("wait") == "[1] SIGTERM  yod /host/sleeper.py\n"


async def test_a_job_waits_for_its_nodes(shell: OpenShell, programs: Path) -> None:
    async with shell(folder=programs) as sh:
        nodes = json.loads(await sh("machine --json"))["compute_nodes"]
        await sh(f"cd /host; yod -n {nodes} sleeper.py >/dev/null & yod -n 2 sleeper.py &")
        await sh("sleep 1ms")
        states = {job["id"]: job["state"] for job in json.loads(await sh("jobs --json"))}
        assert states == {1: "R", 2: "PD"}
        assert "waiting (Resources)" in await sh("jobs")
        printed = await sh("wait")
        assert printed.splitlines()[-1] == "[2] Done  yod -n 2 sleeper.py"


async def test_where_the_ranks_of_a_job_stand(shell: OpenShell, programs: Path) -> None:
    async with shell(folder=programs) as sh:
        await sh("cd /host; yod -n 4 sleeper.py & sleep 1ms")
        standing = await sh("bt")
        assert "ranks 0-3" in standing
        assert "sleeper.py" in standing
        assert await sh("bt 9") == "bt: no job 9 waits or runs; 'jobs' lists yours\n"


async def test_input_comes_from_a_file(shell: OpenShell, programs: Path) -> None:
    async with shell(folder=programs) as sh:
        await sh("cd /host; echo words > ~/words")
        assert await sh("yod -i ~/words cat.py") == "read words\n\n"
        assert await sh("yod cat.py < ~/words") == "read words\n\n"
        assert await sh("srun -i /home/user/words cat.py") == "read words\n\n"
        assert await sh("yod -i none cat.py") == "yod: none: No such file or directory\n"


async def test_output_goes_to_files_of_the_machine(shell: OpenShell, programs: Path) -> None:
    async with shell(folder=programs) as sh:
        await sh("cd /host; yod sleeper.py > ~/out & wait")
        assert await sh("yod cat.py < ~/out") == "read here\ndone\n\n"
        await sh("srun -o job-%j.txt sleeper.py")
        assert (programs / "job-3.txt").read_text() == "here\ndone\n"
        await sh("srun -o out.txt -e err.txt -n 2 partly.py")
        assert (programs / "out.txt").read_text() == "0 ran\n"
        assert "only %j" in await sh("srun -o %t.txt sleeper.py")


async def test_the_nodes_can_be_chosen(shell: OpenShell, programs: Path) -> None:
    async with shell(folder=programs, nodes=8) as sh:
        await sh("cd /host; yod -list 3,1..2 sleeper.py & sleep 1ms")
        assert json.loads(await sh("jobs --json"))[0]["nodes"] == [3, 1, 2]
        await sh("srun -w n[4-5] sleeper.py & sleep 1ms")
        assert json.loads(await sh("jobs --json"))[1]["nodes"] == [4, 5]
        assert await sh("yod -sz 3 -list 4,5 sleeper.py") == (
            "yod: 3 processes do not fit on the 2 nodes of the list (try 'yod --help')\n"
        )


async def test_one_process_that_fails_ends_the_job_if_that_is_asked_for(
    shell: OpenShell, programs: Path
) -> None:
    async with shell(folder=programs) as sh:
        assert "0 ran" in await sh("cd /host; yod -n 2 partly.py")
        assert sh.status == 3
        assert "backtrace" not in await sh("yod -n 2 -kill -bt partly.py")
        assert sh.status == 3


async def test_time_limits_are_kept(shell: OpenShell, programs: Path) -> None:
    async with shell(folder=programs) as sh:
        printed = await sh("cd /host; srun -t 5ms sleeper.py")
        assert printed == "here\nthe time limit of job 1 is over\n"
        assert sh.status == 128 + 15


async def test_phases_of_the_launch_are_told(shell: OpenShell, programs: Path) -> None:
    async with shell(folder=programs) as sh:
        printed = await sh("yod -timing /host/cat.py")
        assert "allocate nodes" in printed


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("yod -proc 4 heat", "4 is not in the range 0<=x<=3"),
        ("yod --mode toaster heat", "no plugin offers the mode 'toaster'"),
        ("srun --mode virtual-node -N 2 -n 5 heat", "5 tasks take 3 nodes, 2 on each, not 2"),
        ("yod -list 3..1 heat", "3..1 runs backwards"),
        ("yod -list x heat", "is no list of nodes; write such as 0..7,12"),
        ("srun -N 2 -n 4 heat", "4 tasks take 4 nodes, one each, not 2"),
        ("srun --exclusive heat", "no such option '--exclusive'"),
        ("yod -n 2 none.py", "no such program: 'none.py'"),
        ("wait 7", "this shell has no job 7 in the background"),
        ("fg", "this shell has no job in the background"),
    ],
)
async def test_mistakes_are_one_line(shell: OpenShell, line: str, message: str) -> None:
    async with shell() as sh:
        printed = await sh(line)
        assert message in printed
        assert printed.count("\n") == 1
        assert sh.status != 0


async def test_policies_are_shown_and_chosen_by_root(shell: OpenShell) -> None:
    async with shell() as sh:
        assert "first-free" in await sh("policy allocator")
        assert await sh("policy allocator first-free") == (
            "policy: only root chooses policies; 'login root' first\n"
        )
        await sh("login root; policy allocator first-free; policy timing wormhole --boot")
        data = {each["kind"]: each for each in json.loads(await sh("policy --json"))}
        assert data["timing"]["policy"] == "contention-free"
        assert data["timing"]["next_boot"] == "wormhole"
        assert "chosen when a machine is booted" in await sh("policy timing wormhole")
        await sh("shutdown; boot")
        assert json.loads(await sh("machine --json"))["timing"] == "wormhole"


async def test_a_load_file_launches_several_programs_as_one_job(
    shell: OpenShell, programs: Path
) -> None:
    (programs / "rank.py").write_text(
        "import sys\nfrom mpi4py import MPI\ncomm = MPI.COMM_WORLD\n"
        "print(comm.rank, comm.size, *sys.argv)\ncomm.Barrier()\n"
    )
    (programs / "load").write_text(
        "# two of one, and one of another\n-sz 2 rank.py a\n\n-sz 1 rank.py 'b c'\n"
    )
    async with shell(folder=programs) as sh:
        printed = await sh("cd /host; yod -load load")
        assert sorted(printed.splitlines()) == [
            "0 3 rank.py a", "1 3 rank.py a", "2 3 rank.py b c",
        ]  # fmt: skip
        await sh("echo '-list 1..2 rank.py' > bad; echo 'rank.py' >> bad")
        assert await sh("yod -load bad") == "yod: bad: either all lines have -list, or none\n"
        await sh("echo '-sz none rank.py' > bad")
        assert await sh("yod -load bad") == (
            "yod: bad:1: -sz none: write how many ranks, 1 at least\n"
        )
        assert "says what runs" in await sh("yod -load load rank.py")


async def test_tools_watch_one_job(shell: OpenShell, programs: Path) -> None:
    async with shell(folder=programs) as sh:
        assert "MPI" in await sh("cd /host; yod --profile -n 2 partly.py")
        assert "MPI" not in await sh("yod -n 2 partly.py")
        assert "no tool" not in await sh("yod --check -n 2 partly.py")
        assert "algorithm" in await sh("yod --coll bcast=none -n 2 heat")
        assert sh.status == 2


async def test_jobs_have_names(shell: OpenShell, programs: Path) -> None:
    async with shell(folder=programs) as sh:
        await sh("srun -J weather /host/sleeper.py & sleep 1ms")
        assert json.loads(await sh("jobs --json"))[0]["name"] == "weather"


async def test_who_waits_for_nodes_is_told(shell: OpenShell, programs: Path) -> None:
    async with shell(folder=programs) as sh:
        nodes = json.loads(await sh("machine --json"))["compute_nodes"]
        await sh(f"cd /host; yod -n {nodes} sleeper.py >/dev/null & sleep 1ms")
        assert (await sh("yod sleeper.py")).startswith("yod: job 2 waits for nodes\nhere\n")
