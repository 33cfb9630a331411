"""Commands that show the machine: showmesh, nodes, top, and Slurm's."""

from __future__ import annotations

import json
import re

from vmpp.scenario.directives import HomeFile

SLEEPER = """
import sys, time

time.sleep(float(sys.argv[1]))
print("slept")
"""


FILES = (HomeFile("sleeper.py", SLEEPER.encode()),)


async def start(run, size, *args):
    """Have a job of the session's run in the background."""
    job = await run.session.launch("sleeper.py", size, args)
    await run.session.sleep(10**9)
    return job


async def test_showmesh(shell):
    async with shell(files=FILES) as run:
        idle = await run("showmesh")
        assert idle.startswith("  0 1 2\n0 * * *\n1 * S I\n")
        assert idle.endswith("Available nodes: 4\n")
        await start(run, 2, "10")
        busy = await run("showmesh")
        assert busy.startswith("  0 1 2\n0 a a *\n1 * S I\n")
        assert "Available nodes: 2\n" in busy
        assert re.search(r"a +1 +\w+ +2 +\d.* sleeper.py 10$", busy.rstrip())
        data = json.loads(await run("showmesh --json"))
        assert [node["job"] for node in data["nodes"]] == [1, 1, 0, 0, 0, 0]


async def test_pictures_where_nobody_looks_are_printed(shell):
    async with shell(files=FILES) as run:
        await start(run, 2, "10")
        one = await run("showmesh --live")
        assert one.count("waiting") >= 1
        several = await run("showmesh --live -n 3 -d '0.5 s'")
        times = [line for line in several.splitlines() if line.startswith("default ")]
        assert len(times) == 3
        assert (await run("top -n 2 -d 10ms")).count("of virtual time") == 2


async def test_nodes(shell):
    async with shell(files=FILES) as run:
        listed = (await run("nodes")).splitlines()
        assert len(listed) == 7
        assert (await run("nodes service")).splitlines()[1].split()[:3] == [
            "4", "default-n00004", "service",
        ]  # fmt: skip
        await start(run, 3, "10")
        assert len((await run("nodes --job 1")).splitlines()) == 4
        assert len((await run("nodes 0..3 --state free")).splitlines()) == 2
        assert "there is no node 9" in await run("nodes 0..9")
        assert "is no set of nodes" in await run("nodes here")


async def test_squeue_and_scancel(shell):
    async with shell(files=FILES) as run:
        await start(run, 3, "10")
        await start(run, 4, "20")
        lines = (await run("squeue")).splitlines()
        assert lines[0].split() == [
            "JOBID", "PARTITION", "NAME", "USER", "ST", "TIME", "NODES", "NODELIST(REASON)",
        ]  # fmt: skip
        assert [line.split()[4] for line in lines[1:]] == ["PD", "R"]
        assert lines[2].endswith("default-n[00000-00002]")
        assert lines[1].endswith(")")
        assert await run("squeue -h -t R -o '%i %D'") == "1 3\n"
        assert "did you mean" in await run("squeue -t runing")
        assert "there is no column %X" in await run("squeue -o %X")
        assert "there is no job 9" in await run("scancel 9")
        assert run.status == 1
        assert await run("scancel 1 2") == ""
        assert len((await run("squeue")).splitlines()) <= 3
        assert "which jobs?" in await run("scancel")
        assert "no such signal: 'TREM'; did you mean 'TERM'" in await run("scancel -s TREM 1")


async def test_sinfo(shell):
    async with shell(files=FILES) as run:
        await start(run, 3, "10")
        assert await run("sinfo -h") == (
            "compute* up infinite 3 alloc default-n[00000-00002]\n"
            "compute* up infinite 1 idle  default-n00003\n"
            "service  up infinite 1 resv  default-n00004\n"
            "io       up infinite 1 resv  default-n00005\n"
        )
        assert len((await run("sinfo -N")).splitlines()) == 7
        await run("fault node 3 crash")
        assert "idle*" in await run("sinfo -p compute")


async def test_sacct(shell):
    async with shell(files=FILES) as run:
        await run("yod -n 2 sleeper.py 0.5")
        await run("yod -n 1 sleeper.py nonsense")
        lines = (await run("sacct")).splitlines()
        assert lines[0].split() == [
            "JobID", "JobName", "Partition", "Account", "AllocCPUS", "State", "ExitCode",
        ]  # fmt: skip
        assert [line.split()[-2:] for line in lines[2:]] == [
            ["COMPLETED", "0:0"],
            ["FAILED", "1:0"],
        ]
        assert await run("sacct -n -P -j 1 --format JobID,State,NNodes") == "1|COMPLETED|2\n"
        assert "SystemCalls" in await run("sacct -e")
        assert (await run("sacct -n -P -E 0 --format JobID")).split() in ([], ["1"])
        data = json.loads(await run("sacct --json"))
        assert [job["state"] for job in data] == ["CD", "F"]
