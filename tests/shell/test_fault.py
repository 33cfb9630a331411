"""The command fault."""

from __future__ import annotations

import json

from vmpp.scenario.directives import Account

RING = """
from mpi4py import MPI

comm = MPI.COMM_WORLD
for turn in range(50):
    comm.sendrecv(turn, (comm.rank + 1) % comm.size, source=(comm.rank - 1) % comm.size)
print("done")
"""


async def test_what_is_broken_breaks_jobs_and_is_listed(shell, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(RING)
    async with shell(folder=tmp_path) as run:
        assert await run("fault") == "0 messages lost\n"
        assert await run("fault link 0-1 down in 80us") == ""
        assert "deadlock after " in await run("yod -n 4 /host/program.py")
        assert run.status == 1
        await run("fault link 0-1 up")
        assert await run("yod -n 4 /host/program.py") == "done\n" * 4
        printed = await run("fault")
        assert "link 0-1 down" in printed
        assert "link 0-1 up" in printed
        assert "messages lost" in printed
        data = json.loads(await run("fault --json"))
        assert [each["fault"].split(" at ")[0] for each in data["faults"]] == [
            "link 0-1 down",
            "link 0-1 up",
        ]
        assert data["lost"] > 0


async def test_what_is_to_come_is_said(shell):
    async with shell() as run:
        await run("fault node 3 crash in 2s")
        assert (await run("fault")).splitlines()[1].split() == [
            "2", "s", "node", "3", "crash", "to", "come",
        ]  # fmt: skip


async def test_mistakes_are_one_line(shell):
    async with shell() as run:
        for line, reason in [
            ("fault node 3 melt", 'write it such as "node 3 crash at 2 ms"'),
            ("fault link 1-1 down", "nodes 1 and 1 have no link between them; the neighbours of"),
            ("fault server fils stop", "did you mean 'files'"),
            ("fault drop 0% from all to all", "0% is not more than 0%"),
        ]:
            printed = await run(line)
            assert run.status == 1
            assert printed.startswith("fault: ")
            assert reason in printed
            assert len(printed.splitlines()) == 1


async def test_a_server_that_is_stopped_and_started(shell, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("print('hello')\n")
    async with shell(folder=tmp_path) as run:
        await run("fault server files stop")
        assert "Input/output error" in await run("yod /host/program.py")
        await run("fault server files start")
        assert await run("yod /host/program.py") == "hello\n"


async def test_who_may_not_be_root_may_not_break_the_machine(shell):
    async with shell("secret", accounts=(Account("alice", password="secret"),)) as run:
        await run("fault node 3 crash in 2s")
        await run("login alice")
        assert await run("whoami") == "alice\n"
        assert await run("fault node 2 crash") == "fault: only root may break the machine\n"
        assert run.status == 1
        # To look is allowed.
        assert "node 3 crash" in await run("fault")
        await run("logout")
        assert await run("fault node 2 crash") == ""
