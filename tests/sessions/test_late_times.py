"""A machine that has been up for ages of virtual time goes on: a program may sleep for years."""

from __future__ import annotations

from pathlib import Path

import pytest

import vmpp
from vmpp.engine import SECOND
from vmpp.machine.state import State
from vmpp.process.calls import LATEST
from vmpp.service.status import JobState

SLEEPS = b"""
import sys, time
from mpi4py import MPI
time.sleep(float(sys.argv[1]))
print(open("sleeps.py").readline() == "\\n")
"""
YEAR = 365 * 24 * 3600


@pytest.mark.parametrize("seconds", [YEAR, 1000 * YEAR])
async def test_everything_works_after_years(seconds: int) -> None:
    async with vmpp.boot(state=State.ephemeral(user="alice"), nodes=4) as machine:
        session = await machine.console()
        await session.files.write("sleeps.py", SLEEPS)
        job = await session.launch("sleeps.py", 2, [str(seconds)])
        assert (await session.wait(job)).status == 0
        assert machine.engine.now >= seconds * SECOND
        other = await machine.console("root")
        assert len(await other.who()) == 2
        second = await session.launch("sleeps.py", 1, ["1"])
        assert len(await session.jobs()) == 1
        assert (await session.wait(second)).stdout == b"True\n"
        rows = await other.history(user="alice")
        assert [row.state for row in rows] == [JobState.COMPLETED] * 2
        assert [row.end for row in rows] == [LATEST] * 2
        assert rows[0].submit < SECOND
        assert await other.log()
        with pytest.raises(vmpp.VmppError, match="login incorrect"):
            await machine.log_in("alice", "guess")


async def test_the_next_boot_begins_anew(tmp_path: Path) -> None:
    async with vmpp.boot(state=State.at(tmp_path / "state", user="alice"), nodes=4) as machine:
        session = await machine.console()
        await session.sleep(LATEST)
        await session.log_out()
    async with vmpp.boot(state=State.at(tmp_path / "state"), nodes=4) as machine:
        assert machine.engine.now == 0
        session = await machine.console()
        await session.sleep(SECOND)
        assert await session.files.listdir("/home") == ["alice"]
