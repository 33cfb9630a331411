"""Jobs of those who are logged in: whose they are, who may end them, and what is on record."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vmpp.machine.session import RefusedError
from vmpp.machine.state import State
from vmpp.service import LaunchError
from vmpp.service.accounting import WENT_DOWN
from vmpp.service.client import ServerDownError
from vmpp.service.log import Kind
from vmpp.service.status import JobState

HELLO = b"import os\nprint('hello', os.getcwd())\n"
FOR_EVER = b"import time\nprint('here', flush=True)\nwhile True: time.sleep(1e-3)\n"


async def people(machine: Any) -> tuple[Any, Any, Any]:
    """Return the sessions of alice, bob and root, the first two with programs."""
    root = await machine.console("root")
    await root.add_user("bob", "tuna", groups=["programmers"])
    alice, bob = await machine.console(), await machine.log_in("bob", "tuna")
    for session in (alice, bob):
        await session.files.write("hello.py", HELLO)
        await session.files.write("ever.py", FOR_EVER)
    return alice, bob, root


async def test_a_job_is_its_owners_and_starts_where_they_are(booting: Any) -> None:
    async with booting() as machine:
        alice, bob, _ = await people(machine)
        await bob.files.mkdir("d")
        await bob.files.rename("hello.py", "d/hello.py")
        await bob.chdir("d")
        result = await bob.wait(await bob.launch("hello.py", 1))
        assert result.stdout == b"hello /home/bob/d\n"
        ever = await alice.launch("ever.py", 2)
        (job,) = await bob.jobs()
        assert (job.id, job.user, job.uid, job.size) == (ever.id, "alice", 1000, 2)
        assert job.state in {JobState.LOADING, JobState.RUNNING, JobState.PENDING}


async def test_only_its_owner_and_root_signal_a_job(booting: Any) -> None:
    async with booting() as machine:
        alice, bob, root = await people(machine)
        first, second = await alice.launch("ever.py", 1), await alice.launch("ever.py", 1)
        with pytest.raises(RefusedError, match=r"alice"):
            await bob.signal(first.id, signal.SIGKILL)
        await alice.sleep(10**9)
        await alice.signal(first.id, signal.SIGTERM)
        assert (await alice.wait(first)).status == 128 + signal.SIGTERM
        await root.signal(second.id, signal.SIGKILL)
        assert (await alice.wait(second)).status == 128 + signal.SIGKILL
        with pytest.raises(RefusedError, match="no job 99"):
            await alice.signal(99, signal.SIGTERM)


async def test_jobs_in_the_background_outlive_their_session(booting: Any) -> None:
    async with booting() as machine:
        alice, bob, _ = await people(machine)
        ever = await alice.launch("ever.py", 1)
        await alice.log_out()
        await bob.sleep(10**9)
        assert [job.id for job in await bob.jobs()] == [ever.id]
        again = await machine.console()
        await again.signal(ever.id, signal.SIGTERM)
        await again.wait(ever)
        assert await bob.jobs() == []


async def test_every_job_is_on_record_when_its_end_is_told(booting: Any) -> None:
    async with booting() as machine:
        alice, bob, root = await people(machine)
        result = await alice.wait(await alice.launch("hello.py", 4))
        await bob.wait(await bob.launch("hello.py", 1))
        (job,) = await alice.history()
        assert result.status == 0
        assert (job.user, job.name, job.size, job.state) == (
            "alice", "hello.py", 4, JobState.COMPLETED,
        )  # fmt: skip
        assert job.nodes == (0, 1, 2, 3)
        assert job.exit == 0
        assert job.start is not None
        assert job.end is not None
        assert job.submit <= job.start < job.end <= alice.now
        assert job.system_calls >= 4
        assert [each.user for each in await bob.history()] == ["bob"]
        assert [each.user for each in await root.history()] == ["alice", "bob"]


async def test_what_ends_while_accounting_is_stopped_is_on_record_later(booting: Any) -> None:
    async with booting() as machine:
        alice, _, _ = await people(machine)
        machine.stop_server("accounting")
        await alice.wait(await alice.launch("hello.py", 1))
        with pytest.raises(ServerDownError):
            await alice.history()
        machine.start_server("accounting")
        await alice.sleep(10**9)
        assert [job.state for job in await alice.history()] == [JobState.COMPLETED]


async def test_what_ends_while_accounting_is_stopped_outlives_the_machine(
    booting: Any, tmp_path: Path
) -> None:
    async with booting(State.at(tmp_path / "state", user="alice")) as machine:
        alice, _, _ = await people(machine)
        machine.stop_server("accounting")
        await alice.wait(await alice.launch("hello.py", 1))
    async with booting(State.at(tmp_path / "state")) as machine:
        (job,) = await (await machine.console()).history()
        assert (job.state, job.exit) == (JobState.COMPLETED, 0)


async def test_a_job_that_is_refused_is_not_on_record_and_one_that_waits_is(booting: Any) -> None:
    async with booting() as machine:
        alice, bob, root = await people(machine)
        with pytest.raises(LaunchError):
            await alice.launch("hello.py", 5)
        assert await root.history() == []
        await alice.launch("ever.py", 4)
        await bob.launch("hello.py", 1)
        states = {job.user: job.state for job in await root.history()}
        assert states["bob"] == JobState.PENDING
        assert states["alice"] in {JobState.PENDING, JobState.LOADING, JobState.RUNNING}


async def test_nobody_reads_what_the_job_of_another_prints(booting: Any) -> None:
    async with booting() as machine:
        alice, bob, _ = await people(machine)
        await bob.files.write("hello.py", b"print('from bob')")
        first, second = await alice.launch("hello.py", 2), await bob.launch("hello.py", 2)
        assert (await bob.wait(second)).stdout == b"from bob\n" * 2
        assert (await alice.wait(first)).stdout == b"hello /home/alice\n" * 2


async def test_numbers_of_jobs_go_on_from_boot_to_boot(booting: Any, tmp_path: Path) -> None:
    ends = []
    for boot in range(3):
        async with booting(State.at(tmp_path / "state", user="alice")) as machine:
            alice = await machine.console()
            await alice.files.write("hello.py", HELLO)
            job = await alice.launch("hello.py", 1)
            assert job.id == boot + 1
            await alice.wait(job)
            jobs = await alice.history()
            assert [each.id for each in jobs] == list(range(1, boot + 2))
            ends.append(jobs[-1].end)
    assert ends == sorted(ends)


async def test_a_machine_that_goes_down_ends_its_jobs(booting: Any, tmp_path: Path) -> None:
    async with booting(State.at(tmp_path / "state", user="alice")) as machine:
        alice = await machine.console()
        await alice.files.write("ever.py", FOR_EVER)
        ever = await alice.launch("ever.py", 1)
    async with booting(State.at(tmp_path / "state")) as machine:
        (job,) = await (await machine.console()).history()
        assert (job.id, job.state, job.reason) == (ever.id, JobState.NODE_FAIL, WENT_DOWN)


async def test_launches_and_ends_are_in_the_log(booting: Any) -> None:
    async with booting() as machine:
        alice, _, root = await people(machine)
        await alice.wait(await alice.launch("hello.py", 2))
        machine.crash(3)
        await alice.sleep(10**11)
        events = await root.log(kinds=[Kind.LAUNCH, Kind.END, Kind.FAULT])
        told = [(event.kind, event.user, event.text.partition(" at ")[0]) for event in events]
        assert told == [
            (Kind.LAUNCH, "alice", "job 1: hello.py on 2 nodes"),
            (Kind.END, "alice", "job 1: status 0"),
            (Kind.FAULT, "", "node 3 crash"),
        ]


LAUNCHES_FOR_EVER = """
import sys, trio, vmpp

async def main():
    async with vmpp.boot(nodes=4, state=vmpp.State.at(sys.argv[1], user="alice")) as machine:
        alice = await machine.console()
        await alice.files.write("hello.py", b"print('hello')")
        while True:
            job = await alice.launch("hello.py", 2)
            await alice.wait(job)
            print(job.id, flush=True)

trio.run(main)
"""


def test_no_job_that_was_told_of_is_lost_when_the_host_process_is_killed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    told: list[int] = []
    for jobs in (1, 5, 2):
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHES_FOR_EVER, str(state)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        told += [int(process.stdout.readline()) for _ in range(jobs)]
        process.kill()
        told += [int(line) for line in process.stdout if line.endswith("\n")]
        process.stdout.close()
        process.wait()
        database = sqlite3.connect(state / "accounting.sqlite")
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = dict(database.execute("SELECT id, state FROM jobs").fetchall())
        database.close()
        assert all(rows[number] == JobState.COMPLETED for number in told)
    assert told == sorted(set(told))
